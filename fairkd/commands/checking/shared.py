"""What several chosen files of a group share: one set of knobs, each used by some of them."""

from collections.abc import Iterable, Set
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from fairkd.commands.configuration import config_folder
from fairkd.errors import ConfigError

SHARED_KNOBS = {
    "distillation": ("alpha", "temperature", "temperature_scaling"),
    "constraint": ("statistic", "by", "disparity", "sharpness", "threshold", "weight"),
    "mitigation": ("by", "of", "given", "weight", "layer"),
    "compression": (
        "sparsity", "granularity", "rounds", "epochs", "learning_rate", "teaches", "method",
    ),
}  # fmt: skip
_MEMBERS = {
    "distillation": "terms",
    "constraint": "terms",
    "mitigation": "terms",
    "compression": "steps",
}


@cache
def keys_of_base(section: str) -> Set[object]:
    """The keys that all choices of a group share."""
    return set(OmegaConf.load(config_folder() / "base" / f"{section}.yaml"))


@cache
def section_of_base(section: str, name: str) -> dict[str, Any]:
    """What one of them is by default."""
    file = OmegaConf.load(config_folder() / "base" / f"{section}.yaml")
    return dict(OmegaConf.select(file, name))


def check_used(config: DictConfig, section: str, knobs: Iterable[str]) -> None:
    """Refuse a shared knob that no chosen term refers to: it would change nothing."""
    members = config[section][_MEMBERS[section]]
    terms = OmegaConf.to_container(members, resolve=False)
    text = str(terms)
    for knob in knobs:
        key = f"{section}.{knob}"
        if config[section][knob] is None or f"${{{key}}}" in text:
            continue
        given = map(str, members)
        if terms and config[section][knob] in _defaults(section, knob, given):
            continue  # every term has a value of its own, and nobody set the shared one
        chosen = ", ".join(map(str, members)) or "none"
        raise ConfigError(
            f"{key}={config[section][knob]} has no effect: nothing in {section}={chosen} uses it; "
            f"leave the key out or choose another {section}."
        )


def _defaults(section: str, knob: str, terms: Iterable[str]) -> list[object]:
    """What the files that bring these terms set a shared knob to."""
    names = set(terms)
    loaded = (OmegaConf.load(file) for file in (config_folder() / section).glob("*.yaml"))
    return [
        OmegaConf.select(file, knob)
        for file in loaded
        if set(OmegaConf.select(file, _MEMBERS[section], default={})) & names
    ]
