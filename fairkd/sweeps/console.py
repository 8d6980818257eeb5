"""Where a sweep's progress is shown."""

from rich.console import Console


def console() -> Console:
    """Standard error: standard output is for results."""
    return Console(stderr=True)
