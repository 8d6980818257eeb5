"""What would misread imperfect training rows is refused; what is not refused reads them rightly."""

import re

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import Tensor

from fairkd.commands.checking.data import (
    BY_LIKELIEST_CLASS,
    DEPENDENCE,
    SHARES_OF_CELLS,
    SHARES_OF_GROUPS,
)
from fairkd.commands.configuration import config_folder
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.flips import corrected
from fairkd.distillation.term import DistillationTerm
from fairkd.identity import LEARNERS
from fairkd.models.features import run
from fairkd.models.mlp import MLP

FILES = sorted(file.stem for file in (config_folder() / "distillation").glob("*.yaml"))
OF_OTHER_MODELS = ("attention", "neuron_selectivity", "gradient_aware")
BLOCKS = Blocks.of({"sex": ["f", "m"]})
LABELS, RATE, CLASSES = "data.imperfect.label_flip_rate=0.2", 0.2, 3
REFUSED = BY_LIKELIEST_CLASS | SHARES_OF_CELLS | SHARES_OF_GROUPS


def terms_of(name: str) -> list[DistillationTerm]:
    words = [f"distillation={name}", "constraint=none", "data=iris"]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = compose("train", words)
    return [instantiate(term) for term in config.distillation.terms.values()]


def targets_of(name: str) -> set[str]:
    return {f"{type(term).__module__}.{type(term).__qualname__}" for term in terms_of(name)}


class Readings:
    """A term's value for the same rows under any labels."""

    def __init__(self, term: DistillationTerm) -> None:
        student, teacher = (MLP(4, CLASSES, (8, 6)).eval() for _ in range(2))
        x = 8 * torch.randn(12, 4)  # sure enough to be weighted by it
        with torch.no_grad():
            self.ours = run(student, x, term.student_features)
            self.theirs = run(teacher, x, term.teacher_features)
        self.batch = Batch(
            x,
            torch.arange(12) % CLASSES,
            torch.eye(2)[torch.arange(12) % 2],
            torch.arange(12),
            torch.ones(12),
        )
        term.find_groups(BLOCKS)
        term.connect(self.ours, self.theirs, torch.Generator().manual_seed(0))
        outputs = {"train": self.theirs, "validation": self.theirs}
        term.learn(outputs, {"train": self.batch, "validation": self.batch})
        self.term = term

    def __call__(self, y: Tensor) -> Tensor:
        batch = self.batch._replace(y=y)
        with torch.no_grad():
            value: Tensor = self.term(self.ours, self.theirs, batch, torch.tensor(1.0))
        return value


@pytest.mark.parametrize("name", [n for n in FILES if n not in (*OF_OTHER_MODELS, "none")])
def test_every_term_is_right_under_corrected_labels_or_refused(name: str) -> None:
    """Its expectation over recorded labels is its value for the true ones, row by row."""
    for term in terms_of(name):
        target = f"{type(term).__module__}.{type(term).__qualname__}"
        reading = Readings(term)
        true = reading.batch.y
        clean = reading(true)
        soft = torch.from_numpy(corrected(np.eye(CLASSES, dtype=np.float32), RATE, "r", "classes"))
        expected = (1 - RATE) * reading(soft[true])
        for further in range(1, CLASSES):
            expected += RATE / (CLASSES - 1) * reading(soft[(true + further) % CLASSES])
        right = torch.allclose(expected, clean, rtol=1e-3, atol=1e-4)
        if target in SHARES_OF_GROUPS:
            continue  # a step of its shares is not linear; its losses of groups are
        assert right == (target not in REFUSED), target


def test_the_measures_and_learners_refused_are_those_of_the_configuration() -> None:
    def targets(group: str) -> set[str]:
        files = (config_folder() / group).glob("*.yaml")
        texts = "\n".join(file.read_text() for file in files)
        return set(re.findall(r"_target_: (fairkd\.[\w.]+)", texts))

    assert targets("constraint") >= DEPENDENCE
    bounds = {"penalty.Penalty", "dual.Lagrangian", "dual.NuPI", "dual.AugmentedLagrangian"}
    linear = {"fairkd.fairness.covariance.Covariance"}
    of_bounds = {f"fairkd.fairness.{name}" for name in bounds}
    assert targets("constraint") - DEPENDENCE == of_bounds | linear
    assert targets("baseline") - set(LEARNERS) == {
        "fairkd.baselines.threshold_optimizer.ThresholdOptimizer"
    }


def test_the_terms_refused_are_terms_of_the_configuration() -> None:
    known = {target for name in FILES if name != "none" for target in targets_of(name)}
    assert known >= REFUSED


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            f"distillation=decoupled {LABELS}",
            "data.imperfect.label_flip_rate=0.2 cannot be used beside distillation.terms.decoupled,"
            " which goes by the recorded class; choose another distillation, or set "
            "data.imperfect.label_flip_rate=0.",
        ),
        (
            f"teacher=assistant +teacher.distillation.terms.d._target_={min(BY_LIKELIEST_CLASS)} "
            f"{LABELS}",
            "data.imperfect.label_flip_rate=0.2 cannot be used beside teacher.distillation.terms.d,"
            " which goes by the recorded class; choose another distillation, or set "
            "data.imperfect.label_flip_rate=0.",
        ),
        (
            "distillation=fair_features data.imperfect.label_smoothing=0.1",
            "data.imperfect.label_smoothing=0.1 cannot be used beside "
            "distillation.terms.fair_features, which would mix the classes that it tells apart; "
            "choose another distillation, or set data.imperfect.label_smoothing=0.",
        ),
        (
            "distillation=group_robust data.imperfect.group_flip_rate=0.1",
            "data.imperfect.group_flip_rate=0.1 cannot be used beside "
            "distillation.terms.group_robust, which divides by groups' rows; choose another "
            "distillation, or set data.imperfect.group_flip_rate=0.",
        ),
        (
            "teacher=assistant teacher.teacher.balance.by=sex data.imperfect.group_flip_rate=0.1",
            "data.imperfect.group_flip_rate=0.1 gives training rows negative weights, which "
            "teacher.teacher.balance.rows=train cannot use; set "
            "teacher.teacher.balance.rows=validation, or data.imperfect.group_flip_rate=0.",
        ),
        (
            f"teacher=gradient_boosting {LABELS}",
            "data.imperfect.label_flip_rate=0.2 makes labels soft, and teacher is a classifier of "
            "scikit-learn, which learns from classes alone; choose another teacher, or set "
            "data.imperfect.label_flip_rate=0.",
        ),
        (
            "constraint=equal_opportunity data.imperfect.label_smoothing=0.1",
            "data.imperfect.label_smoothing=0.1 spreads labels over classes, and "
            "constraint.terms.equal_opportunity would take true_positive_rate of that; set "
            "data.imperfect.label_smoothing=0, or choose selection_rate.",
        ),
        (
            "constraint=[penalty,wasserstein] data.imperfect.group_flip_rate=0.1",
            "data.imperfect.group_flip_rate=0.1 gives groups negative shares, which "
            "constraint=wasserstein cannot use; choose a bound (constraint=lagrangian), or set "
            "data.imperfect.group_flip_rate=0.",
        ),
        (
            f"constraint=hsic constraint.terms.hsic.given=label {LABELS}",
            "data.imperfect.label_flip_rate=0.2 gives labels negative shares, which "
            "constraint=hsic cannot use; choose a bound (constraint=lagrangian), or set "
            "data.imperfect.label_flip_rate=0.",
        ),
        (
            f"constraint=none mitigation=reweighing {LABELS}",
            "data.imperfect.label_flip_rate=0.2 gives labels negative shares, which "
            "mitigation=reweighing cannot use; choose a constraint instead, or set "
            "data.imperfect.label_flip_rate=0.",
        ),
        (
            "constraint=none baseline=grid_search data.imperfect.group_flip_rate=0.1",
            "data.imperfect.group_flip_rate=0.1 corrects training rows in a way that Fairlearn's "
            "reductions cannot use; choose baseline=threshold_optimizer, or set "
            "data.imperfect.group_flip_rate=0.",
        ),
        (
            "data.imperfect.known_groups=2",
            "data.imperfect.known_groups=2 is out of range; accepted: a number above 0 and of at "
            "most 1.",
        ),
        (
            "data.use_groups_as_features=true data.imperfect.flipped_groups=0.1",
            "data.imperfect.flipped_groups=0.1 contradicts data.use_groups_as_features=true, under "
            "which a model reads every row's true groups; set one of the two back.",
        ),
        (
            "data=tinted_digits constraint=none data.imperfect.known_groups=0.5",
            "Unknown key 'data.imperfect.known_groups'. fairkd --cfg job shows all keys. A key "
            "that is not there yet is added with '+'.",
        ),
    ],
)
def test_the_sentence(fairkd, words: str, sentence: str) -> None:
    ended = fairkd(*words.split())
    assert ended.err.splitlines()[-1] == sentence
    assert ended.code == 1


@pytest.mark.parametrize(
    "words",
    [
        "distillation=decoupled data.imperfect.label_smoothing=0.1 data=iris",
        "distillation=per_class_binary data.imperfect.label_flip_rate=0.2",
        "teacher.balance.by=sex teacher.balance.rows=validation data.imperfect.group_flip_rate=0.1",
        "teacher.balance.by=sex data.imperfect.known_groups=0.5",
        "constraint=penalty data.imperfect.label_smoothing=0.1",
        "teacher=gradient_boosting data.imperfect.flipped_labels=0.1",
    ],
)
def test_what_reads_them_rightly_is_accepted(fairkd, words: str) -> None:
    ended = fairkd("experiment=debug", "dry_run=true", *words.split())
    assert ended.code == 0, ended.err
