"""All still pictures of one job."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from fairkd.record import JobRecord
from fairkd.reporting.pictures import (
    calibration,
    curves,
    flips,
    group_bars,
    roc,
    score_distributions,
)
from fairkd.reporting.pictures.canvas import look, png

PICTURES: Mapping[str, Callable[[JobRecord], Figure | None]] = {
    "groups.png": group_bars.picture,
    "roc.png": roc.picture,
    "calibration.png": calibration.picture,
    "scores.png": score_distributions.picture,
    "training.png": curves.picture,
    "flips.png": flips.picture,
}


def drawn(record: JobRecord) -> dict[str, bytes]:
    """Every picture that the record has numbers for, as PNG, by the name of its file."""
    found = {}
    with look():
        for name, picture in PICTURES.items():
            figure = picture(record)
            if figure is not None:
                found[name] = png(figure)
    return found
