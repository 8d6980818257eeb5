"""``fairkd`` and ``python -m fairkd``."""

import gc
import signal
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from fairkd.commands.dispatch import dispatch

        code = dispatch(sys.argv[1:])
    except KeyboardInterrupt:  # before there was a command
        print("Interrupted.", file=sys.stderr)
        code = _INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt
    gc.freeze()  # else Python looks for garbage among all that goes now anyway, for two seconds
    sys.exit(code)


if __name__ == "__main__":
    main()
