"""How groups are asked for: a list of blocks, and what becomes of rare cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairkd.checks import as_typed, choice, number, whole
from fairkd.errors import ConfigError, unknown_name

RULES = ("keep", "merge_below_rows", "merge_below_fraction")


@dataclass(frozen=True)
class RareGroups:
    """What becomes of cells that few training rows belong to.

    Attributes:
        rule: ``keep`` leaves them; ``merge_below_rows`` and ``merge_below_fraction`` merge all
            cells below the limit into one cell, ``other``.
        limit: rows, or a fraction of the training rows whose membership is known; None for
            ``keep``.
    """

    rule: str = "keep"
    limit: float | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> "RareGroups":
        """Check a configured mapping with the keys ``rule`` and ``limit``.

        Raises:
            ConfigError: an unknown key or rule, or a limit that the rule cannot use.
        """
        if given is None:
            return cls()
        for key in given:
            if key not in ("rule", "limit"):
                raise ConfigError(unknown_name("key of data.rare_groups", key, ("rule", "limit")))
        rule = choice("data.rare_groups.rule", given.get("rule", "keep"), RULES)
        limit = given.get("limit")
        if rule == "keep":
            if limit is not None:
                raise ConfigError(
                    f"data.rare_groups.limit={limit} has no effect with "
                    "data.rare_groups.rule=keep; leave the limit null, or choose the rule "
                    "merge_below_rows or merge_below_fraction."
                )
            return cls()
        if rule == "merge_below_rows":
            return cls(rule, whole("data.rare_groups.limit", limit, least=1))
        return cls(rule, number("data.rare_groups.limit", limit, above=0, most=1))

    def are(self, rows: int, known: int) -> bool:
        """Whether a cell of so many rows, among all rows of known membership, is rare."""
        if self.limit is None:
            return False
        return rows < self.limit * (known if self.rule == "merge_below_fraction" else 1)


def columns_of(block: str, available: Sequence[str]) -> tuple[str, ...]:
    """The columns a block is made of: itself, or the parts of an intersection ``a+b``.

    Raises:
        ConfigError: a column is not available, or is named twice.
    """
    columns = (block,) if block in available else tuple(block.split("+"))
    for name in columns:
        if name not in available:
            raise ConfigError(unknown_name("column in data.groups", name, available))
    if len(set(columns)) < len(columns):
        raise ConfigError(f"The block '{block}' in data.groups names a column twice; name it once.")
    return columns


def block_names(groups: object) -> tuple[str, ...]:
    """Check a configured list of blocks.

    Raises:
        ConfigError: not a list of names, empty, or a name twice.
    """
    if (
        not isinstance(groups, list | tuple)
        or not groups
        or not all(isinstance(name, str) for name in groups)
    ):
        raise ConfigError(
            f"data.groups={as_typed(groups)} is not a list of group blocks; accepted: at least one "
            "column or intersection, as in data.groups=[sex,sex+race]."
        )
    if len(set(groups)) < len(groups):
        raise ConfigError(f"data.groups={as_typed(groups)} names a block twice; name each once.")
    return tuple(groups)
