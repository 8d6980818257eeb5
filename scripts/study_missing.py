"""What remains of a bound when few training rows tell their group: the table."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from study_numbers import Job, commands, mean, of_control, share, told


def missing(study: Mapping[str, Any]) -> str:
    """What remains of a bound when few training rows tell their group."""
    lines = [
        "## Missing groups",
        "",
        f"Adult by sex, {study['replicates']} repetitions, a bound of 0.05 on the gap of selection "
        "rates by multipliers, with the group known for a share of the training rows; validation "
        "and test know theirs. *proxy*: the others carry probabilities of a logistic regression "
        "on the features. DRO asks for no group.",
        "",
        "| method | known | accuracy | gap | within 0.05 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    first = study["sweeps"]["known rows"]["jobs"]
    whole = [job for job in first if _known(job) == 1.0]
    lines.append(_missing_row("*control*", "", [{**job, **of_control(job)} for job in whole]))
    for name, sweep in study["sweeps"].items():
        settings = defaultdict(list)
        for job in sweep["jobs"]:
            settings[_known(job), _kind(job)].append(job)
        for (known, kind), jobs in sorted(settings.items(), reverse=True):
            called = f"{name}{f', {kind}' if kind else ''}"
            lines.append(_missing_row(called, "none" if kind else f"{known:.0%}", jobs))
    lines += ["", *commands(study)]
    return "\n".join([*lines, ""])


def _missing_row(name: str, known: str, jobs: Sequence[Job]) -> str:
    cells = [
        name,
        known,
        told(mean(job["test/accuracy"] for job in jobs)),
        told(mean(job["test/disparity"] for job in jobs)),
        share([job["test/disparity"] <= 0.05 for job in jobs]),
    ]
    return f"| {' | '.join(cells)} |"


def _known(job: Job) -> float:
    return float(job["varied"].get("data.imperfect.known_groups") or 1.0)


def _kind(job: Job) -> str:
    """Which of a sweep's mitigations a job has."""
    for key in job["varied"]:
        if key.startswith("mitigation.terms.") and job["varied"][key] not in ("", "null"):
            return str(key.split(".")[2]).replace("_", " ")
    return ""
