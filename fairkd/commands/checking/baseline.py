"""Refuse a baseline that cannot work, or a knob of one that was not chosen."""

from collections.abc import Iterable

from fairkd import checks
from fairkd.baselines.names import STATISTICS
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError, unknown_name


def check_baseline(baseline: Section, blocks: Iterable[str]) -> None:
    """Check the section ``baseline`` against the data's group blocks."""
    if baseline.get("_target_") is None:
        for knob, value in baseline.items():
            if value is not None:
                raise ConfigError(
                    f"baseline.{knob}={checks.as_typed(value)} has no effect with baseline=none; "
                    "choose a baseline, or leave the key out."
                )
        return
    if str(baseline["_target_"]).startswith("fairkd."):
        checks.choice("baseline.statistic", baseline["statistic"], STATISTICS)
    if baseline["threshold"] is not None:
        checks.number("baseline.threshold", baseline["threshold"], least=0.0, most=1.0)
    if "seed" in baseline:
        checks.whole("baseline.seed", baseline["seed"], most=checks.LARGEST_SEED)
    if baseline["by"] is not None and baseline["by"] not in blocks:
        sentence = unknown_name("group block in baseline.by", baseline["by"], blocks)
        raise ConfigError(f"{sentence} The data's blocks are set by data.groups.")
