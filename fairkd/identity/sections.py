"""What of a configuration's sections changes results."""

from typing import Any

from fairkd.data.imperfect import GROUP_FLAWS, Imperfect
from fairkd.data.splitting import Splitting
from fairkd.identity.producers import REVISIONS, Section

_NOT_IDENTITY = {
    # The content is identified by its fingerprint.
    "data": ("cache", "path", "sha256", "memory_gib"),
    "trainer": ("progress", "accelerator"),  # shown, not computed; the device's kind stands for it
}


def reduced(section: str, values: Section, *more: str) -> dict[str, Any]:
    """A section without what changes no result, and without newer keys that are at rest.

    Args:
        section: its name, ``data`` or ``trainer``.
        values: what it holds.
        more: keys to leave out as well.
    """
    left_out = {*_NOT_IDENTITY[section], *more}
    if not values.get("augmentation"):
        left_out.add("augmentation")  # results from before there was any stay under their keys
    if values.get("certify_fraction") is None:
        left_out.add("certify_fraction")
    if Imperfect.of(values.get("imperfect")).idle:
        left_out.add("imperfect")  # likewise
    if Splitting.of(values.get("split")).idle:
        left_out.add("split")
    return {name: value for name, value in values.items() if name not in left_out}


def without_group_flaws(data: Section) -> Section:
    """The data as whoever learns from labels alone sees it."""
    if not data.get("imperfect"):
        return data
    kept = {name: v for name, v in data["imperfect"].items() if name not in GROUP_FLAWS}
    return {**data, "imperfect": kept}


def model_section(section: Section) -> dict[str, Any]:
    """A model's section, with the trainer inside it reduced to what changes results."""
    return {
        name: reduced("trainer", value) if name == "trainer" else value
        for name, value in section.items()
    }


def constraints(config: Section) -> dict[str, Any]:
    """The constraints by name, each with its block by name: no block means the data's first."""
    terms = config["constraint"]["terms"]
    found = {name: on_block(config, term) for name, term in terms.items()}
    confidence = config["constraint"].get("confidence")
    if confidence is None:
        return found
    certified = {
        "confidence": confidence,
        "tighten": config["constraint"]["tighten"],
        "threshold": config["evaluation"].get("threshold"),
        "revision": REVISIONS["certificate"],
    }
    return {**found, "": certified}  # no constraint has an empty name


def mitigations(config: Section) -> dict[str, Any]:
    """The student's mitigations; without any, results stay under the keys that they had."""
    terms = config["mitigation"]["terms"]
    found = {name: on_block(config, term) for name, term in terms.items()}
    return {"mitigation": found} if found else {}


def on_block(config: Section, section: Section) -> dict[str, Any]:
    """A section with the name of its group block: none means the data's first."""
    if section.get("by") is not None:
        return dict(section)
    return {**section, "by": config["data"]["groups"][0]}
