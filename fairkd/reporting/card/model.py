"""What the model is: architecture, size, how it decides."""

import math
from collections.abc import Iterator

from fairkd.evaluation.compression import Cost
from fairkd.evaluation.trio import MODELS, Trio
from fairkd.reporting.card.metadata import catalogued, data_name
from fairkd.reporting.markdown import bullets, plain, table
from fairkd.reporting.recorded import RecordedJob
from fairkd.reporting.report.made import facts
from fairkd.reporting.runs import FoundRuns
from fairkd.sweeps.numbers import UNKNOWN, count, with_ends

_METHOD = {
    "distillation": "terms",
    "constraint": "terms",
    "mitigation": "terms",
    "compression": "steps",
}
_SIZES = {
    "parameters": "parameters",
    "nonzero": "parameters that are not 0",
    "bytes": "bytes as safetensors",
    "multiply_adds": "multiply-adds for one row",
}


def method_of(job: RecordedJob) -> dict[str, list[str]]:
    """What made the student other than its control, by section, where there is something."""
    members = {
        section: list(map(str, job.configuration.get(section, {}).get(inside, {})))
        for section, inside in _METHOD.items()
    }
    if (job.configuration.get("baseline") or {}).get("_target_") is not None:
        members["baseline"] = [job.record.trio.final]
    return {section: names for section, names in members.items() if names}


def summary(job: RecordedJob) -> str:
    """A paragraph: what it is, what it reaches, beside the other two."""
    trio, headline = job.record.trio, job.record.headline
    cost, teacher = trio.costs[trio.final], trio.costs["teacher"]
    entry = catalogued(job)
    decides = f" It predicts {plain(entry.label)}." if entry is not None else ""
    times = (
        f", with {teacher.parameters / cost.parameters:.3g} times its parameters"
        if cost.parameters and teacher.known
        else ""
    )
    distilled = "distillation" in method_of(job)
    how = "distilled by a teacher on" if distilled else "trained without distillation on"
    how = f"{how} {plain(data_name(job))}"
    if trio.final != "student":
        how += f", then {plain(trio.final)}"
    gap = f"{headline.metric.replace('_', ' ')} by {headline.block}"
    return (
        f"A student of {count(cost.parameters)} parameters, {how}.{decides} On test: "
        f"{_overall(job, trio.final)}. The gap is {plain(gap)}. Beside it: a teacher{times}, "
        f"{_overall(job, 'teacher')}; and its control, the same architecture from a fresh start on "
        f"labels alone, {_overall(job, 'control')}."
    )


def model_section(job: RecordedJob) -> Iterator[str]:
    """The section's parts."""
    trio = job.record.trio
    told = dict(facts([job], FoundRuns((job.run,))))
    lines = [f"Architecture: {plain(told['Student'])}"]
    made = [name for name in trio.models if name not in MODELS]
    if made:
        steps = ", ".join(plain(name) for name in made)
        lines.append(f"The card is of what was made of the student at last: student, {steps}")
    lines.append(f"Teacher: {plain(told['Teacher'])}")
    lines.append(_decides(job))
    yield "## The model"
    yield bullets(lines)
    yield _sizes(trio)


def _decides(job: RecordedJob) -> str:
    trio = job.record.trio
    classes = trio.classes
    listed = ", ".join(map(plain, classes))
    if len(classes) != 2:
        return f"Decides the most likely class{f' of {listed}' if listed else ''}"
    if trio.matched and all(trio.final not in m.evaluations for m in trio.matched.values()):
        return f"Decides {listed} by a rule of its own, and not by one threshold for all"
    threshold = float(job.configuration["evaluation"]["threshold"])
    return (
        f"Decides {plain(classes[1])} where its probability is at least {threshold:g} "
        f"(evaluation.threshold), else {plain(classes[0])}"
    )


def _sizes(trio: Trio) -> str:
    names = list(dict.fromkeys((trio.final, "student", "teacher")))
    ratios = trio.cost_ratios(trio.final)
    rows = [
        [
            words,
            *(count(trio.costs[name].numbers()[key]) for name in names),
            _share(ratios[key]),
        ]
        for key, words in _SIZES.items()
    ]
    latency = [
        f"{trio.costs[name].latency_ms_batch_1:.3g} ms" if trio.costs[name].known else UNKNOWN
        for name in names
    ]
    rows.append(
        [
            "one row on the CPU of the training machine",
            *latency,
            _share(ratios["latency_ms_batch_1"]),
        ]
    )
    uncounted = _not_counted(trio.costs[trio.final])
    shown = table(["size", *map(plain, names), "of the teacher's"], rows)
    return f"{shown}{uncounted}"


def _not_counted(cost: Cost) -> str:
    if not cost.not_counted:
        return ""
    return f"\n\nMultiply-adds leave out {', '.join(map(plain, cost.not_counted))}."


def _share(ratio: float) -> str:
    return "-" if math.isnan(ratio) else f"{ratio:.1%}"


def _overall(job: RecordedJob, model: str) -> str:
    measured = job.record.trio.evaluations[model]
    accuracy = with_ends(measured.metrics["accuracy"], measured.intervals.get("accuracy"))
    gap = with_ends(job.record.disparity(model, "test"), job.record.disparity_interval(model))
    return f"accuracy {accuracy}, gap {gap}"
