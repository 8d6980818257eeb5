"""A sweep in a sentence or two, every word of it from the numbers."""

from collections.abc import Sequence

from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.numbers import half, interval, number, own_ends, partly
from fairkd.sweeps.outcome import MEASURES, Model
from fairkd.sweeps.summary import Row, Summary


def sentence(summary: Summary) -> str:
    """The best configuration of each comparison on validation, and its trio on test.

    ``±`` is half of the interval over repetitions; a single job's gap has its own interval instead,
    and the sentence says so.
    """
    if not summary.rows:
        return "No job finished: there is nothing to compare."
    texts = summary.labels
    comparisons = summary.comparisons()
    found = [_best(rows, texts[rows[0].configuration]) for rows in comparisons.values()]
    if len(comparisons) > 1:
        found.insert(0, f"{len(comparisons)} comparisons that do not mix.")
    return " ".join(found)


def _best(rows: Sequence[Row], label: str) -> str:
    best = rows[0]
    if best.rank is None:
        return (
            f"No configuration has a defined accuracy and gap ({best.comparison}) on validation, "
            "so none is best."
        )
    accuracy, gap = (best.estimate("student", "test", measure) for measure in MEASURES)
    which = (
        f"Best of {len(rows)} configurations on validation"
        if len(rows) > 1
        else "One configuration"
    )
    beside = "; ".join(_beside(best, model) for model in ("control", "teacher"))
    return (
        f"{which}{f': {label}' if label else ''}: test accuracy {_with_interval(accuracy)}, "
        f"gap {_with_interval(gap)} ({beside}), over {_counted(best.repetitions, 'repetition')}"
        f"{_minus_control(best)}. "
        f"The gap is {best.comparison}. {_capital(best.repetitions_vary)}."
    )


def _beside(row: Row, model: Model) -> str:
    values = (row.estimate(model, "test", measure).mean for measure in MEASURES)
    return f"{model} {', '.join(map(number, values))}"


def _minus_control(row: Row) -> str:
    """The paired comparison, where there is an interval to give."""
    changes = [
        f"{measure} {number(change.mean, signed=True)}{half(change)}{partly(change)}"
        for measure, change in zip(("accuracy", "gap"), row.minus_control.values(), strict=True)
        if change.interval == "repetitions"
    ]
    final = row.outcomes[0].final
    return f"; {final} minus control, paired: {', '.join(changes)}" if changes else ""


def _with_interval(estimate: Estimate) -> str:
    own = interval(own_ends(estimate), ending=" over test rows")
    return f"{number(estimate.mean)}{half(estimate)}{own}{partly(estimate)}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
