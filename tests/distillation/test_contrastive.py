import math

import pytest
import torch
import torch.nn.functional as F

from fairkd.distillation.contrastive import Contrastive, contrastive
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


def _h(a: torch.Tensor, b: torch.Tensor, ratio: float, tau: float) -> float:
    score = math.exp(float(a @ b) / tau)
    return score / (score + ratio)


def test_value_is_the_papers_critic_by_a_loop(pair):
    p = pair(rows=4)
    anchor, positive = (F.normalize(p.draw(3), dim=1) for _ in range(2))
    negatives = F.normalize(torch.randn(5, 3, generator=p.g).double(), dim=1)
    same = torch.zeros(4, 5, dtype=torch.bool)
    same[1, 2] = same[3, 0] = True
    expected = []
    for i in range(4):
        value = -math.log(_h(anchor[i], positive[i], 0.3, 0.5))
        for n in range(5):
            if not same[i, n]:
                value -= math.log(1 - _h(anchor[i], negatives[n], 0.3, 0.5))
        expected.append(value)
    found = contrastive(
        anchor,
        positive,
        negatives,
        same,
        torch.tensor(0.3).double().log(),
        torch.tensor(0.5).double(),
    )
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=0
    )


def _term(p, memory: int = 5, **arguments) -> Contrastive:
    term = Contrastive(1.0, "f", "f", width=3, tau=0.5, memory=memory, **arguments)
    p.connect(term)
    return term


def test_the_term_goes_both_ways_and_leaves_out_the_row_itself(pair):
    p = pair(rows=4).with_features((6,), (7,))
    term = _term(p)
    term.remembered_rows = torch.tensor([2, 9, 9, 0, -1])
    ours = F.normalize(term.of_student(p.student.features["f"]), dim=1)
    theirs = F.normalize(term.of_teacher(p.teacher.features["f"]), dim=1)
    same = p.batch.index[:, None] == term.remembered_rows
    assert same.sum() == 2
    expected = contrastive(
        ours, theirs, term.remembered_teacher, same, term.log_noise_of_student, term.tau
    ) + contrastive(
        theirs, ours, term.remembered_student, same, term.log_noise_of_teacher, term.tau
    )
    torch.testing.assert_close(p.value(term), expected)


def test_noise_is_the_memorys_size_times_the_untrained_mean_score(pair):
    p = pair(rows=4).with_features((6,), (7,))
    term = _term(p)
    ours = F.normalize(term.of_student(p.student.features["f"]), dim=1)
    scores = [math.exp(float(a @ b) / 0.5) for a in ours.detach() for b in term.remembered_teacher]
    expected = math.log(5 * sum(scores) / len(scores))
    assert float(term.log_noise_of_student) == pytest.approx(expected)
    # So an untrained term is about log(1 + N) + 1 in each direction, whatever the temperature.
    assert float(p.value(term).mean().detach()) == pytest.approx(2 * (math.log(6) + 1), rel=0.5)


@pytest.mark.parametrize("memory", [3, 4, 9])
def test_a_step_puts_its_rows_in_the_place_of_the_oldest_and_changes_nothing_itself(pair, memory):
    p = pair(rows=4).with_features((6,), (7,))
    term = _term(p, memory)
    before = {name: value.clone() for name, value in term.named_buffers()}
    new = term.advanced(p.student, p.teacher, p.batch, torch.tensor(0.0))
    for name, value in term.named_buffers():
        assert torch.equal(value, before[name])
    ours = F.normalize(term.of_student(p.student.features["f"]), dim=1)
    kept = min(memory, 4)
    torch.testing.assert_close(new["remembered_student"][-kept:], ours[-kept:])
    assert torch.equal(new["remembered_rows"][-kept:], p.batch.index[-kept:])
    assert (
        torch.equal(new["remembered_teacher"][:-kept], before["remembered_teacher"][kept:])
        or memory == kept
    )
    assert {name: v.shape for name, v in new.items()} == {n: before[n].shape for n in new}


def test_gradients_are_right(pair):
    p = pair(rows=3).with_features((2,), (2,))
    term = _term(p)

    def of(feature):
        outputs = ModelOutputs(p.student.logits, {"f": feature})
        return term(outputs, p.teacher, p.batch, torch.tensor(0.0))

    assert torch.autograd.gradcheck(of, (p.student.features["f"].requires_grad_(),))


def test_many_rows_are_compared_in_parts_with_the_same_result(pair):
    p = pair(rows=7).with_features((3,), (3,))
    whole, parts = _term(p), _term(p, most_rows=3)
    torch.testing.assert_close(p.value(parts), p.value(whole))


def test_maps_and_several_layers_are_refused(pair):
    p = pair().with_features((2, 3, 3), (2, 3, 3))
    with pytest.raises(ConfigError, match=r"contrastive compares vectors.*rows of shape \[2, 3, 3"):
        _term(p)
    with pytest.raises(ConfigError, match="the number of pairs of layers=2 is out of range"):
        Contrastive(1.0, ["a", "b"], ["a", "b"])


def test_on_validation_no_row_is_its_own_negative(pair):
    p = pair(rows=4).with_features((3,), (3,))
    term = _term(p)
    strangers = p.batch._replace(index=p.batch.index + 100)
    term.remembered_rows = torch.tensor([0, 1, 2, 3, 3])
    now, end = torch.tensor(0.0), torch.tensor(math.inf)
    assert not torch.allclose(p.value(term), term(p.student, p.teacher, strangers, now))
    torch.testing.assert_close(
        term(p.student, p.teacher, p.batch, end), term(p.student, p.teacher, strangers, now)
    )


def test_a_tiny_temperature_stays_finite(pair):
    p = pair(rows=4).with_features((3,), (3,))
    term = Contrastive(1.0, "f", "f", width=2, tau=0.001, memory=5)
    p.connect(term)
    assert p.value(term).isfinite().all()
