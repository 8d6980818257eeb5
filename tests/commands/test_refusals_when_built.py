"""What only the data or a built model shows to be wrong, and the sentence for each."""

from pathlib import Path

import pytest


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
