"""Which of a sweep's students may be chosen, so that the choice itself is certified.

Each job's certificate holds by itself; the best of many such certificates does not. Jobs that were
certified on the same rows are therefore tested once more as one sequence: all their candidate
epochs, in the order of the selecting rows (see `fairkd.evaluation.certificate`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairkd.evaluation.certificate import Certificate, Trial, certified
from fairkd.sweeps.outcome import Outcome


@dataclass(frozen=True)
class Joint:
    """Jobs that were to keep the same bounds, on the same rows.

    Attributes:
        jobs: that have a certificate of their own kind here, by number.
        candidates: how many epochs of them were tested.
        passed: how many of those the common sequence certifies.
        chosen: the most accurate job, on the selecting rows, whose kept epoch is among them;
            ``None`` where there is none.
    """

    jobs: tuple[Outcome, ...]
    candidates: int
    passed: int
    chosen: Outcome | None

    @property
    def certificate(self) -> Certificate:
        """The first job's, for what all have in common."""
        return _certificate(self.jobs[0])


def joint(outcomes: Iterable[Outcome]) -> list[Joint]:
    """The common sequences of a sweep's jobs, in the order of their first job.

    Args:
        outcomes: of finished jobs; those without a certificate take no part.
    """
    alike: dict[object, dict[str, Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda one: one.number):
        if outcome.certificate is not None:
            alike.setdefault(_kind(outcome), {}).setdefault(_model(outcome), outcome)
    return [_joined(list(jobs.values())) for jobs in alike.values()]


def _joined(jobs: Sequence[Outcome]) -> Joint:
    pairs = [(job, trial) for job in jobs for trial in _certificate(job).tested]
    pairs.sort(key=lambda pair: (pair[1].slack, -pair[1].accuracy, pair[1].epoch, pair[0].number))
    passed = pairs[: len(certified([trial for _, trial in pairs]))]
    kept = [(job, trial) for job, trial in passed if trial.epoch == _certificate(job).epoch]
    best = max(kept, key=_by_accuracy)[0] if kept else None
    return Joint(tuple(jobs), len(pairs), len(passed), best)


def _by_accuracy(pair: tuple[Outcome, Trial]) -> tuple[float, int]:
    return pair[1].accuracy, -pair[0].number


def _kind(outcome: Outcome) -> object:
    """Equal where the same rows are to certify the same bounds, whichever methods keep them."""
    found = _certificate(outcome)
    asked = sorted((words, found.thresholds[name]) for name, words in found.bounds.items())
    return found.rows_id, found.confidence, tuple(asked)


def _model(outcome: Outcome) -> str:
    """The same student twice in a sweep is one."""
    return f"{outcome.configuration}/{sorted(outcome.seeds.items())}"


def _certificate(outcome: Outcome) -> Certificate:
    if outcome.certificate is None:
        raise ValueError(f"Job {outcome.number} has no certificate.")
    return outcome.certificate
