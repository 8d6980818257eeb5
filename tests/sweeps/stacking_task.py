"""A task function whose jobs stack without training anything, for tests of the launching path.

As a script (``stacking_task.py app.py overrides``) it runs a Hydra application whose task function
is wrapped so.
"""

import functools
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from fairkd.sweeps.pieces import Cut, Division, Piece
from fairkd.sweeps.progress import Ticker
from fairkd.sweeps.stacks import Ahead


class Stacking:
    """Jobs in pieces of ``size``, the last ones first; each leaves in ``trace`` who prepared it."""

    trace: Path
    size = 2

    def composed(self, overrides: Sequence[str]) -> DictConfig | None:
        return None

    def divide(self, configs: Sequence[DictConfig], cut: Cut) -> Division:
        places = range(len(configs))
        pieces = [tuple(places[i : i + self.size]) for i in places[:: self.size]]
        first = (Piece("teacher", tuple(places)),)
        then = tuple(Piece("job", piece) for piece in reversed(pieces))
        return Division(first, then, tuple(map(len, pieces)), {}, {}, ())

    def train_ahead(
        self,
        piece: Piece,
        configs: Sequence[DictConfig],
        cut: Cut,
        before: Ahead,
        ticker: Ticker,
    ) -> Ahead:
        for config in configs:
            mark = self.trace / f"{piece.kind}-{config.hydra.job.num}"
            mark.write_text(str(os.getpid()))
        ticker.tick(epochs=len(configs))
        made = frozenset((piece.kind, str(place)) for place in piece.jobs)
        return Ahead(before.made | made, before.failures)

    def quieted(self, config: DictConfig) -> DictConfig:
        return config

    def epochs(self, division: Division, configs: Sequence[DictConfig]) -> int:
        return 2 * len(configs)

    def told(self, result: JobReturn) -> str | None:
        return None

    def check(self) -> None:
        """A job was prepared before it runs, and in the process that runs it."""
        number = HydraConfig.get().job.num
        assert (self.trace / f"teacher-{number}").exists()
        assert (self.trace / f"job-{number}").read_text() == str(os.getpid())


class StackingTask(Stacking):
    """Wraps a plain task function."""

    def __init__(self, task: Callable[[DictConfig], Any], trace: Path, size: int = 2) -> None:
        functools.update_wrapper(self, task)
        self.task = task
        self.trace = trace
        self.size = size

    def __call__(self, config: DictConfig) -> Any:
        self.check()
        return self.task(config)


def _main() -> None:
    app, arguments = sys.argv[1], sys.argv[2:]
    trace = Path(os.environ["TRACE"])
    original = hydra.main

    def main(*args: Any, **kwargs: Any) -> Callable[..., Any]:
        decorate = original(*args, **kwargs)
        return lambda task: decorate(StackingTask(task, trace))

    hydra.main = main
    sys.argv = [app, *arguments]
    sys.path.insert(0, str(Path(app).parent))
    runpy.run_path(app, run_name="__main__")


if __name__ == "__main__":
    _main()
