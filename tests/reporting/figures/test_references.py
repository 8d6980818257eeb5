import math

from fairkd.reporting.figures.references import references
from fairkd.sweeps.summary import summarise


def test_configurations_that_share_a_control_count_once_however_often_repeated(job):
    controls = [(0.80, 0.10), (0.81, math.nan), (0.82, 0.12)]
    jobs = [
        job(10 * weight + seed, {"w": weight}, seed, (0.8, 0.1), control=controls[seed])
        for weight, repetitions in ((0, 2), (1, 3), (2, 1))
        for seed in range(repetitions)
    ]
    (found,) = references(summarise(jobs).rows, "control")
    assert (found.rows, found.row.varied) == (3, {"w": 1})
    assert found.estimate("accuracy").of == 3


def test_other_numbers_or_no_common_seed_are_another_control(job):
    jobs = [
        job(0, {"w": 0}, 0, (0.8, 0.1), control=(0.80, 0.1)),
        job(1, {"w": 1}, 0, (0.8, 0.1), control=(0.81, 0.1)),
        job(2, {"w": 2}, 1, (0.8, 0.1), control=(0.80, 0.1)),
    ]
    assert len(references(summarise(jobs).rows, "control")) == 3
