"""A bound and its certificate in sentences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fairkd.evaluation.certificate import Certificate, Certifier
from fairkd.evaluation.held import Held
from fairkd.evaluation.trio import MODELS
from fairkd.record import JobRecord
from fairkd.sweeps.joint import Joint
from fairkd.sweeps.numbers import number, with_ends
from fairkd.sweeps.table import CHOSEN

_MOST_JOINTS = 4


def certifiable(certifiers: Iterable[Certifier]) -> Iterator[tuple[str, bool]]:
    """What certifying rows can show at best, a sentence a disparity, and whether that is enough.

    Args:
        certifiers: of jobs that may have the same rows and bounds, or others.
    """
    smallest: dict[str, set[float]] = {}
    asked: dict[str, set[float]] = {}
    rows: dict[str, set[int]] = {}
    for certifier in certifiers:
        for name, bound in certifier.bounds.items():
            smallest.setdefault(bound.words, set()).add(certifier.smallest[name])
            asked.setdefault(bound.words, set()).add(bound.threshold)
            rows.setdefault(bound.words, set()).add(certifier.rows.size)
    for words, found in smallest.items():
        low, high = f"{min(found):.3f}", f"{max(found):.3f}"
        span = low if low == high else f"{low} to {high}"
        text = (
            f"{min(rows[words]):,} rows are kept to certify: a {words} can be shown to be within "
            f"about {span} at best"
        )
        missed = [threshold for threshold in sorted(asked[words]) if threshold <= min(found)]
        if not missed:
            yield f"{text}; {_listed(asked[words])} is asked for.", True
            continue
        yield (
            f"{text}, so {_listed(missed)} will hardly be certified of any student; raise "
            "constraint.threshold or data.certify_fraction, or take larger groups "
            "(data.rare_groups).",
            False,
        )


def bound_lines(record: JobRecord) -> Iterator[str]:
    """How every bound stands on test, and what is certified; nothing for bounds of 0."""
    final = record.trio.final
    for bound in record.bounds.values():
        if bound.threshold > 0:
            yield _held(bound, final)
    if record.certificate is not None:
        yield from certificate_lines(record.certificate, record.bounds)


def certificate_lines(certificate: Certificate, bounds: Mapping[str, Held]) -> Iterator[str]:
    """What the certifying rows say of the chosen epoch."""
    chosen, tested = certificate.chosen, len(certificate.tested)
    share = f"{certificate.confidence:.4g}"
    rows = f"{certificate.rows:,} rows that neither trained nor selected"
    shown = ", ".join(
        f"{bounds[name].words} at most {upper:.3f} (asked for: {certificate.thresholds[name]:g})"
        for name, upper in chosen.upper.items()
    )
    epochs = f"{tested} candidate epoch{'' if tested == 1 else 's'}"
    if certificate.certified:
        yield (
            f"certified at confidence {share} on {rows}: {shown}; epoch {chosen.epoch + 1}, the "
            f"most accurate of those that passed, of {epochs}"
        )
        return
    yield (
        f"NOT certified at confidence {share} on {rows}: none of {epochs} passed; the closest, "
        f"epoch {chosen.epoch + 1}, was kept: {shown}"
    )
    for name, smallest in certificate.smallest.items():
        if smallest >= certificate.thresholds[name]:
            yield (
                f"these rows can hardly certify {bounds[name].words} within less than "
                f"{smallest:.3f}, however fair the student is"
            )


def joint_lines(joints: Sequence[Joint]) -> Iterator[str]:
    """What may be chosen from a sweep: a sentence for each set of rows that certified, or one for
    all of them where there are many."""
    if len(joints) > _MOST_JOINTS:
        chosen = [one for one in joints if one.chosen is not None]
        kept = [one for one in chosen if one.chosen and one.chosen.metrics.get("test/holds") == 1.0]
        yield (
            f"certified, on {len(joints)} sets of rows and bounds by themselves: a student in "
            f"{len(chosen)} of {len(joints)}; on test {len(kept)} of these {len(chosen)} hold "
            f"({CHOSEN} in the table of jobs)"
        )
        return
    for one in joints:
        found = one.certificate
        jobs = f"{len(one.jobs)} job{'' if len(one.jobs) == 1 else 's'}"
        asked = ", ".join(
            f"{words} at most {found.thresholds[name]:g}" for name, words in found.bounds.items()
        )
        start = f"of {jobs} tested on the same {found.rows:,} rows ({asked})"
        if one.chosen is None:
            yield f"{start} none may be chosen at confidence {found.confidence:.4g}"
            continue
        metrics = one.chosen.metrics
        yield (
            f"{start} job {one.chosen.number} may be chosen at confidence "
            f"{found.confidence:.4g}: test accuracy {metrics['test/accuracy']:.3f}, gap "
            f"{metrics['test/disparity']:.3f} ({one.passed} of {one.candidates} candidate epochs "
            "passed in one sequence)"
        )
    if len({one.certificate.rows_id for one in joints}) < len(joints):
        yield (
            "each of these bounds is certified by itself: name one before you look, for the best "
            "of several is not"
        )


def _held(bound: Held, final: str) -> str:
    value, holds = bound.values["test"][final], bound.holds(final)
    others = ", ".join(
        f"{model} {number(bound.values['test'][model])}" for model in MODELS if model != final
    )
    if holds is None:
        return f"{bound.words} is undefined on test, so nothing can be said of its bound"
    verdict = "holds" if holds else "does NOT hold"
    return (
        f"{bound.words} is {with_ends(value, bound.intervals.get(final))} on test: the bound of "
        f"{bound.threshold:g} {verdict} there ({others})"
    )


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in sorted(values))
