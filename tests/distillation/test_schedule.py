import math

import pytest
import torch

from fairkd.distillation.response import SoftTargets, soft_targets
from fairkd.distillation.schedule import Schedule
from fairkd.errors import ConfigError


def _over(schedule: Schedule, epochs: int) -> list[float]:
    return [float(schedule(torch.tensor(float(e)))) for e in range(epochs)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"epochs": 5}, [1, 1, 1, 1, 1]),
        ({"epochs": 5, "shape": "linear", "end": 3.0}, [1, 1.5, 2, 2.5, 3]),
        ({"epochs": 5, "shape": "linear", "end": 0.0}, [1, 0.75, 0.5, 0.25, 0]),
        (
            {"epochs": 5, "shape": "cosine", "end": 0.0},
            [(1 + math.cos(math.pi * e / 4)) / 2 for e in range(5)],
        ),
        ({"epochs": 6, "warmup": 4}, [0.25, 0.5, 0.75, 1, 1, 1]),
        ({"epochs": 3, "warmup": 2, "shape": "linear", "end": 2.0}, [0.5, 1.5, 2]),
        ({"epochs": 1, "shape": "linear", "end": 2.0}, [1]),
    ],
)
def test_factors_over_epochs(arguments, expected):
    assert _over(Schedule(**arguments), len(expected)) == pytest.approx(expected, abs=1e-6)


def test_validation_sees_the_end():
    schedule = Schedule(10, "cosine", 0.25, warmup=3)
    assert float(schedule(torch.tensor(math.inf))) == pytest.approx(0.25)


def test_what_changes_nothing_is_idle():
    assert Schedule(10).idle
    assert Schedule(10, "linear", 1.0, warmup=1).idle
    assert not Schedule(10, warmup=2).idle
    assert not Schedule(10, "cosine", 0.5).idle


def test_a_scheduled_temperature_softens_less_and_scales_with_it(pair):
    p = pair(classes=4)
    term = SoftTargets(temperature=8.0, schedule=Schedule(3, "linear", 0.25))
    for epoch, temperature in enumerate((8.0, 5.0, 2.0)):
        expected = temperature**2 * soft_targets(p.student.logits, p.teacher.logits, temperature)
        found = term(p.student, p.teacher, p.batch, torch.tensor(float(epoch)))
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"shape": "step"}, "shape=step is not known; accepted: constant, linear, cosine."),
        ({"end": -1.0}, "end=-1.0 is out of range; accepted: a number of at least 0."),
        ({"warmup": -1}, "warmup=-1 is out of range; accepted: a whole number of at least 0."),
    ],
)
def test_what_cannot_work_is_refused(arguments, sentence):
    with pytest.raises(ConfigError) as refused:
        Schedule(10, **arguments)
    assert str(refused.value) == sentence
