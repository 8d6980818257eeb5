"""Which command a command line means."""

import sys
from collections.abc import Callable, Sequence

from fairkd import __version__
from fairkd.errors import FairkdError, unknown_name

USAGE_ERROR = 2


def dispatch(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for.

    A first word without ``=`` is a subcommand; everything else is the job's, for Hydra.

    Returns:
        The exit code: 0, 1 for a refused or failed job, 2 for wrong usage, 130 if interrupted.
    """
    is_job = not arguments or arguments[0].startswith("-") or "=" in arguments[0]
    if is_job and {"-h", "--help"} & set(arguments):
        from fairkd.commands.help import help_text

        print(help_text(), end="")
        return 0
    if is_job and "--version" in arguments:
        print(f"fairkd {__version__}")
        return 0
    subcommands: dict[str, Callable[[Sequence[str]], int]] = {
        "card": _card,
        "check": _check,
        "data": _data,
        "export": _export,
        "predict": _predict,
        "report": _report,
        "register": _register,
        "store": _store,
        "ui": _ui,
    }
    if is_job:
        from fairkd.commands.train import train

        return train(arguments)
    if arguments[0] not in subcommands:
        sentence = unknown_name("command", arguments[0], subcommands)
        print(f"{sentence} Values are set as key=value; see fairkd --help.", file=sys.stderr)
        return USAGE_ERROR
    return _reporting(lambda: subcommands[arguments[0]](arguments[1:]))


def _card(arguments: Sequence[str]) -> int:
    from fairkd.commands.card import card

    return card(arguments)


def _check(arguments: Sequence[str]) -> int:
    from fairkd.commands.check import check

    return check(arguments)


def _data(arguments: Sequence[str]) -> int:
    from fairkd.commands.data import data

    return data(arguments)


def _export(arguments: Sequence[str]) -> int:
    from fairkd.commands.export import export

    return export(arguments)


def _predict(arguments: Sequence[str]) -> int:
    from fairkd.commands.predict import predict

    return predict(arguments)


def _report(arguments: Sequence[str]) -> int:
    from fairkd.commands.report import report

    return report(arguments)


def _register(arguments: Sequence[str]) -> int:
    from fairkd.commands.register import register

    return register(arguments)


def _store(arguments: Sequence[str]) -> int:
    from fairkd.commands.store import store

    return store(arguments)


def _ui(arguments: Sequence[str]) -> int:
    from fairkd.commands.ui import ui

    return ui(arguments)


def _reporting(command: Callable[[], int]) -> int:
    from fairkd.commands.asking import UsageError

    try:
        return command()
    except UsageError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    except FairkdError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
