"""``fairkd data describe``: what a data set holds, before anything is trained on it."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairkd.commands.asking import UsageError
from fairkd.errors import FairkdError

if TYPE_CHECKING:
    from fairkd.commands.precheck import Composed

_OWN = ("dry_run", "force")


def describe(words: Sequence[str]) -> int:
    """Run ``fairkd data describe ...`` and return the exit code.

    Args:
        words: as of a job; all but those about data, tracking and places are without effect.

    Raises:
        UsageError: a word that sets nothing.
        FairkdError: the data cannot be loaded, or the results cannot be written.
    """
    for word in words:
        if word in ("-m", "--multirun"):
            raise UsageError(f"{word} is for jobs; describe one data set at a time.")
        if word.startswith("-") or not word.partition("=")[1] or word.startswith("="):
            raise UsageError(
                f"'{word}' is not a key=value; write the data as a job does: "
                "fairkd data describe data=adult data.groups=[sex]."
            )
    job = _composed(words)

    from fairkd.commands.checking.data import check_data
    from fairkd.commands.checking.values import resolved
    from fairkd.commands.places import check_writable
    from fairkd.commands.precheck import hydra_known

    with hydra_known(job.hydra):
        plain = resolved(job.config)
        check_data(plain["data"])
    check_writable("hydra.run.dir", job.output)
    _describe(job, plain["data"], words)
    return 0


def _composed(words: Sequence[str]) -> "Composed":
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from fairkd.commands.failures import USAGE_ERROR, explain
    from fairkd.commands.precheck import composed

    try:
        return composed(words)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        failure = explain(error, words)
        refusal = UsageError if failure.exit_code == USAGE_ERROR else FairkdError
        raise refusal(failure.sentence) from error


def _describe(job: "Composed", section: dict[str, object], words: Sequence[str]) -> None:
    from fairkd.commands.building.made import made
    from fairkd.commands.building.tracking import build_tracking
    from fairkd.commands.configuration import CERTIFY_FRACTION
    from fairkd.commands.console import show_places, wide_console
    from fairkd.commands.precheck import hydra_known
    from fairkd.record import parameters
    from fairkd.reporting.dataset.facts import facts_of
    from fairkd.reporting.dataset.terminal import show_facts
    from fairkd.reporting.dataset.tracked import PICTURE, tags, write_folder, write_run
    from fairkd.reporting.pictures.dataset import drawn

    with hydra_known(job.hydra):
        tracking = build_tracking(job.config)
        dataset = made("data", job.config.data)
    facts = facts_of(dataset, CERTIFY_FRACTION)
    tracking.prepare()
    console = wide_console()
    show_facts(facts, console)
    write_folder(facts, drawn(facts), job.output)
    name = f"data\u00b7{dataset.name}"
    with tracking.start(name, parameters({"data": section}), tags(facts)) as run:
        write_run(run, facts, section, job.output)
    following = shlex.join(["fairkd", *(w for w in words if w.partition("=")[0] not in _OWN)])
    show_places(
        console,
        {
            "run": tracking.describe(run.run_id),
            "folder": str(job.output),
            "picture": str(job.output / PICTURE),
            "next": following,
        },
    )
