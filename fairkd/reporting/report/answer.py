"""What a comparison says at a threshold, in sentences, every word of it from the numbers.

The student is chosen on validation and told on test. Accuracies are percentages, changes are in
points (hundredths), gaps are as in the tables.
"""

import math
from collections.abc import Iterator

from fairkd.evaluation.bound import in_words
from fairkd.fairness.names import RECORDED_AS
from fairkd.reporting.report.comparison import Compared
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.numbers import UNDEFINED, number, partly, with_interval
from fairkd.sweeps.summary import Row

_COUNTED = {"parameters": "parameters", "nonzero": "parameters that are not 0", "bytes": "bytes"}
_FEW = 4
_ROUND_FROM = 9.95  # below, a factor has one decimal


def answer(found: Compared) -> list[str]:
    """The sentences of one comparison: what was found first, then what it rests on."""
    subject = found.subject
    if subject is None:
        return [
            "No configuration has an accuracy and a gap that are defined on validation in every "
            "repetition, so none can be chosen: "
            "a rate without rows to divide by is undefined, not 0."
        ]
    return [
        *_verdict(found, subject),
        *_beside(found, subject),
        *_distillation_alone(found, subject),
    ]


def basis(found: Compared, confidence: float, own: float, classes: int) -> list[str]:
    """What the numbers of `answer` are, and what they are conditional on.

    Args:
        found: the comparison.
        confidence: of the intervals over repetitions.
        own: that of a single job's intervals over its test rows.
        classes: of the data's label.
    """
    return [
        *_what_the_gap_is(found, classes),
        *_how_chosen(found),
        *_what_intervals_are(found, confidence, own),
    ]


def points(value: float) -> str:
    """A change in points, signed: ``-0.6``; ``undefined`` for NaN."""
    return number(100 * value, 1, signed=True)


def share(value: float) -> str:
    """A share of rows: ``83.9%``; ``undefined`` for NaN."""
    return UNDEFINED if math.isnan(value) else f"{number(100 * value, 1)}%"


def times(factor: float) -> str:
    """How many times: ``31``, ``1.5``."""
    return f"{factor:.0f}" if factor >= _ROUND_FROM else f"{factor:.1f}"


def change(estimate: Estimate) -> str:
    """A change in points with its interval, if it has one: ``+0.4 points [-0.2, 1.0]``."""
    if math.isnan(estimate.mean):
        return "an undefined number of points"
    return with_interval(estimate.times(100), 1, signed=True, unit=" points")


def called(row: Row) -> str:
    """What stands in the student's place: ``student``, ``pruned model``, a baseline's model."""
    final = row.outcomes[0].final
    return "student" if final == "student" else f"{final} model"


def _verdict(found: Compared, subject: Row) -> Iterator[str]:
    gap = subject.estimate("student", "test", "disparity")
    only = len(found.rows) == 1
    what, which = called(subject), _parenthesis(found.label(subject))
    at = f"At {found.threshold:g}"
    keeps = _keeps(subject)
    if found.chosen is None:
        start = (
            f"{at}, the only {what} does not hold: on validation its gap is "
            if only
            else f"{at}, no student holds on validation; the closest{which} has a gap of "
        )
        on_validation = subject.estimate("student", "validation", "disparity").mean
        there = ", " if only else " there and "
        yield f"{start}{number(on_validation)}{there}{with_interval(gap)} on test."
        yield f"It {keeps}."
        return
    if gap.everywhere <= found.threshold:
        best = f"the only {what}" if only else f"the best {what} that holds{which}"
        yield f"{at}, {best} {'holds: it ' if only else ''}{keeps}."
        yield from _how_firmly(found, gap)
        return
    if math.isnan(gap.everywhere):
        yield (
            f"{at}, the {what} chosen on validation{which} {keeps}, but its gap on test is "
            f"{with_interval(gap)}, so whether it holds there is not known."
        )
        return
    best = f"the only {what} holds" if only else f"the best {what}{which} holds"
    yield (
        f"{at}, {best} on validation but NOT on test, where its gap is {with_interval(gap)}. "
        f"It {keeps}."
    )


def _how_firmly(found: Compared, gap: Estimate) -> Iterator[str]:
    text = f"Its gap on test is {with_interval(gap)}"
    if gap.interval == "none":
        yield f"{text}."
    elif gap.high <= found.threshold:
        yield f"{text}, with its interval within the threshold."
    else:
        beyond = f"the interval reaches beyond {found.threshold:g}"
        yield f"{text}; {beyond}, so it may not hold on new rows."


def _keeps(row: Row) -> str:
    accuracy = row.estimate("student", "test", "accuracy")
    text = (
        f"keeps {share(accuracy.mean)} accuracy{partly(accuracy)} "
        f"({change(row.minus_control['accuracy'])} against the control)"
    )
    size = _size(row)
    return f"{text} and {size}" if size else text


def _size(row: Row) -> str:
    """How much smaller than the teacher; nothing where the teacher's size is not counted."""
    outcome = row.outcomes[0]
    final = outcome.final
    start = "test/transfer" if final == "student" else f"test/{final}/transfer"
    wanted = ("parameters",) if final == "student" else tuple(_COUNTED)
    ratios = {
        name: outcome.metrics.get(f"{start}/{name}_ratio_to_teacher", math.nan) for name in wanted
    }
    known = {name: ratio for name, ratio in ratios.items() if ratio > 0}
    if not known:
        return ""
    name, ratio = min(known.items(), key=lambda pair: pair[1])
    if ratio < 1:
        return f"shrinks the model {times(1 / ratio)} times ({_COUNTED[name]})"
    return (
        f"is as large as the teacher ({_COUNTED[name]})"
        if ratio == 1
        else f"is {times(ratio)} times as large as the teacher ({_COUNTED[name]})"
    )


def _beside(found: Compared, subject: Row) -> Iterator[str]:
    """The teacher and the control of the same configuration, and whether they hold already."""
    gaps = {
        model: subject.estimate(model, "test", "disparity").mean for model in ("control", "teacher")
    }
    text = " and ".join(f"the {model}'s is {number(gap)}" for model, gap in gaps.items())
    change_of_gap = change(subject.minus_control["disparity"])
    yield f"Against the control its gap changed by {change_of_gap}: {text}."
    held = [model for model, gap in gaps.items() if gap <= found.threshold]
    if len(held) == len(gaps):
        yield "Control and teacher hold already, so the bound asks nothing of a student here."
    elif held:
        yield f"The {held[0]} holds already."


def _distillation_alone(found: Compared, subject: Row) -> Iterator[str]:
    row = found.alone
    if row is None:
        yield (
            "No configuration is distillation alone, so what it does by itself is not known here."
        )
        return
    moved = row.minus_control["disparity"]
    if row.configuration == subject.configuration:
        yield "That is distillation alone: nothing else was asked of the student."
        if _is_none(moved):
            yield "No change of the gap is shown."
        return
    which = _parenthesis(found.label(row))
    shown = ", so no change is shown" if _is_none(moved) else ""
    yield f"Distillation alone{which} changed the gap by {change(moved)}{shown}."


def _is_none(moved: Estimate) -> bool:
    """Whether an interval does not tell a change from none."""
    return moved.interval != "none" and moved.low <= 0 <= moved.high


def _what_the_gap_is(found: Compared, classes: int) -> Iterator[str]:
    headline = found.rows[0].headline
    statistics = {name: statistic for statistic, name in RECORDED_AS.items()}
    statistic = statistics.get(headline.metric)
    words = (
        f"{headline.metric} by {headline.block}"
        if statistic is None
        else f"the {in_words(statistic, 'largest_difference', headline.block)} ({headline.metric})"
    )
    yield f"The gap is {words}."
    if classes > 2:
        yield (
            f"With {classes} classes every rate is of one class against the rest, and the worst "
            "class counts."
        )


def _how_chosen(found: Compared) -> Iterator[str]:
    if len(found.rows) > 1:
        yield (
            "The student is the most accurate one within the threshold, both on validation; all "
            "numbers are on test, which chose nothing."
            if found.chosen is not None
            else "The closest is the student of the smallest gap on validation; test chose nothing."
        )


def _what_intervals_are(found: Compared, confidence: float, own: float) -> Iterator[str]:
    row = found.subject or found.rows[0]
    if row.repetitions > 1:
        few = ", which are few: they are wide" if row.repetitions < _FEW else ""
        yield (
            f"Intervals are {confidence:.0%} Student t intervals of means over {row.repetitions} "
            f"repetitions ({row.repetitions_vary}){few}; differences are paired."
        )
    else:
        yield (
            f"Nothing is repeated: intervals are {100 * own:.4g}% ones over test rows (percentiles "
            "of a bootstrap; of the change in accuracy, the normal interval of a mean of paired "
            f"differences), and say nothing of another run ({row.repetitions_vary})."
        )


def _parenthesis(label: str) -> str:
    return f" ({label})" if label else ""
