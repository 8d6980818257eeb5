"""Every distillation term trains in a stack as it does alone."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch

from fairkd.data.tinted import load_tinted
from fairkd.distillation.attention import AttentionTransfer, NeuronSelectivity
from fairkd.distillation.binary import PerClassBinary
from fairkd.distillation.contrastive import Contrastive
from fairkd.distillation.correlation import Correlation
from fairkd.distillation.debiased import DebiasedHint, EarlyReadout
from fairkd.distillation.decoupled import Decoupled
from fairkd.distillation.fair_features import FairFeatures
from fairkd.distillation.feature import Hint, Variational
from fairkd.distillation.group_robust import GroupRobust
from fairkd.distillation.margin import MarginWeighted
from fairkd.distillation.relation import Probabilistic, Relational, SimilarityPreserving
from fairkd.distillation.response import SoftTargets, SquaredLogits, TeacherCrossEntropy
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.standardised import StandardisedLogits
from fairkd.distillation.term import DistillationTerm
from fairkd.models.convnet import ConvNet
from fairkd.models.features import run
from fairkd.training.distil import Trained
from fairkd.training.fit import TrainerSettings
from fairkd.training.inference import outputs_on
from fairkd.training.objective import Objective
from fairkd.training.randomness import seeded
from fairkd.training.stack.likeness import OTHER_BITS
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import grouped, train_alone, train_stack, train_together

LAYERS = ("hidden1", "hidden2")
TERMS: dict[str, Callable[[float], DistillationTerm]] = {
    "squared_logits": SquaredLogits,
    "teacher_labels": TeacherCrossEntropy,
    "per_class_binary": PerClassBinary,
    "decoupled": lambda w: Decoupled(w, temperature=1 + w),
    "correlation": lambda w: Correlation(w, temperature=1 + w),
    "standardised_logits": StandardisedLogits,
    "scheduled": lambda w: SoftTargets(w, schedule=Schedule(4, "cosine", 0.5 + w, warmup=2)),
    "hint": lambda w: Hint(w, *LAYERS),
    "variational": lambda w: Variational(w, *LAYERS),
    "similarity": lambda w: SimilarityPreserving(w, *LAYERS),
    "relational": lambda w: Relational(w, *LAYERS, angle_rows=16),
    "probabilistic": lambda w: Probabilistic(w, *LAYERS),
    "contrastive": lambda w: Contrastive(w, *LAYERS, width=8, memory=100),
    "fair_features": lambda w: FairFeatures(w, *LAYERS),
    "group_robust": lambda w: GroupRobust(w, rate=0.1 * w, by="race"),
    "margin_weighted": MarginWeighted,
    "early_readout": lambda w: EarlyReadout(w, student_layer="hidden1"),
    "debiased_hint": lambda w: DebiasedHint(w, *LAYERS),
}


# Their products between rows round otherwise for a stack than alone, on some machines at least.
MAY_BE_ALONE = {"relational", "contrastive", "fair_features"}


@pytest.mark.parametrize("name", TERMS)
def test_a_stack_of_three_ends_as_they_end_alone(
    member: Callable[..., Member], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    members = [
        member(term=TERMS[name](weight), seed=seed, classes=3, weight=None, accelerator="cpu")
        for seed, weight in enumerate((1.0, 0.25, 2.0))
    ]
    alone = [train_alone(copy.deepcopy(m)) for m in members]
    together = train_together(members)
    for ours, theirs in zip(together, alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        if name == "contrastive":
            assert ours.together == 1
        elif name not in MAY_BE_ALONE:
            assert ours.together == 3
        elif ours.together == 1:
            assert "train one by one: in a stack its kernels round differently" in caplog.text
        for path, value in theirs.model.state_dict().items():
            assert torch.equal(ours.model.state_dict()[path], value), path
        assert ours.fitted.history[-1]["train/other"] == theirs.fitted.history[-1]["train/other"]


@pytest.mark.parametrize("name", TERMS)
def test_terms_whose_later_steps_may_round_otherwise_are_kept_out_of_exact_stacks(
    member: Callable[..., Member], name: str
) -> None:
    members = [member(term=TERMS[name](1.0), seed=seed, classes=3) for seed in range(2)]
    reasons = {0: OTHER_BITS, 1: OTHER_BITS} if name == "contrastive" else {}
    assert grouped(members).alone == reasons
    assert grouped([replace(one, exact=False) for one in members]).alone == {}


@pytest.mark.parametrize("name", sorted(MAY_BE_ALONE))
def test_where_rounding_may_differ_they_stack_all_the_same(
    member: Callable[..., Member], name: str
) -> None:
    members = [
        replace(
            member(
                term=TERMS[name](weight), seed=seed, classes=3, weight=None, precision="64-true"
            ),
            exact=False,
        )
        for seed, weight in enumerate((1.0, 0.25, 2.0))
    ]
    alone = [train_alone(copy.deepcopy(m)) for m in members]
    for ours, theirs in zip(train_stack(members), alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 3
        for path, value in theirs.model.state_dict().items():
            torch.testing.assert_close(ours.model.state_dict()[path], value, rtol=0, atol=1e-8)


@pytest.mark.parametrize("kind", [AttentionTransfer, NeuronSelectivity])
def test_convolutional_models_stack_where_rounding_may_differ(
    kind: type[AttentionTransfer | NeuronSelectivity],
) -> None:
    members = [_image_member(kind(w, "stage2", "stage2"), s) for s, w in enumerate((1.0, 0.5))]
    alone = [train_alone(copy.deepcopy(m)) for m in members]
    for ours, theirs in zip(train_stack(members), alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 2
        for path, value in theirs.model.state_dict().items():
            torch.testing.assert_close(ours.model.state_dict()[path], value, rtol=0, atol=1e-6)


def _image_member(term: DistillationTerm, seed: int) -> Member:
    data = load_tinted(source="digits", seed=0)
    few = {name: split.rows(slice(0, 128)) for name, split in data.splits.items()}
    data = replace(data, splits=few)
    with seeded(100):
        big = ConvNet(data.shape, 10, (6, 8))
    with seeded(seed):
        network = ConvNet(data.shape, 10, (4, 4))
    theirs = {s: outputs_on(big, few[s], ("stage2",)) for s in ("train", "validation")}
    objective = Objective(terms={"other": term})
    rows = torch.arange(2)
    objective.connect(
        run(network, few["train"].x[:2], ("stage2",)),
        theirs["train"].rows(rows),
        torch.Generator().manual_seed(seed),
    )
    settings = TrainerSettings(
        optimizer=partial(torch.optim.Adam, lr=0.01), max_epochs=2, batch_size=64,
        accelerator="cpu", progress="off", precision="64-true",
    )  # fmt: skip
    return Member(network, objective, settings, seed, data, theirs, exact=False)
