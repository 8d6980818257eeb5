"""Words, keys, choices and folders that cannot be, and the exact sentence that answers each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


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
            "student.activation=<=50K",
            2,
            "'student.activation=<=50K' has the signs < =, which Hydra reads in inner quotes only: "
            "'student.activation=\"<=50K\"'.",
        ),
        (
            "student.activation=hired&kept",
            2,
            "'student.activation=hired&kept' has the sign &, which Hydra reads in inner quotes "
            "only: 'student.activation=\"hired&kept\"'.",
        ),
        (
            "teacher.balance.by=sex +teacher.balance.strength=1",
            1,
            "Unknown key in teacher.balance 'strength'. Accepted: C, by, members, rows.",
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
def test_refused_before_anything_is_written(
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
