"""A multirun's frame: every job checked before the first trains, and a comparison at the end.

It is the same around every launcher: the stacked one, Hydra's own, joblib, submitit, ray.
"""

import json
import logging
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from fairkd.commands.build import build_job
from fairkd.commands.building.tracking import build_tracking
from fairkd.commands.checking.job import check
from fairkd.commands.console import wide_console
from fairkd.commands.fits import check_job, check_rows
from fairkd.commands.job import prepared, tell_certifiable
from fairkd.commands.open_sweep import OpenSweep
from fairkd.commands.places import check_writable
from fairkd.commands.plan import sweep_plan
from fairkd.commands.planned import Planned, Surrounding
from fairkd.commands.precheck import hydra_known
from fairkd.commands.sweep_run import of_grid, of_search, parent_run
from fairkd.commands.task import Task, own_words, place, without_hydra, workshop
from fairkd.errors import ConfigError, FairkdError
from fairkd.job import SweepPlace
from fairkd.reporting.sweep import show_sweep
from fairkd.store import content_key
from fairkd.sweeps.compose import as_given
from fairkd.sweeps.outcome import Failure
from fairkd.sweeps.pieces import Cut
from fairkd.sweeps.summary import Summary, summarise
from fairkd.sweeps.table import frame, jobs_frame, parent_metrics, write_csv
from fairkd.sweeps.trial import Searching
from fairkd.sweeps.warm import Warm
from fairkd.tracking.reading import OVERRIDES, SWEEP_FAILED

log = logging.getLogger(__name__)

SUMMARY = "summary.csv"
JOBS = "jobs.csv"
_NO_SHAPE = ("seed", "replicate", "sweep")
_KNOBS = ("temperature", "alpha", "weight", "threshold", "lr", "weight_decay", "init_pull")


class Frame:
    """Around the jobs of one multirun.

    Args:
        task: what Hydra calls for every job.

    Attributes:
        exit_code: of the command.
    """

    def __init__(self, task: Task) -> None:
        self.exit_code = 0
        self.task = task
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._checked: set[str] = set()

    def composed(self, overrides: Sequence[str]) -> DictConfig | None:
        """A job's configuration, if it was composed here."""
        return self._composed.get(tuple(overrides))

    def sweep(self, grid: Sequence[Sequence[str]], around: Surrounding) -> list[JobReturn]:
        """Run a grid, and compare what came of it.

        Args:
            grid: the overrides of every job.
            around: the sweeper's means.

        Returns:
            One result for each job that was launched.
        """
        planned, refused = self._plan(grid, 0, around)
        if self._ends_with_plan(planned, refused, around):
            return []
        sweep_id = str(planned[0].config.sweep.id or _sweep_id(planned))
        with self._opened(sweep_id, planned, around) as opened:
            opened.failures += refused
            opened.launch(planned)
        return opened.results

    def search(self, search: Searching, around: Surrounding) -> list[JobReturn]:
        """Run batch after batch, each asked for when the one before is done, as one sweep.

        Args:
            search: asks for the jobs.
            around: the sweeper's means.

        Returns:
            One result for each job that was launched.

        Raises:
            ConfigError: the jobs' disparities are of different kinds or data.
        """
        grid = search.ask()
        planned, refused = self._plan(grid, 0, around)
        _check_comparable(planned)
        if planned and planned[0].config.dry_run:
            print(search.describe())
        if self._ends_with_plan(planned, refused, around):
            return []
        first = planned[0]
        identity = search.identity(first.job.keys.job)
        sweep_id = str(first.config.sweep.id or identity)
        with self._opened(sweep_id, planned, around, search) as opened:
            search.keep(opened.journal, identity)
            asked = search.ask()
            if asked != grid:  # another version of the sampler began it
                planned, refused = self._plan(asked, 0, around)
            number = 0
            while asked:
                log.info("Trials %d to %d of %d.", number, number + len(asked) - 1, search.n_trials)
                _check_comparable([first, *planned])
                opened.failures += refused
                opened.launch(planned)
                search.tell(opened.trials(asked, planned, refused))
                number += len(asked)
                asked = search.ask()
                planned, refused = self._plan(asked, number, around)
        return opened.results

    def _plan(
        self, grid: Sequence[Sequence[str]], first: int, around: Surrounding
    ) -> tuple[list[Planned], list[Failure]]:
        """Compose, build and check every job; those that cannot work are refused here."""
        planned: list[Planned] = []
        refused: list[Failure] = []
        for number, words in enumerate(grid, start=first):
            try:
                planned.append(self._planned(number, tuple(words), around))
            except FairkdError as error:  # what does not compose at all stops the sweep
                refused.append(Failure(number, tuple(words), str(error), "refused"))
            else:
                if len(planned) == 1:
                    self._begin(planned[0], around)
        tell_certifiable(one.job for one in planned)
        return planned, refused

    def _begin(self, first: Planned, around: Surrounding) -> None:
        """Use the processes that wait while the other jobs are planned: most share a teacher."""
        config, launcher = first.config, around.launcher
        if not isinstance(launcher, Warm) or config.dry_run:
            return
        if config.force != "all":  # which is to train it once in this command
            self.task.adopt([first.job])
            launcher.begin(config)

    def _planned(self, number: int, words: tuple[str, ...], around: Surrounding) -> Planned:
        config = around.composer.job(words, number)
        output = place(config)
        bare = without_hydra(config)
        shop = workshop()
        with hydra_known(config):
            plain = check(bare)
            check_writable("paths.store", Path(bare.paths.store))
            check_writable("hydra.sweep.dir", Path(str(config.hydra.sweep.dir)))
            job = build_job(bare, output, shop, plain, own_words(words))
            parts = _shape(job.config)
            shape = _text(parts)
            rows = _text([job.config["data"], parts["baseline"], parts["teacher"]])
            if shape not in self._checked:  # jobs that differ in numbers alone are checked alike
                build_tracking(bare)
                check_job(job)
            elif rows not in self._checked:  # but for what their own rows cannot do
                check_rows(job)
            self._checked |= {shape, rows}
        return Planned(number, words, config, job)

    @contextmanager
    def _opened(
        self,
        sweep_id: str,
        planned: Sequence[Planned],
        around: Surrounding,
        search: Searching | None = None,
    ) -> Iterator[OpenSweep]:
        """The sweep's folder, lock and tracked run; at the end, its comparison."""
        first = planned[0].config
        shop = workshop()
        note_sweep(around.master)
        store = shop.store(first.paths.store)
        tracking = prepared(first, shop)
        folder = Path(str(first.hydra.sweep.dir)).absolute()
        described = of_grid(planned) if search is None else of_search(search, planned)
        with store.lock("sweep", sweep_id), parent_run(tracking, sweep_id, described) as run:
            sweep = SweepPlace(sweep_id, run.run_id or None)
            opened = OpenSweep(self.task, self._composed, sweep, store, tracking, around, folder)
            run.log_text(_command(around.master), OVERRIDES)
            try:
                yield opened
            finally:
                tracking.reap()  # the runs of processes that were ended with theirs
            outcomes = opened.outcomes()
            summary = summarise(outcomes)
            write_csv(frame(summary), folder / SUMMARY)
            write_csv(jobs_frame(outcomes, opened.failures), folder / JOBS)
            run.log_metrics(parent_metrics(summary))
            run.log_metrics({SWEEP_FAILED: float(len(opened.failures))})
            for name in (SUMMARY, JOBS):
                run.log_file(folder / name)
        report = f"fairkd report sweep={shlex.quote(sweep_id)}" if run.run_id else None
        self._show(summary, opened, tracking.describe(run.run_id), report, planned[0])

    def _show(
        self, summary: Summary, opened: OpenSweep, run: str, report: str | None, first: Planned
    ) -> None:
        console = wide_console()
        csv = opened.folder / SUMMARY
        show_sweep(summary, opened.failures, console, csv)
        places = {"run": run, "folder": str(opened.folder), "table": str(csv)}
        if report is not None and summary.rows:
            places["report"] = report
        for name, text in places.items():
            console.print(f"{name:<8}{text}", highlight=False, soft_wrap=True, markup=False)
        self._set_exit_code(opened.failures, first.config)
        if any(failure.kind == "failed" for failure in opened.failures):
            console.print(
                "next    the same command: it takes what is done from the store and does the "
                "rest again",
                soft_wrap=True,
                markup=False,
            )

    def _ends_with_plan(
        self, planned: Sequence[Planned], refused: Sequence[Failure], around: Surrounding
    ) -> bool:
        """Whether nothing is to be launched: no job is left, or only the plan was asked for."""
        if not planned:
            self._show_refused(refused)
            return True
        if planned[0].config.dry_run:
            self._show_plan(planned, refused, around)
            return True
        return False

    def _show_refused(self, refused: Sequence[Failure]) -> None:
        for failure in refused:
            print(f"Job #{failure.number} is refused ({' '.join(failure.words)}):", file=sys.stderr)
            print(f"  {failure.sentence}", file=sys.stderr)
        print("No job is left to run.", file=sys.stderr)
        self.exit_code = 1

    def _show_plan(
        self, planned: Sequence[Planned], refused: Sequence[Failure], around: Surrounding
    ) -> None:
        shop = workshop()
        self.task.adopt([p.job for p in planned])
        configs = [p.config for p in planned]
        cut = around.launcher.cut(len(planned)) if isinstance(around.launcher, Warm) else None
        division = self.task.divide(configs, cut or Cut(max_stack=1))
        store = shop.store(planned[0].config.paths.store)
        print(sweep_plan([(p.number, p.words, p.job) for p in planned], division, store, cut))
        for failure in refused:
            print(f"#{failure.number} {' '.join(failure.words)}: refused: {failure.sentence}")
        self._set_exit_code(refused, planned[0].config)

    def _set_exit_code(self, failures: Sequence[Failure], config: DictConfig) -> None:
        tolerated = {"refused"} if config.sweep.allow_refused else set()
        if any(failure.kind not in tolerated for failure in failures):
            self.exit_code = 1


def note_sweep(master: DictConfig) -> None:
    """Write the sweep's configuration into its folder, as Hydra does."""
    folder = Path(str(master.hydra.sweep.dir))
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(master, folder / "multirun.yaml")


def _check_comparable(planned: Sequence[Planned]) -> None:
    """Refuse a search over what its second objective is.

    Raises:
        ConfigError: naming two of the disparities.
    """
    kinds = [f"{p.job.headline.name} on {p.job.dataset.name}" for p in planned]
    other = next((kind for kind in kinds if kind != kinds[0]), None)
    if other is not None:
        raise ConfigError(
            f"A search compares all its jobs by one disparity of one data set, but these have "
            f"{kinds[0]} and {other}; fix data, data.groups, constraint, constraint.statistic and "
            "constraint.by."
        )


def _sweep_id(planned: Sequence[Planned]) -> str:
    return content_key({"jobs": sorted({p.job.keys.job for p in planned})})


def _command(master: DictConfig) -> str:
    given = master.hydra.overrides
    return "\n".join([*as_given(given.hydra), *as_given(given.task), ""])


def _text(plain: object) -> str:
    return json.dumps(plain, default=str)


def _shape(value: Any, key: str = "") -> Any:
    """A configuration without the values that decide no shape and whose range is checked anyway."""
    if isinstance(value, Mapping):
        return {name: _shape(item, name) for name, item in value.items() if name not in _NO_SHAPE}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return "number" if isinstance(value, float) or key in _KNOBS else value
