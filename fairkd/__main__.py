"""``fairkd`` and ``python -m fairkd``."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from fairkd.commands.dispatch import dispatch

    sys.exit(dispatch(sys.argv[1:]))


if __name__ == "__main__":
    main()
