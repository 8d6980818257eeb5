"""What distillation changed for each group: the student beside its teacher and its control.

Names: ``fidelity`` is the share of rows on which student and teacher decide alike;
``kl_from_teacher`` the mean of KL(teacher || student) at T = 1 in nats; ``<rate>_change_from_<r>``
and ``<disparity>_change_from_<r>`` are student minus r, ``<disparity>_ratio_to_<r>`` student over r
(NaN where r's is 0), for r the teacher or the control. ``cev_from_<r>`` and ``sde_from_<r>`` are
`fairkd.evaluation.class_errors`. Intervals are paired: each bootstrap draw resamples rows, and all
three models are read on the same ones.

Of a model that stands beside the trio (a pruned student, a baseline) the student stands in the
control's place, and in its names: ``<rate>_change_from_student``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairkd.errors import DataError
from fairkd.evaluation.bootstrap import bootstrap
from fairkd.evaluation.class_errors import class_error_change
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.flips import Flips
from fairkd.evaluation.intervals import mean_interval
from fairkd.evaluation.measured import (
    BlockRecord,
    Column,
    Measured,
    Record,
    assemble,
    rate_columns,
)
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import recorded_rates, support, total
from fairkd.evaluation.reference import check_reference_groups, reference_of
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.truth import Truth

REFERENCES = ("teacher", "control")
_OVERALL_FIDELITY = "overall_fidelity"
_OVERALL = ("cev_from_", "sde_from_")


def transfer(
    student: Predictions,
    teacher: Predictions,
    control: Predictions,
    block: str,
    settings: EvaluationSettings,
    thresholds: Mapping[str, float] | None = None,
    *,
    against: str = REFERENCES[1],
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
        against: what the model in the control's place is called in the names.

    Returns:
        Metrics and intervals named as in `evaluate`, with the per-group table under the block's
        name and the `Flips` under ``<block>/flips``.

    Raises:
        DataError: the predictions are not of the same rows.
        ConfigError: ``evaluation.reference_group`` names a block or a cell that does not exist.
    """
    check_reference_groups(settings, student.blocks)
    references = dict(zip(REFERENCES, (REFERENCES[0], against), strict=True))
    models = {"student": student, "teacher": teacher, "control": control}
    _require_same_rows(models, block)
    at = thresholds or dict.fromkeys(models, settings.threshold)
    decisions = {name: model.predicted(at[name]) for name, model in models.items()}
    truth = student.truth
    rows = _JointCells.of(truth, block, decisions)
    counts = rows.of_models(rows.counts[None, None])[list(models).index("student"), 0, 0]
    reference = reference_of(truth.blocks[block], counts[:-1], settings)
    estimates = bootstrap(
        rows.counts[None].numpy(),
        lambda drawn: _changes(rows, drawn, reference, references),
        truth.row_draws(settings.draws, settings.seed),
        settings.confidence,
    )
    sizes = np.array([len(of_cell) for of_cell in truth.rows_of[block]])
    divergences = kl_divergences(teacher, student)
    columns = {
        "count": Column(sizes),
        "kl_from_teacher": _by_cell(divergences, truth, block, settings),
    }
    overall = {"kl_from_teacher": _mean(divergences, settings)}
    found: dict[str, Measured] = {}
    for name, (values, intervals) in estimates.items():
        measured = values[0], intervals.of(0)
        if values.ndim > 1:
            columns |= rate_columns(name, *measured, student.classes)
        else:
            value = Measured(float(measured[0]), measured[1].at(()))
            if name == _OVERALL_FIDELITY:
                overall["fidelity"] = value
            else:
                (overall if name.startswith(_OVERALL) else found)[name] = value
    record = Record(overall, {block: BlockRecord(truth.blocks[block].cells, columns, found)})
    missing = {block: truth.n_rows - int(sizes.sum())}
    flipped_from = {called: decisions[name] for name, called in references.items()}
    flips = Flips.of(truth, block, decisions["student"], flipped_from)
    return assemble(record, missing, {block: flips})


def kl_divergences(teacher: Predictions, student: Predictions) -> NDArray[np.float64]:
    """KL(teacher || student) of each row at T = 1, in nats, shape ``[N]``.

    A student's probability that underflowed to 0 is read as the smallest positive normal float. One
    that is 0 by decision is no underflow: the row's divergence has no finite value, and is NaN.
    """
    p = teacher.probabilities
    given = student.probabilities
    if student.decisions is not None:
        given = np.where((given == 0) & (p > 0), np.nan, given)
    q = given.clip(min=np.finfo(np.float64).tiny)
    logarithm = np.log(np.where(p > 0, p, 1.0)) - np.log(q)
    divergences: NDArray[np.float64] = (p * logarithm).sum(-1)
    return divergences


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
        cls, truth: Truth, block: str, decisions: Mapping[str, NDArray[np.int64]]
    ) -> "_JointCells":
        n_classes = len(truth.classes)
        place = truth.kinds[block]
        for decided in decisions.values():
            place = place * n_classes + decided
        occurring, counts = np.unique(place, return_counts=True)
        parts: dict[str, NDArray[np.int64]] = {}
        for name in reversed(list(decisions)):
            occurring, parts[name] = np.divmod(occurring, n_classes)
        group, true = np.divmod(occurring, n_classes)
        return cls(
            counts=torch.from_numpy(counts.astype(np.float64)),
            group=torch.from_numpy(group),
            true=torch.from_numpy(true),
            decided={name: torch.from_numpy(parts[name]) for name in decisions},
            n_groups=len(truth.blocks[block].cells) + 1,
            n_classes=n_classes,
        )

    def of_models(self, drawn: Tensor) -> Tensor:
        """Each model's counts, shape ``[M, K, d, G + 1, C, C]``, from joint ones ``[K, d, J]``."""
        kind = self.group * self.n_classes + self.true
        width = self.n_groups * self.n_classes**2
        summed = [
            self._summed(kind * self.n_classes + decided, drawn, width)
            for decided in self.decided.values()
        ]
        counts = torch.stack(summed).movedim(-2, -1)
        return counts.reshape(*counts.shape[:-1], self.n_groups, self.n_classes, self.n_classes)

    def alike(self, drawn: Tensor) -> Tensor:
        """Rows of each group on which student and teacher agree, shape ``[K, d, G + 1]``."""
        agree = self.decided["student"] == self.decided["teacher"]
        return self._summed(self.group, drawn * agree, self.n_groups).movedim(-2, -1)

    def _summed(self, place: Tensor, drawn: Tensor, width: int) -> Tensor:
        """Sums of joint counts by place, shape ``[K, width, d]``."""
        tables = drawn.movedim(-1, -2)
        empty = tables.new_zeros(len(tables), width, tables.shape[-1])
        return empty.index_add_(1, place, tables)


def _changes(
    rows: _JointCells, drawn: Tensor, reference: int, references: Mapping[str, str]
) -> dict[str, Tensor]:
    models = rows.of_models(drawn)
    rates = recorded_rates(models[..., :-1, :, :])
    gaps = disparities(rates, reference)
    place = {name: m for m, name in enumerate(rows.decided)}
    student = place["student"]
    totals = support(models[student])
    alike = rows.alike(drawn)
    found = {
        _OVERALL_FIDELITY: total(alike, -1) / total(totals, -1),
        "fidelity": (alike / totals)[..., :-1],
    }
    everyone = total(models, -3)
    for model, other in references.items():
        for name, values in rates.items():
            found[f"{name}_change_from_{other}"] = values[student] - values[place[model]]
        for name, value in gaps.items():
            base = value[place[model]]
            found[f"{name}_change_from_{other}"] = value[student] - base
            found[f"{name}_ratio_to_{other}"] = torch.where(
                base == 0, torch.nan, value[student] / base
            )
        change = class_error_change(everyone[student], everyone[place[model]])
        found[f"cev_from_{other}"] = change.combined_error_variance
        found[f"sde_from_{other}"] = change.symmetric_distance_error
    return found


def _by_cell(
    values: NDArray[np.float64], truth: Truth, block: str, settings: EvaluationSettings
) -> Column:
    means = [_mean(values[rows], settings) for rows in truth.rows_of[block]]
    return Column(np.array([mean.value for mean in means]), [mean.interval for mean in means])


def _mean(values: NDArray[np.float64], settings: EvaluationSettings) -> Measured:
    interval = mean_interval(values, settings.confidence)
    return Measured(float(values.mean()) if values.size else float("nan"), interval)


def _require_same_rows(models: Mapping[str, Predictions], block: str) -> None:
    student = models["student"]
    for name, model in models.items():
        same = model.truth is student.truth or (
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
