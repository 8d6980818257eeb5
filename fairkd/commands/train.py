"""``fairkd key=value ...``: compose with Hydra, run one job or many, and end with a sentence."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hydra
from omegaconf import DictConfig

from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.commands.failures import USAGE_ERROR, explain, unreadable
from fairkd.commands.interrupts import interrupted_once
from fairkd.commands.precheck import check_single, compose_single
from fairkd.commands.single import run_composed
from fairkd.commands.task import Task, workshop
from fairkd.commands.terminal import without_hydras_line

_FULL_ERROR = "HYDRA_FULL_ERROR"
_INTERRUPTED = 130


def train(arguments: Sequence[str]) -> int:
    """Run the jobs that the arguments describe.

    Returns:
        The exit code: 0, 1 for a refused or failed job, 2 for wrong usage, 130 if interrupted.
    """
    if {"-m", "--multirun"} & set(arguments) and {"--cfg", "-c"} & set(arguments):
        _say("--cfg shows one job; leave out -m and give single values.")
        return USAGE_ERROR
    nameless = next((word for word in arguments if word.startswith("=")), None)
    if nameless is not None:
        _say(unreadable(nameless))
        return USAGE_ERROR
    wants_traceback = os.environ.get(_FULL_ERROR) == "1"
    workshop.cache_clear()  # its life is the command's
    task = Task()
    try:
        with interrupted_once():
            _run(arguments, task)
    except KeyboardInterrupt:
        _say("Interrupted. What was finished is in the store; the same command goes on from there.")
        return _INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        if wants_traceback:
            raise
        failure = explain(error, arguments)
        _say(failure.sentence)
        task.tidy(error)
        return failure.exit_code
    return task.exit_code


def _run(arguments: Sequence[str], task: Task) -> None:
    single = compose_single(arguments)
    if single is not None:
        check_single(single)
        if single.config.dry_run:
            from fairkd.commands.job import show_plan

            show_plan(single.config, single.output, workshop())
            return
    with _errors_raised(), _arguments(arguments), without_hydras_line():
        if single is None or single.hydra.hydra.verbose:  # of which Hydra has much to tell
            _hydra_main(task)()
        else:
            run_composed(single, task)


def _hydra_main(job: Callable[[DictConfig], Any]) -> Callable[[], Any]:
    decorate = hydra.main(version_base="1.3", config_path=str(config_folder()), config_name=PRIMARY)
    decorated: Callable[[], Any] = decorate(job)
    return decorated


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Have Hydra raise its errors here, where they become sentences, instead of printing them."""
    before = os.environ.get(_FULL_ERROR)
    os.environ[_FULL_ERROR] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_FULL_ERROR]
        else:
            os.environ[_FULL_ERROR] = before


@contextmanager
def _arguments(arguments: Sequence[str]) -> Iterator[None]:
    """Hydra reads the process's arguments; give it these, flags first: it wants no flag between."""
    flags = [word for word in arguments if word.startswith("-") or not ("=" in word or "~" in word)]
    before = sys.argv
    sys.argv = ["fairkd", *flags, *(word for word in arguments if word not in flags)]
    try:
        yield
    finally:
        sys.argv = before


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
