"""A sweep that is under way: it launches jobs, and tells what came of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from fairkd.commands.failures import explain
from fairkd.commands.planned import Planned, Surrounding
from fairkd.commands.task import Task, own_words, sentence_of, workshop
from fairkd.errors import FairkdError
from fairkd.job import SweepPlace
from fairkd.record import JobRecord, parameters
from fairkd.store import Store
from fairkd.sweeps.outcome import SEED_KEYS, Failure, Outcome, outcome_of, varied_keys
from fairkd.sweeps.trial import Trial
from fairkd.sweeps.warm import Warm
from fairkd.tracking.interface import Tracking


class OpenSweep:
    """A sweep whose jobs can be launched.

    Args:
        task: runs one job.
        composed: configurations by overrides, to which those of launched jobs are added.
        sweep: its name, and its own run.
        store: of its jobs.
        tracking: of its jobs.
        around: the sweeper's means.
        folder: of the sweep.

    Attributes:
        failures: jobs that were refused or failed.
        results: of every job that was launched.
        folder: of the sweep.
        journal: where a search keeps its steps; the sweep's lock is held.
    """

    def __init__(
        self,
        task: Task,
        composed: dict[tuple[str, ...], DictConfig],
        sweep: SweepPlace,
        store: Store,
        tracking: Tracking,
        around: Surrounding,
        folder: Path,
    ) -> None:
        self.failures: list[Failure] = []
        self.results: list[JobReturn] = []
        self.folder = folder
        self.journal = store.root / "searches" / f"{sweep.id}.journal"
        self._task = task
        self._composed = composed
        self._place = sweep
        self._store = store
        self._tracking = tracking
        self._around = around
        self._done: list[Planned] = []
        self._reused: set[int] = set()

    def launch(self, planned: Sequence[Planned]) -> None:
        """Run jobs as part of the sweep."""
        shop = workshop()
        inside = [self._inside(p) for p in planned]
        self._reused |= {
            p.number for p in inside if shop.keeper(p.job, self._store).has("job", p.job.keys.job)
        }
        if isinstance(self._around.launcher, Warm):  # the others number and place jobs themselves
            self._task.adopt([p.job for p in inside])
        results: list[JobReturn] = []
        largest = self._around.largest_batch or max(len(inside), 1)
        for start in range(0, len(inside), largest):
            batch = inside[start : start + largest]
            results += self._launched(batch)
        self.results += results
        for p, result in zip(inside, results, strict=True):
            if result.status == JobStatus.COMPLETED:
                self._done.append(p)
                continue
            words = tuple(own_words(p.words))
            self.failures.append(Failure(p.number, words, sentence_of(result), "failed"))

    def _launched(self, batch: Sequence[Planned]) -> Sequence[JobReturn]:
        try:
            return self._around.launcher.launch([p.words for p in batch], batch[0].number)
        except FairkdError:
            raise
        except Exception as error:  # a cluster's job that never ended, say; others may have
            return [self._without_return(p, error) for p in batch]

    def _without_return(self, planned: Planned, error: Exception) -> JobReturn:
        """What became of a job whose launcher broke down, as far as the store knows."""
        keeper = workshop().keeper(planned.job, self._store)
        if keeper.has("job", planned.job.keys.job):
            return JobReturn(overrides=planned.words, status=JobStatus.COMPLETED)
        sentence = FairkdError(explain(error, planned.words).sentence)
        return JobReturn(overrides=planned.words, status=JobStatus.FAILED, _return_value=sentence)

    def outcomes(self) -> list[Outcome]:
        """What the finished jobs left."""
        runs = self._tracking.finished(self._place.id)
        flat = [parameters(p.job.config) for p in self._done]
        varied = varied_keys(flat)
        found = []
        for p, values in zip(self._done, flat, strict=True):
            entry = self._store.get("job", p.job.keys.job)
            if entry is None:  # removed since; its run is there
                continue
            found.append(
                outcome_of(
                    number=p.number,
                    name=p.job.name,
                    configuration=p.job.keys.without_seeds,
                    varied={key: values.get(key) for key in varied},
                    seeds={key: int(str(values[key])) for key in SEED_KEYS if key in values},
                    record=JobRecord.from_json(entry.record),
                    run_id=runs.get(p.job.keys.job, ""),
                    reused=p.number in self._reused,
                )
            )
        return found

    def trials(
        self,
        grid: Sequence[Sequence[str]],
        planned: Sequence[Planned],
        refused: Sequence[Failure],
    ) -> list[Trial]:
        """What became of each job of a grid, for whoever searches."""
        first = {p.number: p for p in planned}
        done = {p.number for p in self._done}
        numbers = sorted([*first, *(failure.number for failure in refused)])
        trials = []
        for number, words in zip(numbers, grid, strict=True):
            entry = self._store.get("job", first[number].job.keys.job) if number in done else None
            record = None if entry is None else JobRecord.from_json(entry.record)
            trials.append(Trial(tuple(words), None if record is None else record.metrics()))
        return trials

    def _inside(self, planned: Planned) -> Planned:
        """The same job as part of this sweep, under the words that say so to every launcher."""
        marks = [f"sweep.id={self._place.id}"]
        if self._place.parent is not None:
            marks.append(f"sweep.parent={self._place.parent}")
        self._around.composer.extend(planned.config, marks)
        words = (*planned.words, *marks)
        self._composed[words] = planned.config
        config = {**planned.job.config, "sweep": {**planned.job.config["sweep"]}}
        config["sweep"] |= {"id": self._place.id, "parent": self._place.parent}
        job = replace(planned.job, config=config, sweep=self._place)
        return replace(planned, words=words, job=job)
