"""Seeds, trainers, models, data and evaluation: wrong values, and the sentence for each."""

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "tracking.figures=some",
            "tracking.figures=some is not known; accepted: auto, all, none.",
        ),
        (
            "teacher.trainer.augmentation=null",
            "teacher.trainer.augmentation=null is no mapping of names to augmentations; accepted: "
            "one, as in conf/augmentation, or {} for none.",
        ),
        (
            "teacher=gradient_boosting teacher.trainer.max_epochs=5",
            "teacher.trainer.max_epochs has no effect: the teacher is not trained, as it is fitted "
            "at once: its settings are under teacher.model.estimator.",
        ),
        (
            "teacher.balance.C=2",
            "teacher.balance.C=2 has no effect while teacher.balance.by is null; name a group "
            "block there, or leave the key at 1.0.",
        ),
        (
            "teacher.balance.members=[a]",
            "teacher.balance.members=[a] has no effect while teacher.balance.by is null; name a "
            "group block there, or leave the key at null.",
        ),
        (
            "data=arrests teacher.balance.by=sx",
            "Unknown group block in teacher.balance.by 'sx'; did you mean 'sex'? Accepted: colour, "
            "sex. The data's blocks are set by data.groups.",
        ),
        (
            "teacher.balance.by=sex teacher.balance.rows=test",
            "teacher.balance.rows=test is not known; accepted: train, validation.",
        ),
        (
            "teacher.balance.by=sex teacher.balance.C=0",
            "teacher.balance.C=0 is out of range; accepted: a number above 0.",
        ),
        (
            "teacher=ensemble teacher.balance.by=sex teacher.balance.members=[a,d]",
            "Unknown member in teacher.balance.members 'd'. Accepted: a, b, c.",
        ),
        (
            "teacher=ensemble teacher.balance.by=sex teacher.balance.members=a",
            "teacher.balance.members=a is not a list of members; accepted: null for all, or at "
            "least one name, as in [a,b].",
        ),
        (
            "seed=null",
            "seed=null is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        ("seed=-1", "seed=-1 is out of range; accepted: a whole number from 0 to 4294967295."),
        (
            "seed=1.5",
            "seed=1.5 is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        (
            "replicate=two",
            "replicate=two is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        (
            "trainer.max_epochs=0",
            "trainer.max_epochs=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "trainer.batch_size=many",
            "trainer.batch_size=many is not a whole number; accepted: a whole number of at least "
            "1.",
        ),
        ("trainer.mode=best", "trainer.mode=best is not known; accepted: min, max."),
        (
            "trainer.progress=loud",
            "trainer.progress=loud is not known; accepted: auto, on, off.",
        ),
        (
            "trainer.patience=0",
            "trainer.patience=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "trainer.gradient_clip_val=0",
            "trainer.gradient_clip_val=0 is out of range; accepted: a number above 0.",
        ),
        (
            "trainer.optimizer.lr=0",
            "trainer.optimizer.lr=0 is out of range; accepted: a number above 0.",
        ),
        (
            "trainer.optimizer.weight_decay=-1",
            "trainer.optimizer.weight_decay=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "teacher.trainer.max_epochs=0",
            "teacher.trainer.max_epochs=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "teacher.seed=x",
            "teacher.seed=x is not a whole number; accepted: a whole number from 0 to 4294967295.",
        ),
        ("force=maybe", "force=maybe is not known; accepted: none, student, all."),
        ("dry_run=maybe", "dry_run=maybe is not known; accepted: true, false."),
        (
            "data.groups=[]",
            "data.groups=[] is not a list of group blocks; accepted: at least one column or "
            "intersection, as in data.groups=[sex,sex+race].",
        ),
        (
            "data.groups=sex",
            "data.groups=sex is not a list of group blocks; accepted: at least one column or "
            "intersection, as in data.groups=[sex,sex+race].",
        ),
        (
            "data.groups=[sex,sex]",
            "data.groups=[sex,sex] names a block twice; name each once.",
        ),
        (
            "data.rare_groups.rule=drop",
            "data.rare_groups.rule=drop is not known; accepted: keep, merge_below_rows, "
            "merge_below_fraction.",
        ),
        (
            "data.rare_groups.limit=5",
            "data.rare_groups.limit=5 has no effect with data.rare_groups.rule=keep; leave the "
            "limit null, or choose the rule merge_below_rows or merge_below_fraction.",
        ),
        (
            "data.validation_fraction=1",
            "data.validation_fraction=1 is out of range; accepted: a number above 0 and of at "
            "most 0.9.",
        ),
        (
            "data.validation_fraction=0",
            "data.validation_fraction=0 is out of range; accepted: a number above 0 and of at "
            "most 0.9.",
        ),
        (
            "evaluation.draws=1",
            "evaluation.draws=1 is out of range; accepted: a whole number of at least 10.",
        ),
        (
            "evaluation.threshold=2",
            "evaluation.threshold=2 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "student.hidden=[]",
            "student.hidden=[] is not a list of widths; accepted: one whole number for each "
            "hidden layer, at least one layer, as in student.hidden=[64,32].",
        ),
        (
            "student.hidden=64",
            "student.hidden=64 is not a list of widths; accepted: one whole number for each "
            "hidden layer, at least one layer, as in student.hidden=[64,32].",
        ),
        (
            "student.hidden=[0]",
            "student.hidden=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "teacher.model.hidden=[big]",
            "teacher.model.hidden=big is not a whole number; accepted: a whole number of at least"
            " 1.",
        ),
    ],
)
def test_refused_before_anything_is_written(
    fairkd, workplace: Path, words: str, sentence: str
) -> None:
    assert fairkd(*words.split()) == (1, "", f"{sentence}\n")
    assert list(workplace.iterdir()) == []
