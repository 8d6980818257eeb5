"""``fairkd key=value ...``: compose with Hydra, run one job or many, and end with a sentence."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hydra
from omegaconf import DictConfig

from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.commands.failures import USAGE_ERROR, explain

_FULL_ERROR = "HYDRA_FULL_ERROR"
_INTERRUPTED = 130


def train(arguments: Sequence[str]) -> int:
    """Run the jobs that the arguments describe.

    Returns:
        The exit code: 0, 1 for a refused or failed job, 2 for wrong usage, 130 if interrupted.
    """
    if {"-m", "--multirun"} & set(arguments) and {"--cfg", "-c"} & set(arguments):
        print("--cfg shows one job; leave out -m and give single values.", file=sys.stderr)
        return USAGE_ERROR
    wants_traceback = os.environ.get(_FULL_ERROR) == "1"
    try:
        with _errors_raised(), _arguments(arguments):
            _hydra_main(_job)()
    except KeyboardInterrupt:
        _say("Interrupted. What was finished is in the store; the same command goes on from there.")
        return _INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        if wants_traceback:
            raise
        failure = explain(error, str(config_folder()))
        _say(failure.sentence)
        return failure.exit_code
    return 0


def _job(config: DictConfig) -> dict[str, float]:
    """One job: refuse what cannot work, then build it and run it."""
    from fairkd.commands.checks import check

    check(config)

    from fairkd.commands.job import run

    return run(config)


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
    """Hydra reads the process's arguments; give it these."""
    before = sys.argv
    sys.argv = ["fairkd", *arguments]
    try:
        yield
    finally:
        sys.argv = before


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
