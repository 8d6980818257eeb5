"""Distillation under a fairness constraint as a classifier of scikit-learn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from fairkd.estimator.constraints import GroupConstraint, plain
from fairkd.estimator.refusals import RefusedError, refusals

if TYPE_CHECKING:
    from fairkd.estimator.given import Given
    from fairkd.estimator.learning import Learned, Plan

Numbers = npt.NDArray[np.float64]


class FairDistiller(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""A small student that learns from a teacher, within bounds on what differs between groups.

    .. math:: (1 - \alpha) \mathrm{CE} + \alpha T^2 \mathrm{KL}(teacher \| student)
              + \text{constraints}

    `fit` trains the student and, for `report`, its control: the same network, rows and seed on
    labels alone. Columns of X may be numbers, texts, categories or truth values, with missing
    values; they are prepared as those of every table of fairkd.

    Args:
        teacher: ``mlp``, ``linear`` or ``gradient_boosting``, trained here on prepared features; a
            function from the number of features and of classes to a torch module, likewise; a
            classifier with ``predict_proba``, which gets X as it is: one that is fitted is used as
            it is, another is fitted to the training rows; a trained torch module from X as float32
            to logits; or the probabilities of the rows of X, shape ``[N, C]``.
        student: ``mlp``, ``linear``, or a function from the number of features and of classes to a
            torch module.
        temperature: softens both distributions; above 0.
        alpha: weight of the teacher, from 0 (labels alone) to 1.
        constraint: a `DemographicParity`, `EqualOpportunity`, `PredictiveEquality`,
            `EqualizedOdds` or `AccuracyParity`, or a list of them; ``None`` for no bound.
        validation_fraction: share of the rows that choose the best epoch.
        max_epochs: passes over the training rows.
        batch_size: rows of a step.
        learning_rate: of Adam.
        weight_decay: of Adam.
        patience: epochs without improvement before training stops; ``None`` never stops early.
        use_groups_as_features: keep columns of X that are sensitive features as well.
        accelerator: Lightning's: ``cpu``, ``gpu``, ``auto``, ...
        random_state: of the split and of all networks; the same whole number, the same student.

    Attributes:
        classes_: the labels, ascending; of two, the second is the positive one.
        teacher_: the fitted classifier or module; ``None`` where probabilities were given.
        student_: the student, a torch module on prepared features, in evaluation mode.
        control_: its control.
        preparation_: what prepares X for them.
        history_: the student's epochs, one a row.
        best_epoch_: the row of that table whose weights it has.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X had any.
    """

    def __init__(
        self,
        teacher: Any = "mlp",
        student: Any = "mlp",
        *,
        temperature: float = 4.0,
        alpha: float = 0.9,
        constraint: GroupConstraint | Sequence[GroupConstraint] | None = None,
        validation_fraction: float = 0.2,
        max_epochs: int = 20,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        patience: int | None = None,
        use_groups_as_features: bool = False,
        accelerator: str = "cpu",
        random_state: Any = 0,
    ) -> None:
        self.teacher = teacher
        self.student = student
        self.temperature = temperature
        self.alpha = alpha
        self.constraint = constraint
        self.validation_fraction = validation_fraction
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.use_groups_as_features = use_groups_as_features
        self.accelerator = accelerator
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, sensitive_features: Any = None) -> Self:
        """Train teacher (where it is not yet), control and student.

        Args:
            X: a DataFrame, or an array of numbers, shape ``[N, F]``.
            y: one label of each row.
            sensitive_features: of the same rows: a DataFrame, a Series, a mapping of names to
                columns, or an array; missing values are groups that are not known. Needed for a
                constraint.

        Raises:
            ValueError: rows or an argument that cannot work; the text says which, and what can.
        """
        self._fit([self], X, y, sensitive_features)
        return self

    def fit_many(
        self,
        X: Any,
        y: Any,
        *,
        settings: Sequence[Mapping[str, Any]],
        sensitive_features: Any = None,
    ) -> "list[FairDistiller]":
        """Fit a copy of this distiller for each of many settings, all at once.

        Students that differ in numbers alone (temperature, alpha, threshold, learning rate,
        random state, ...) train as one program, each to the bits that `fit` alone gives it; the
        others train one by one. Teachers and controls that settings share are trained once.

        Args:
            X: as in `fit`.
            y: as in `fit`.
            settings: parameters that replace this distiller's, by the names of `set_params`
                (``{"temperature": 1, "constraint__threshold": 0.02}``).
            sensitive_features: as in `fit`.

        Returns:
            One fitted distiller for each of the settings, in their order.

        Raises:
            ValueError: as in `fit`.
        """
        from fairkd.estimator.settings import copies

        distillers = copies(self, settings)
        self._fit(distillers, X, y, sensitive_features)
        return distillers

    def predict_proba(self, X: Any) -> Numbers:
        """The student's probabilities, shape ``[N, C]``, in the order of ``classes_``."""
        check_is_fitted(self)
        with refusals():
            return self._probabilities(self.student_, self._given(X))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most likely class of each row, shape ``[N]``."""
        places = self.predict_proba(X).argmax(axis=1)
        labels: npt.NDArray[Any] = np.asarray(self.classes_)[places]
        return labels

    def report(
        self,
        X: Any,
        y: Any,
        *,
        sensitive_features: Any = None,
        teacher_probabilities: Any = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Teacher, control and student on these rows, and what changed.

        The rows should be new to all three. Rates are of the most likely class; with two, of the
        second one.

        Args:
            X: as in `fit`.
            y: its labels.
            sensitive_features: as in `fit`; rows of a group that `fit` did not see are refused.
            teacher_probabilities: the teacher's for these rows, where it was given as such.
            confidence: of each interval by itself.

        Returns:
            Rows ``teacher``, ``control``, ``student``, ``student - teacher`` and
            ``student - control``; columns as `fairkd.estimator.report` names them.

        Raises:
            ValueError: rows that do not fit the fitted ones.
        """
        from fairkd.estimator.given import check_order, groups_given, places_among
        from fairkd.estimator.measuring import Trio, measured
        from fairkd.estimator.prepared import features_of

        check_is_fitted(self)
        trio = Trio(self._teacher, self.control_, self.student_)
        with refusals():
            given = self._given(X)
            check_order("y", y, given)
            check_order("sensitive_features", sensitive_features, given, y)
            return measured(
                trio,
                given,
                features_of(self.preparation_, self._table(given)),
                self.preparation_,
                labels=places_among(self.classes_, y),
                groups=groups_given(sensitive_features, given.size),
                bounds=self._bounds,
                confidence=plain(confidence),
                teacher_probabilities=teacher_probabilities,
            )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "student_")

    def __sklearn_clone__(self) -> "FairDistiller":
        """A copy with the same parameters: a fitted teacher stays fitted, as it is one of them."""
        from fairkd.estimator.teachers import answers_already

        copied: FairDistiller = super().__sklearn_clone__()
        if answers_already(self.teacher):
            copied.teacher = self.teacher
        return copied

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _given(self, X: Any) -> "Given":
        from fairkd.estimator.given import rows_given

        given = rows_given(self, X, fitting=False)
        # scikit-learn compares names that are texts alone.
        names = list(given.frame.columns)
        if isinstance(given.x, pd.DataFrame) and self._columns not in (None, names):
            raise RefusedError(
                f"X has the columns {', '.join(names)}, and fit was given "
                f"{', '.join(self._columns)}; pass the same ones in the same order."
            )
        return given

    def _probabilities(self, model: Any, given: "Given") -> Numbers:
        from fairkd.estimator.prepared import features_of
        from fairkd.training.inference import outputs_on
        from fairkd.training.randomness import threads

        rows = features_of(self.preparation_, self._table(given))
        with threads(1):
            found: Numbers = outputs_on(model, rows).logits.double().softmax(-1).numpy()
        return found

    def _table(self, given: "Given") -> pd.DataFrame:
        return given.frame.set_axis(list(self._layout.names), axis=1)

    @staticmethod
    def _fit(
        distillers: "Sequence[FairDistiller]", X: Any, y: Any, sensitive_features: Any
    ) -> None:
        from fairkd.estimator.fitting import fitted

        with refusals():
            found = fitted(distillers, X, y, sensitive_features)
        for distiller, (plan, learned) in zip(distillers, found, strict=True):
            distiller._take(plan, learned)

    def _take(self, plan: "Plan", learned: "Learned") -> None:
        self.classes_ = plan.classes
        self.teacher_ = learned.teacher.given
        self.student_ = learned.student.model
        self.control_ = learned.control.model
        self.preparation_ = plan.made.preparation
        self.history_ = pd.DataFrame(learned.student.fitted.history)
        self.best_epoch_ = learned.student.fitted.best_epoch
        self._bounds = tuple(plan.bounds().values())
        self._columns = (
            list(plan.rows.frame.columns) if isinstance(plan.rows.x, pd.DataFrame) else None
        )
        self._layout = plan.made.layout
        self._teacher = learned.teacher
