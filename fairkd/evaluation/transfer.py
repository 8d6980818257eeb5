"""What distillation changed for each group: the student beside its teacher and its control.

Names: ``fidelity`` is the share of rows on which student and teacher decide alike;
``kl_from_teacher`` the mean of KL(teacher || student) at T = 1 in nats; ``<rate>_change_from_<r>``
and ``<disparity>_change_from_<r>`` are student minus r, ``<disparity>_ratio_to_<r>`` student over r
(NaN where r's is 0), for r the teacher or the control. ``cev_from_<r>`` and ``sde_from_<r>`` are
`fairkd.evaluation.class_errors`. Intervals are paired: each bootstrap draw resamples rows, and all
three models are read on the same ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairkd.data.blocks import Block
from fairkd.errors import DataError
from fairkd.evaluation.class_errors import class_error_change
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.intervals import bootstrap, mean_interval
from fairkd.evaluation.measured import BlockRecord, Column, Measured, assemble, rate_columns
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import recorded_rates
from fairkd.evaluation.reference import check_reference_groups, reference_of
from fairkd.evaluation.settings import EvaluationSettings

REFERENCES = ("teacher", "control")
_OVERALL = {
    "overall_fidelity": "fidelity",
    **{name: name for r in REFERENCES for name in (f"cev_from_{r}", f"sde_from_{r}")},
}


def transfer(
    student: Predictions,
    teacher: Predictions,
    control: Predictions,
    block: str,
    settings: EvaluationSettings,
    thresholds: Mapping[str, float] | None = None,
) -> Evaluation:
    """Everything that changed from teacher and from control to student, for one block.

    Args:
        student: predictions of the student.
        teacher: of its teacher, on the same rows.
        control: of its control, on the same rows.
        block: the block to group by.
        settings: the choices behind the numbers.
        thresholds: the decision thresholds of ``student``, ``teacher`` and ``control`` if they
            differ (`fairkd.evaluation.thresholds`); ``settings.threshold`` for all if not given.

    Returns:
        Metrics and intervals named as in `evaluate`, with the per-group table under the block's
        name and the `flips` under ``<block>/flips``.

    Raises:
        DataError: the predictions are not of the same rows.
        ConfigError: ``evaluation.reference_group`` names a block or a cell that does not exist.
    """
    check_reference_groups(settings, student.blocks)
    models = {"student": student, "teacher": teacher, "control": control}
    _require_same_rows(models, block)
    at = thresholds or dict.fromkeys(models, settings.threshold)
    decisions = {name: model.predicted(at[name]) for name, model in models.items()}
    rows = _JointCells.of(student, student.blocks[block], decisions)
    counts = {name: rows.of_model(name, rows.counts[None])[0] for name in models}
    reference = reference_of(student.blocks[block], counts["student"][:-1], settings)
    point = _changes(rows, rows.counts[None], reference)
    replicated = bootstrap(
        rows.counts.numpy(),
        lambda drawn: _changes(rows, drawn, reference),
        settings.draws,
        settings.confidence,
        np.random.default_rng(settings.seed),
    )
    cell = student.memberships[block]
    cells = student.blocks[block].cells
    columns = {"count": Column(np.bincount(cell[cell >= 0], minlength=len(cells)))}
    columns["kl_from_teacher"] = _kl_column(student, teacher, block, settings)
    overall = {"kl_from_teacher": _mean(kl_divergences(teacher, student), settings)}
    found = {}
    for name, values in point.items():
        if name in _OVERALL:
            overall[_OVERALL[name]] = Measured(float(values[0]), replicated[name].at(()))
        elif values.ndim == 1:
            found[name] = Measured(float(values[0]), replicated[name].at(()))
        else:
            columns |= rate_columns(name, values[0], replicated[name], student.classes)
    record = BlockRecord(cells, columns, found, int((cell < 0).sum()))
    evaluation = assemble(overall, {block: record})
    table = flips(student, decisions, block)
    return replace(evaluation, tables={**evaluation.tables, f"{block}/flips": table})


def kl_divergences(teacher: Predictions, student: Predictions) -> NDArray[np.float64]:
    """KL(teacher || student) of each row at T = 1, in nats, shape ``[N]``.

    A student's probability that underflowed to 0 is read as the smallest positive normal float.
    """
    p = teacher.probabilities
    q = student.probabilities.clip(min=np.finfo(np.float64).tiny)
    logarithm = np.log(np.where(p > 0, p, 1.0)) - np.log(q)
    divergences: NDArray[np.float64] = (p * logarithm).sum(-1)
    return divergences


def flips(
    student: Predictions, decisions: Mapping[str, NDArray[np.int64]], block: str
) -> pd.DataFrame:
    """Rows on which the student is right and a reference wrong, or the reverse.

    Args:
        student: for labels and groups.
        decisions: of ``student``, ``teacher`` and ``control``, shape ``[N]`` each.
        block: the block to group by.

    Returns:
        One row for each label and cell: ``label``, ``group``, ``count``, and for each reference the
        count and the share of ``harmful_flips_from_<r>`` (r right, student wrong) and
        ``beneficial_flips_from_<r>`` (the reverse); shares of no rows are NaN.
    """
    right = {name: decided == student.y for name, decided in decisions.items()}
    flipped = {}
    for name in REFERENCES:
        flipped[f"harmful_flips_from_{name}"] = right[name] & ~right["student"]
        flipped[f"beneficial_flips_from_{name}"] = ~right[name] & right["student"]
    lines: list[dict[str, object]] = []
    for k, label in enumerate(student.classes):
        for g, cell in enumerate(student.blocks[block].cells):
            rows = (student.y == k) & (student.memberships[block] == g)
            n = int(rows.sum())
            line: dict[str, object] = {"label": label, "group": cell, "count": n}
            for name, where in flipped.items():
                count = int((rows & where).sum())
                line[name] = count
                line[f"{name}_share"] = count / n if n else float("nan")
            lines.append(line)
    names = pd.Index(
        [f"{line['label']}, {line['group']}" for line in lines], name="label, group", dtype="str"
    )
    return pd.DataFrame(lines, index=names).astype({"label": "str", "group": "str"})


@dataclass(frozen=True, eq=False)
class _JointCells:
    """The combinations of group, label and all decisions that occur, with their counts.

    Rows whose group is missing form one more group at the end, for the numbers over all rows.
    """

    counts: Tensor
    group: Tensor
    true: Tensor
    decided: dict[str, Tensor]
    n_groups: int
    n_classes: int

    @classmethod
    def of(
        cls, student: Predictions, block: Block, decisions: Mapping[str, NDArray[np.int64]]
    ) -> "_JointCells":
        n_groups = len(block.cells) + 1
        group = student.memberships[block.name] % n_groups  # -1 becomes the last
        combinations, counts = np.unique(
            np.stack([group, student.y, *decisions.values()]), axis=1, return_counts=True
        )
        parts = torch.from_numpy(combinations)
        return cls(
            counts=torch.from_numpy(counts.astype(np.float64)),
            group=parts[0],
            true=parts[1],
            decided=dict(zip(decisions, parts[2:], strict=True)),
            n_groups=n_groups,
            n_classes=len(student.classes),
        )

    def of_model(self, name: str, drawn: Tensor) -> Tensor:
        """One model's counts, shape ``[d, G + 1, C, C]``, from joint counts ``[d, J]``."""
        place = (self.group * self.n_classes + self.true) * self.n_classes + self.decided[name]
        return self._summed(place, drawn, self.n_groups * self.n_classes**2).reshape(
            -1, self.n_groups, self.n_classes, self.n_classes
        )

    def alike(self, drawn: Tensor) -> Tensor:
        """Rows of each group on which student and teacher agree, shape ``[d, G + 1]``."""
        agree = self.decided["student"] == self.decided["teacher"]
        return self._summed(self.group, drawn * agree, self.n_groups)

    def _summed(self, place: Tensor, drawn: Tensor, width: int) -> Tensor:
        return drawn.new_zeros(len(drawn), width).index_add_(1, place, drawn)


def _changes(rows: _JointCells, drawn: Tensor, reference: int) -> dict[str, Tensor]:
    counts = {name: rows.of_model(name, drawn) for name in rows.decided}
    rates = {name: recorded_rates(n[:, :-1]) for name, n in counts.items()}
    gaps = {name: disparities(values, reference) for name, values in rates.items()}
    totals = counts["student"].sum((-1, -2))
    alike = rows.alike(drawn)
    found = {
        "overall_fidelity": alike.sum(-1) / totals.sum(-1),
        "fidelity": (alike / totals)[:, :-1],
    }
    for other in REFERENCES:
        for name, values in rates["student"].items():
            found[f"{name}_change_from_{other}"] = values - rates[other][name]
        for name, value in gaps["student"].items():
            base = gaps[other][name]
            found[f"{name}_change_from_{other}"] = value - base
            found[f"{name}_ratio_to_{other}"] = torch.where(base == 0, torch.nan, value / base)
        change = class_error_change(counts["student"].sum(1), counts[other].sum(1))
        found[f"cev_from_{other}"] = change.combined_error_variance
        found[f"sde_from_{other}"] = change.symmetric_distance_error
    return found


def _kl_column(
    student: Predictions, teacher: Predictions, block: str, settings: EvaluationSettings
) -> Column:
    divergences = kl_divergences(teacher, student)
    cell = student.memberships[block]
    by_cell = [
        _mean(divergences[cell == g], settings) for g in range(len(student.blocks[block].cells))
    ]
    return Column(
        np.array([measured.value for measured in by_cell]),
        [measured.interval for measured in by_cell],
    )


def _mean(values: NDArray[np.float64], settings: EvaluationSettings) -> Measured:
    interval = mean_interval(values, settings.confidence)
    return Measured(float(values.mean()) if values.size else float("nan"), interval)


def _require_same_rows(models: Mapping[str, Predictions], block: str) -> None:
    student = models["student"]
    for name, model in models.items():
        same = (
            model.classes == student.classes
            and model.blocks[block].cells == student.blocks[block].cells
            and np.array_equal(model.y, student.y)
            and np.array_equal(model.memberships[block], student.memberships[block])
        )
        if not same:
            raise DataError(
                f"The {name}'s predictions are not of the student's rows (labels or groups "
                "differ); predict the same split, in the same order, with every model."
            )
