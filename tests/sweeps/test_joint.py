"""Several jobs certified on the same rows, tested once more as one sequence."""

from collections.abc import Callable
from dataclasses import replace

from fairkd.evaluation.certificate import Certificate, Trial
from fairkd.sweeps.joint import joint
from fairkd.sweeps.outcome import Outcome
from fairkd.sweeps.table import CHOSEN, jobs_frame

Make = Callable[..., Outcome]


def certificate(epoch: int, *trials: tuple[int, float, float, float], rows_id: str = "r"):
    """Of trials (epoch, accuracy, slack, exceeds)."""
    tested = [Trial(e, a, s, {"gap": 0.05 + x}, x) for e, a, s, x in trials]
    return Certificate(
        certified=next(t for t in tested if t.epoch == epoch).passes,
        epoch=epoch,
        confidence=0.95,
        rows=1000,
        rows_id=rows_id,
        bounds={"gap": "largest difference of selection rate by sex"},
        smallest={"gap": 0.01},
        thresholds={"gap": 0.05},
        tested=tested,
    )


def with_certificate(outcome: Outcome, found: Certificate | None) -> Outcome:
    return replace(outcome, certificate=found)


def test_one_sequence_stops_at_the_first_failure_of_any_job(make: Make) -> None:
    jobs = [
        with_certificate(
            make(0, varied={"a": "a"}),
            certificate(2, (1, 0.80, -0.03, -0.02), (2, 0.82, -0.02, -0.01)),
        ),
        with_certificate(
            make(1, varied={"a": "b"}),
            certificate(5, (4, 0.83, -0.015, 0.001), (5, 0.84, -0.01, -0.005)),
        ),
    ]
    (found,) = joint(jobs)
    # The second job's first epoch fails; its own certificate had not stopped there before the rows
    # of both were put into one order.
    assert (found.candidates, found.passed) == (4, 2)
    assert found.chosen is not None
    assert found.chosen.number == 0


def test_a_job_whose_kept_epoch_comes_after_the_end_cannot_be_chosen(make: Make) -> None:
    jobs = [
        with_certificate(make(0, varied={"a": "a"}), certificate(1, (1, 0.8, -0.01, 0.01))),
        with_certificate(make(1, varied={"a": "b"}), certificate(1, (1, 0.9, 0.0, -0.01))),
    ]
    (found,) = joint(jobs)
    assert found.passed == 0
    assert found.chosen is None


def test_the_most_accurate_on_the_selecting_rows_is_chosen(make: Make) -> None:
    jobs = [
        with_certificate(
            make(number, varied={"a": number}),
            certificate(0, (0, accuracy, slack, -0.01)),
        )
        for number, (accuracy, slack) in enumerate([(0.8, -0.04), (0.9, -0.01), (0.85, -0.02)])
    ]
    (found,) = joint(reversed(jobs))
    assert found.chosen is not None
    assert found.chosen.number == 1
    assert [job.number for job in found.jobs] == [0, 1, 2]


def test_other_rows_and_other_bounds_are_other_sequences(make: Make) -> None:
    one = certificate(0, (0, 0.8, 0.0, -0.01))
    jobs = [
        with_certificate(make(0, varied={"a": "a"}), one),
        with_certificate(make(1, varied={"a": "b"}), replace(one, rows_id="other")),
        with_certificate(make(2, varied={"a": "c"}), replace(one, thresholds={"gap": 0.1})),
        with_certificate(make(3, varied={"a": "d"}), None),
    ]
    assert [[job.number for job in found.jobs] for found in joint(jobs)] == [[0], [1], [2]]


def test_a_job_that_stands_twice_in_a_sweep_counts_once(make: Make) -> None:
    one = certificate(0, (0, 0.8, 0.0, -0.01))
    jobs = [with_certificate(make(number, varied={"a": "a"}), one) for number in (0, 1)]
    (found,) = joint(jobs)
    assert found.candidates == 1


def test_methods_that_keep_the_same_bound_are_one_choice(make: Make) -> None:
    one = certificate(0, (0, 0.8, 0.0, -0.01))
    by_other_name = replace(
        one, bounds={"nupi": one.bounds["gap"]}, thresholds={"nupi": one.thresholds["gap"]}
    )
    jobs = [
        with_certificate(make(0, varied={"a": 0}), one),
        with_certificate(make(1, varied={"a": 1}), by_other_name),
    ]
    (found,) = joint(jobs)
    assert found.candidates == 2


def test_the_table_of_jobs_says_which_may_be_chosen_on_each_set_of_rows(make: Make) -> None:
    certificates = {
        0: certificate(0, (0, 0.8, -0.04, -0.01), rows_id="a"),
        1: certificate(0, (0, 0.9, -0.02, -0.01), rows_id="a"),
        2: certificate(0, (0, 0.9, -0.02, 0.01), rows_id="b"),
        3: None,
    }
    jobs = [
        with_certificate(make(number, varied={"a": number}), found)
        for number, found in certificates.items()
    ]
    assert jobs_frame(jobs, [])[CHOSEN].fillna(-1).tolist() == [0, 1, 0, -1]
    assert CHOSEN not in jobs_frame([jobs[3]], [])
