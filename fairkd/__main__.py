"""``fairkd`` and ``python -m fairkd``."""

import gc
import signal
import sys
from pathlib import Path

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from fairkd.commands.dispatch import dispatch

        _find_own_code()
        code = dispatch(sys.argv[1:])
    except KeyboardInterrupt:  # before there was a command
        print("Interrupted.", file=sys.stderr)
        code = _INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt
    gc.freeze()  # else Python looks for garbage among all that goes now anyway, for two seconds
    sys.exit(code)


def _find_own_code() -> None:
    """Find the user's modules in the working folder, as ``python -m`` does, after all others."""
    here = str(Path.cwd())
    if not {"", here} & set(sys.path):
        sys.path.append(here)


if __name__ == "__main__":
    main()
