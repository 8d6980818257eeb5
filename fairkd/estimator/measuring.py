"""A fitted trio on further rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.utils.validation import check_consistent_length
from torch import nn

from fairkd.data.batch import Batch
from fairkd.data.group_spec import RareGroups
from fairkd.data.groups import GroupEncoder
from fairkd.data.tabular import TabularPreparation
from fairkd.estimator.given import Given
from fairkd.estimator.known_logits import known_logits
from fairkd.estimator.refusals import RefusedError
from fairkd.estimator.report import report
from fairkd.estimator.teachers import Teacher
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.truth import Truth
from fairkd.training.inference import outputs_on
from fairkd.training.randomness import threads


class Trio(NamedTuple):
    """The models that are compared."""

    teacher: Teacher
    control: nn.Module
    student: nn.Module


def measured(
    trio: Trio,
    given: Given,
    features: Batch,
    preparation: TabularPreparation,
    *,
    labels: npt.NDArray[np.int64],
    groups: pd.DataFrame,
    bounds: Sequence[Bound],
    confidence: float,
    teacher_probabilities: object = None,
) -> pd.DataFrame:
    """The report of rows; see `fairkd.estimator.report`.

    Args:
        trio: fitted.
        given: the rows as they were given.
        features: the same, prepared.
        preparation: of the fitted rows.
        labels: each row's place among the classes.
        groups: their sensitive features. Where `fit` had none, these rows say which groups there
            are.
        bounds: what the student was to keep.
        confidence: of each interval.
        teacher_probabilities: the teacher's for these rows; ``None`` asks it.

    Raises:
        DataError: a group that was not among the fitted rows.
        ConfigError: a teacher that cannot answer for these rows, or another value that cannot work.
    """
    check_consistent_length(given.frame, labels)
    encoder = _encoder(groups, preparation)
    encoded = torch.from_numpy(encoder.encode(groups))
    rows = features._replace(y=torch.from_numpy(labels), group=encoded)
    if teacher_probabilities is None:
        teacher = trio.teacher.logits(given, features)
    else:
        teacher = known_logits(
            "teacher_probabilities",
            teacher_probabilities,
            given,
            preparation.classes,
        )
    with threads(1):
        logits = {
            "teacher": teacher,
            "control": outputs_on(trio.control, features).logits,
            "student": outputs_on(trio.student, features).logits,
        }
        truth = Truth.of(rows, encoder.blocks, preparation.classes)
        return report(logits, rows, truth, bounds, EvaluationSettings(confidence=confidence))


def _encoder(groups: pd.DataFrame, preparation: TabularPreparation) -> GroupEncoder:
    encoder = preparation.groups
    if not len(encoder.blocks):
        names = [str(name) for name in groups.columns]
        return GroupEncoder.fit(groups, names, RareGroups())
    lacking = [name for name in encoder.columns if name not in groups]
    if lacking:
        raise RefusedError(
            f"sensitive_features lacks {', '.join(lacking)}, which fit was given; pass "
            "sensitive_features with the same columns."
        )
    return encoder
