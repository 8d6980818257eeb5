"""What a job is called, and which disparity it is compared by."""

from collections.abc import Mapping
from typing import Any

from fairkd.baselines.baseline import Baseline
from fairkd.data.blocks import Blocks
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.held import recorded_name
from fairkd.fairness.names import RECORDED_AS
from fairkd.record import Headline


def headline_of(
    plain: Mapping[str, Any],
    bounds: Mapping[str, Bound],
    baseline: Baseline | None,
    blocks: Blocks,
) -> Headline:
    """The disparity of the first constraint or of the baseline, or the first one's parity gap."""
    for bound in bounds.values():
        return Headline(recorded_name(bound.statistic, bound.disparity), bound.block.name)
    first: Mapping[str, Any] = next(iter(plain["constraint"]["terms"].values()), {})
    if not first and baseline is not None:
        recorded = RECORDED_AS.get(baseline.statistic, RECORDED_AS["selection_rate"])
        return Headline(recorded, blocks.named(baseline.by).name)
    statistic = "selection_rate" if first.get("given") is None else "equalized_odds"
    return Headline(RECORDED_AS[statistic], blocks.named(first.get("by")).name)


def name_of(plain: Mapping[str, Any], baseline: Baseline | None) -> str:
    """A readable name: the data, then what sweeps vary."""
    distillation, constraint = plain["distillation"], plain["constraint"]
    parts = [plain["data"].get("name", "data")]
    if distillation["temperature"] is not None:
        parts.append(f"T{distillation['temperature']:g}")
    parts += [name for name in distillation["terms"] if name != "soft_targets"]
    if distillation["init"] == "teacher":
        parts.append("init")
    if constraint["weight"] is not None:
        parts.append(f"w{constraint['weight']:g}")
    parts += plain["mitigation"]["terms"]
    if plain["mitigation"]["weight"] is not None:
        parts.append(f"m{plain['mitigation']['weight']:g}")
    parts += plain["augmentation"]
    parts += [term["by"] for term in constraint["terms"].values() if term.get("by")]
    for step in plain["compression"]["steps"]:
        share = plain["compression"]["sparsity"]
        parts.append(f"{step}{share:g}" if step == "pruned" and share is not None else step)
    if baseline is not None:
        bound = plain["baseline"].get("threshold")
        parts.append(baseline.rows[-1] + ("" if bound is None else f"{bound:g}"))
        parts += [baseline.by] if baseline.by is not None else []
    network = str(plain["student"].get("_target_"))
    if not network.startswith("fairkd."):
        parts.append(network.rpartition(".")[2])
    return "·".join([*dict.fromkeys(parts), f"s{plain['seed']}"])
