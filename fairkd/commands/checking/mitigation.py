"""Refuse a mitigation that cannot work."""

from collections.abc import Iterable

from fairkd import checks
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError, unknown_name
from fairkd.fairness.names import ADVERSARY_KNOWS, CELLS


def check_mitigation(mitigation: Section, blocks: Iterable[str]) -> None:
    """Check the section ``mitigation`` against the data's group blocks."""
    shared = {name: value for name, value in mitigation.items() if name != "terms"}
    _check_values("mitigation", shared, blocks)
    for name, term in mitigation["terms"].items():
        _check_values(f"mitigation.terms.{name}", term, blocks)


def _check_values(prefix: str, values: Section, blocks: Iterable[str]) -> None:
    given = {name: value for name, value in values.items() if value is not None}
    if "by" in given and given["by"] not in blocks:
        sentence = unknown_name(f"group block in {prefix}.by", given["by"], blocks)
        raise ConfigError(f"{sentence} The data's blocks are set by data.groups.")
    if "of" in given:
        checks.choice(f"{prefix}.of", given["of"], CELLS)
    if "given" in given:
        checks.choice(f"{prefix}.given", given["given"], ADVERSARY_KNOWS)
    if "weight" in given:
        checks.number(f"{prefix}.weight", given["weight"], least=0.0)
