"""Colours and marks, the same in a report's figures and in a run's pictures."""

from collections.abc import Mapping, Sequence

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's, distinct with any colour vision ("Color Universal Design", 2008), without those
that vanish on white or on black."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
PATTERNS = ("", "/", ".", "\\", "x", "-")
NEUTRAL = "#808080"
"""Between black and white: for what is no data, and for teacher and control."""
QUIET = "rgba(128,128,128,0.45)"
"""For intervals behind points."""
GOOD, BAD = COLOURS[0], COLOURS[1]

SEQUENTIAL = [[0.0, COLOURS[0]], [0.5, "#A0A0A0"], [1.0, COLOURS[4]]]
"""From low to high; neither end is lost on a dark or a light page."""
DIVERGING = [[0.0, COLOURS[0]], [0.5, "#F2F2F2"], [1.0, COLOURS[1]]]
"""From good over nothing to bad."""

MODEL_PLACES: Mapping[str, int] = {"student": 0, "control": 1, "teacher": 2}
"""A model has one colour and mark wherever models are compared; further ones come after these."""


def colour(place: int) -> str:
    """The colour of the n-th thing that is compared."""
    return COLOURS[place % len(COLOURS)]


def symbol(place: int) -> str:
    """Its mark: of things of one colour, each has another."""
    return SYMBOLS[(place + place // len(COLOURS)) % len(SYMBOLS)]


def dash(place: int) -> str:
    """Its line."""
    return DASHES[(place + place // len(COLOURS)) % len(DASHES)]


def pattern(place: int) -> str:
    """Its bars."""
    return PATTERNS[(place + place // len(COLOURS)) % len(PATTERNS)]


def model_place(model: str, models: Sequence[str]) -> int:
    """A model's place for `colour` and the others, whichever models stand beside it."""
    if model in MODEL_PLACES:
        return MODEL_PLACES[model]
    further = [name for name in models if name not in MODEL_PLACES]
    return len(MODEL_PLACES) + further.index(model)
