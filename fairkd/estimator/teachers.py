"""What may teach: a model to be trained, or one of the user's own that only answers.

A teacher of the user's own is asked about X as it was given to `fit`, for that is what it knows. A
teacher that is trained here learns the prepared features, as the student does.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.errors import ConfigError, first_line
from fairkd.estimator.given import Given, Labels, class_names
from fairkd.estimator.known_logits import known_logits
from fairkd.estimator.networks import Maker, teacher_maker
from fairkd.estimator.prepared import Prepared, unlabelled
from fairkd.models.answers import Answers
from fairkd.models.given.outputs import check_rows, logits_of, sums_to_one
from fairkd.training.inference import outputs_on


class Teacher(ABC):
    """A teacher that can answer.

    Attributes:
        given: what the user knows of it: a classifier, a module, or ``None`` for probabilities.
    """

    given: Any

    @abstractmethod
    def logits(self, rows: Given, features: Batch) -> Tensor:
        """Its answers, shape ``[N, C]``, float32.

        Args:
            rows: as they were given.
            features: the same rows, prepared.

        Raises:
            ConfigError: it cannot answer for these rows.
        """

    def module(self, rows: Given, made: Prepared) -> nn.Module:
        """The teacher as training meets it: what it says of every row.

        Args:
            rows: of `fit`.
            made: the same rows, prepared.
        """
        return _told(self.logits(rows, made.dataset.splits["train"]), made)


class TrainedTeacher(Teacher):
    """A network that was trained on the prepared features."""

    def __init__(self, network: nn.Module) -> None:
        self.given = network

    def logits(self, rows: Given, features: Batch) -> Tensor:  # noqa: ARG002
        """The network's."""
        return outputs_on(self.given, features).logits

    def module(self, rows: Given, made: Prepared) -> nn.Module:  # noqa: ARG002
        """The network itself."""
        network: nn.Module = self.given
        return network


class ModuleTeacher(Teacher):
    """A trained torch module of the user's, from X as float32 to one logit for each class."""

    def __init__(self, module: nn.Module, n_classes: int) -> None:
        self.given = module
        self._n_classes = n_classes

    def logits(self, rows: Given, features: Batch) -> Tensor:  # noqa: ARG002
        """The module's, without gradient, in evaluation mode."""
        x = _as_numbers(rows)
        try:
            found = outputs_on(self.given, unlabelled(x)).logits.double().numpy()
        except (RuntimeError, TypeError, ValueError) as error:
            problem = first_line(error)
            raise ConfigError(
                f"teacher is a {type(self.given).__name__} that does not take X as float32, shape "
                f"{list(x.shape)}: {problem}."
            ) from error
        logits = logits_of(found, "logits", self._n_classes, "what teacher gives")
        if sums_to_one(found).all():
            warnings.warn(
                f"Every row that teacher ({type(self.given).__name__}) gives sums to 1, as "
                "probabilities do, and its outputs are taken for logits; leave out a softmax at "
                "its end.",
                UserWarning,
                stacklevel=2,
            )
        return logits


class ClassifierTeacher(Teacher):
    """A fitted classifier with ``predict_proba`` and ``classes_``.

    Args:
        classifier: fitted.
        classes: those of y, ascending; those that it does not know get the least probability.

    Raises:
        ConfigError: it knows classes that y has not.
    """

    def __init__(self, classifier: Any, classes: Labels) -> None:
        self.given = classifier
        self._n_classes = len(classes)
        place = {label: column for column, label in enumerate(classes.tolist())}
        known = np.asarray(classifier.classes_).tolist()
        unknown = [label for label in known if label not in place]
        if unknown:
            raise ConfigError(
                f"teacher knows the class {unknown[0]!r}, which y does not have; it has: "
                f"{', '.join(map(repr, place))}."
            )
        self._columns = [place[label] for label in known]

    def logits(self, rows: Given, features: Batch) -> Tensor:  # noqa: ARG002
        """The logarithms of its probabilities."""
        everywhere = np.zeros((rows.size, self._n_classes))
        found = np.asarray(self.given.predict_proba(rows.x))
        check_rows(len(found), rows.size, "teacher")
        everywhere[:, self._columns] = found
        return logits_of(everywhere, "probabilities", self._n_classes, "what teacher gives")


class KnownTeacher(Teacher):
    """Probabilities of the rows of `fit`, from a teacher that is not here."""

    def __init__(self, probabilities: object, classes: Sequence[str]) -> None:
        self.given = None
        self._probabilities = probabilities
        self._classes = classes

    def logits(self, rows: Given, features: Batch) -> Tensor:  # noqa: ARG002
        """Nothing: these are other rows."""
        raise ConfigError(
            "teacher was given as probabilities of the rows of fit, which say nothing of other "
            "rows; pass teacher_probabilities, its probabilities of these."
        )

    def module(self, rows: Given, made: Prepared) -> nn.Module:
        """The logarithms of its probabilities."""
        given = known_logits("teacher", self._probabilities, rows, self._classes)
        return _told(given, made)


def is_classifier(given: object) -> bool:
    """Whether it can be asked for probabilities as scikit-learn's classifiers can."""
    return hasattr(given, "predict_proba") and not isinstance(given, type | nn.Module)


def is_fitted(classifier: Any) -> bool:
    """Whether a classifier is fitted already; one that has no ``fit`` is."""
    if not hasattr(classifier, "fit"):
        return True
    try:
        check_is_fitted(classifier)
    except NotFittedError:
        return False
    return True


def answers_already(given: object) -> bool:
    """Whether a teacher is used as it is: nothing of it has to be trained."""
    if is_classifier(given):
        return is_fitted(given)
    return isinstance(given, nn.Module) or _is_array(given)


def maker_of(given: object) -> Maker | None:
    """What makes a teacher that is to be trained; ``None`` for one of the user's own.

    Raises:
        ConfigError: nothing that can teach.
    """
    if is_classifier(given) or isinstance(given, nn.Module) or _is_array(given):
        return None
    if hasattr(given, "fit") and not isinstance(given, type):
        raise ConfigError(
            f"teacher is a {type(given).__name__}, which has no predict_proba; accepted: a "
            "classifier that gives probabilities (as with probability=True)."
        )
    return teacher_maker(given)


def own_teacher(
    given: Any, rows: Given, labels: Labels, classes: Labels, train: npt.NDArray[np.int64]
) -> Teacher:
    """A teacher of the user's own; a classifier that is not fitted learns the training rows.

    Args:
        given: a classifier, a module, or probabilities of the rows.
        rows: of `fit`.
        labels: each row's place among the classes.
        classes: ascending.
        train: the places of the training rows.

    Raises:
        ConfigError: it cannot be fitted.
    """
    if isinstance(given, nn.Module):
        return ModuleTeacher(given, len(classes))
    if not is_classifier(given):
        return KnownTeacher(given, class_names(classes))
    if is_fitted(given):
        return ClassifierTeacher(given, classes)
    classifier = clone(given)
    try:
        x = rows.x.iloc[train] if isinstance(rows.x, pd.DataFrame) else rows.x[train]
        classifier.fit(x, classes[labels[train]])
    except (TypeError, ValueError) as error:
        problem = first_line(error)
        raise ConfigError(
            f"teacher ({type(given).__name__}) cannot be fitted to X as it is: {problem}. Put what "
            "prepares X before it in a Pipeline, or name a teacher that fairkd prepares X for "
            "(teacher='gradient_boosting')."
        ) from error
    return ClassifierTeacher(classifier, classes)


def sharing_key(given: object) -> Hashable:
    """Equal for arguments that mean the same teacher or student."""
    return given if isinstance(given, str) else id(given)


def _is_array(given: object) -> bool:
    return isinstance(given, np.ndarray | pd.DataFrame | pd.Series | list | tuple | Tensor)


def _as_numbers(rows: Given) -> Tensor:
    try:
        return torch.from_numpy(np.array(rows.x, dtype=np.float32))
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"teacher is a torch module and X holds what is no number ({error}); accepted: X of "
            "numbers alone, or a teacher that takes such rows."
        ) from error


def _told(logits: Tensor, made: Prepared) -> Answers:
    answers = Answers(logits.shape[1])
    nobody = {"test": logits[:0]}
    answers.tell({split: logits[places] for split, places in made.places.items()} | nobody)
    return answers
