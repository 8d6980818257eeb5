"""Candidates ranked on some rows and certified on others: the rule, and what it promises."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.evaluation.bound import Bound, decisions
from fairkd.evaluation.certificate import (
    Candidate,
    Certificate,
    Certifier,
    Trial,
    certified,
    front,
)

BLOCKS = Blocks.of({"sex": ["a", "b"]})
SEX = BLOCKS["sex"]


def rows(n: int, y: torch.Tensor | None = None, share: float = 0.4) -> Batch:
    """So many rows, the first ``share`` of them of group a."""
    member = (torch.arange(n) >= share * n).long()
    group = torch.nn.functional.one_hot(member, 2).float()
    label = torch.arange(n) % 2 if y is None else y
    return Batch(torch.zeros(n, 1), label, group, torch.arange(n), torch.ones(n))


def certifier(threshold: float, batch: Batch, confidence: float = 0.95, **of: str) -> Certifier:
    bound = Bound(**{"statistic": "selection_rate", "disparity": "largest_difference", **of},
                  block=SEX, threshold=threshold)  # fmt: skip
    return Certifier.over({"gap": bound}, batch, 2, confidence)


def selecting(batch: Batch, rates: tuple[float, float]) -> torch.Tensor:
    """Logits that select the first rows of each group, so many of them."""
    logits = torch.tensor([1.0, -1.0]).repeat(batch.size, 1)
    for cell, rate in enumerate(rates):
        members = batch.group[:, cell].nonzero().squeeze(-1)
        logits[members[: round(rate * len(members))]] = torch.tensor([-1.0, 1.0])
    return logits


def trial_of(epoch: int, accuracy: float, exceeds: float) -> Trial:
    return Trial(epoch, accuracy, 0.0, {"gap": exceeds}, exceeds)


class TestTheRule:
    def test_the_first_that_fails_ends_the_sequence(self) -> None:
        sequence = [trial_of(0, 0.7, -0.1), trial_of(1, 0.8, 0.0), trial_of(2, 0.9, 0.01)]
        later = trial_of(3, 0.95, -0.2)
        assert certified([*sequence, later]) == sequence[:2]
        assert certified([replace(later, exceeds=0.1), *sequence]) == []
        assert certified(sequence[:2]) == sequence[:2]

    def test_the_front_is_what_no_other_epoch_beats(self) -> None:
        kept: list[Candidate] = []
        for epoch, (accuracy, slack) in enumerate(
            [(0.8, 0.1), (0.8, 0.1), (0.7, 0.2), (0.85, 0.2), (0.75, 0.0), (0.9, 0.0)]
        ):
            kept = front(kept, Candidate(epoch, accuracy, slack))
        assert [one.epoch for one in kept] == [5]
        assert [one.epoch for one in front([Candidate(0, 0.8, 0.1)], Candidate(1, 0.8, 0.1))] == [0]

    def test_the_most_accurate_certified_one_is_chosen(self) -> None:
        batch = rows(2000)
        gaps = {0: 0.0, 1: 0.02, 2: 0.04, 3: 0.3}
        candidates = [Candidate(e, 0.7 + e / 100, gap) for e, gap in gaps.items()]
        found = certifier(0.1, batch).certify(
            candidates[::-1], lambda one: selecting(batch, (0.3 + gaps[one.epoch], 0.3))
        )
        assert [one.epoch for one in found.tested] == [0, 1, 2, 3]
        assert found.certified
        assert found.epoch == 2
        assert found.chosen.upper["gap"] == pytest.approx(found.chosen.exceeds + 0.1)
        assert not found.tested[-1].passes

    def test_where_none_passes_the_closest_is_kept_and_nothing_promised(self) -> None:
        batch = rows(100)
        gaps = {0: 0.2, 1: 0.1}
        found = certifier(0.05, batch).certify(
            [Candidate(0, 0.9, 0.1), Candidate(1, 0.8, 0.2)],
            lambda one: selecting(batch, (0.3 + gaps[one.epoch], 0.3)),
        )
        assert not found.certified
        assert found.epoch == 1  # the selecting rows preferred the other one
        assert found.smallest["gap"] > 0.05

    def test_several_bounds_must_hold_together(self) -> None:
        batch = rows(4000)
        of = {"disparity": "largest_difference", "block": SEX}
        bounds = {
            "parity": Bound("selection_rate", threshold=0.1, **of),
            "opportunity": Bound("true_positive_rate", threshold=0.001, **of),
        }
        both = Certifier.over(bounds, batch, 2, 0.95)
        found = both.certify([Candidate(0, 0.9, 0.0)], lambda _: selecting(batch, (0.3, 0.3)))
        assert found.tested[0].upper["parity"] < 0.1
        assert not found.certified

    def test_a_model_that_decides_all_rows_alike_comes_last(self) -> None:
        batch = rows(2000)
        judge = certifier(0.05, batch)
        nobody = torch.tensor([1.0, -1.0]).repeat(batch.size, 1)
        assert judge.slack(nobody, batch) > judge.slack(selecting(batch, (0.9, 0.1)), batch)

    def test_it_survives_json(self) -> None:
        found = certifier(0.1, rows(500)).certify(
            [Candidate(3, 0.9, -0.01)], lambda _: selecting(rows(500), (0.3, 0.3))
        )
        from dataclasses import asdict

        assert Certificate.from_json(asdict(found)) == found


class TestTheBound:
    def test_decisions_follow_the_threshold(self) -> None:
        logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)], [0.0, 5.0]], dtype=torch.float64)
        assert decisions(logits, 0.5).argmax(-1).tolist() == [1, 1, 1]
        assert decisions(logits, 0.8).argmax(-1).tolist() == [0, 0, 1]
        three = torch.tensor([[0.1, 0.3, 0.2]])
        assert decisions(three, 0.99).argmax(-1).tolist() == [1]

    def test_rows_of_unknown_or_uncertain_group_do_not_count(self) -> None:
        batch = rows(200)
        bound = Bound("selection_rate", "largest_difference", SEX, 0.1)
        decided = decisions(selecting(batch, (0.5, 0.25)), 0.5)
        before = bound.value(decided, batch), bound.upper(decided, batch, 0.95)
        more = Batch(*(torch.cat([field, field[:50]]) for field in batch))
        more.group[200:] = torch.tensor([0.5, 0.5])
        more.group[225:] = 0.0
        decided = torch.cat([decided, decided[:50]])
        assert (bound.value(decided, more), bound.upper(decided, more, 0.95)) == before
        assert before[0] == pytest.approx(0.25)

    def test_the_smallest_certifiable_threshold_shrinks_with_the_rows(self) -> None:
        bound = Bound("true_positive_rate", "largest_difference", SEX, 0.1)
        sizes = [bound.smallest(rows(n), 2, 0.95) for n in (100, 400, 1600)]
        assert sizes[0] > 1.8 * sizes[1] > 3 * sizes[2] > 0
        # Three quarters of the positives are found, and there are 400 rows, 80 and 120 of them
        # positive: 1.645 standard deviations of the difference, and a little for exactness.
        normal = 1.645 * math.sqrt(0.1875 / 80 + 0.1875 / 120)
        assert normal < sizes[1] < 1.15 * normal
        few, many = rows(400), rows(1600)
        assert bound.smallest(few, 2, 0.95, rows=1600) == bound.smallest(many, 2, 0.95)

    def test_the_smallest_threshold_of_a_rare_class_is_small(self) -> None:
        bound = Bound("selection_rate", "largest_difference", SEX, 0.1)
        rare = rows(4000, (torch.arange(4000) % 50 == 0).long())
        normal = 1.645 * math.sqrt(0.02 * 0.98 * (1 / 1600 + 1 / 2400))
        assert normal < bound.smallest(rare, 2, 0.95) < 1.2 * normal

    def test_a_ratio_to_nothing_is_undefined(self) -> None:
        batch = rows(200)
        bound = Bound("selection_rate", "average_relative_difference", SEX, 0.1)
        decided = decisions(selecting(batch, (0.0, 0.5)), 0.5)
        assert math.isnan(bound.value(decided, batch))
        other = Bound("selection_rate", "average_relative_difference", SEX, 0.1, reference=1)
        assert other.value(decided, batch) == 1.0
        assert other.words == "average relative difference of selection rate by sex (to b)"

    @pytest.mark.parametrize("statistic", ["loss", "f1", "treatment_equality"])
    def test_what_counts_cannot_bound(self, statistic: str) -> None:
        with pytest.raises(ConfigError, match=f"constraint.statistic={statistic}, which is no"):
            certifier(0.1, rows(50), statistic=statistic)

    def test_a_confidence_out_of_range(self) -> None:
        with pytest.raises(ConfigError, match=r"constraint.confidence=1.0 is out of range"):
            certifier(0.1, rows(50), confidence=1.0)


def false_certificates(
    gaps: list[float], threshold: float, draws: int, n: int, accurate: list[float] | None = None
) -> tuple[int, int]:
    """Draw selecting and certifying rows, go through the whole procedure, and count.

    Args:
        gaps: the true gap of each candidate.
        threshold: asked for.
        draws: how often.
        n: certifying rows, and as many selecting ones.
        accurate: accuracies on the selecting rows.

    Returns:
        How often a candidate was certified, and how often one whose true gap is larger.
    """
    generator = np.random.default_rng(7)
    batch = rows(n)
    judge = certifier(threshold, batch)
    # Uneven groups; positive and negative gaps in turns.
    rates = [(0.2 + max(g, 0) * s, 0.2 + max(g, 0) * (1 - s)) for s, g in zip([1, 0] * 9, gaps)]  # noqa: B905
    chance = torch.tensor([[p[0] if m else p[1] for m in batch.group[:, 0]] for p in rates])
    accuracies = accurate or [0.7 + 0.01 * place for place in range(len(gaps))]
    certificates = wrong = 0
    for _ in range(draws):
        drawn = torch.from_numpy(generator.random((2, len(gaps), n)).astype(np.float32))
        chosen = (drawn < chance).float()
        logits = torch.stack([1 - chosen, chosen], dim=-1)
        candidates: list[Candidate] = []
        for place, accuracy in enumerate(accuracies):
            slack = judge.slack(logits[0, place], batch)
            candidates = front(candidates, Candidate(place, accuracy, slack))
        found = judge.certify(candidates, lambda one, of=logits[1]: of[one.epoch])
        certificates += found.certified
        wrong += found.certified and gaps[found.epoch] > threshold
    return certificates, wrong


def most(draws: int) -> float:
    """Three Monte Carlo standard errors above the nominal level."""
    return draws * 0.05 + 3 * math.sqrt(draws * 0.05 * 0.95)


def test_few_false_certificates_among_many_candidates() -> None:
    gaps = [0.051, 0.051, 0.051, 0.06, 0.1]
    _, wrong = false_certificates(gaps, 0.05, 400, 600)
    assert wrong <= most(400)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gaps", "threshold"),
    [
        ([0.0501] * 6, 0.05),  # none may pass, and all are as close as can be
        ([0.0501], 0.05),
        ([0.0, 0.02, 0.0501, 0.0501, 0.1], 0.05),  # some may, and the next ones tempt
        ([0.1001, 0.1001, 0.12, 0.05, 0.0], 0.1),
        ([0.0001, 0.0001, 0.001], 0.0),  # gaps at and around 0: nothing may be certified below
        ([0.0201, 0.0201, 0.0201, 0.0201], 0.02),
    ],
)
def test_the_whole_procedure_keeps_its_level(gaps: list[float], threshold: float) -> None:
    draws = 10_000
    _, wrong = false_certificates(gaps, threshold, draws, 600)
    assert wrong <= most(draws)


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0.0, 0.005, 0.02, 0.05, 0.2])
def test_the_bound_covers_the_gap(gap: float) -> None:
    """At and around 0 as well, where a percentile bootstrap of an absolute gap fails."""
    generator = np.random.default_rng(3)
    batch, draws = rows(600), 10_000
    bound = Bound("selection_rate", "largest_difference", SEX, 0.05)
    chance = torch.where(batch.group[:, 0] > 0, 0.2 + gap, 0.2)
    below = 0
    for _ in range(draws):
        chosen = (torch.from_numpy(generator.random(600).astype(np.float32)) < chance).double()
        below += bound.upper(torch.stack([1 - chosen, chosen], -1), batch, 0.95) < gap
    assert below <= most(draws)


def test_fair_candidates_are_certified_where_there_are_rows_enough() -> None:
    certificates, _ = false_certificates([0.0, 0.01], 0.1, 200, 1500)
    assert certificates > 190
