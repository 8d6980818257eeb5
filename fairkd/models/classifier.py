"""A scikit-learn classifier as a teacher: fitted at once, and from then on a module like others."""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError, first_line
from fairkd.models.probabilities import LEAST
from fairkd.models.skops_file import read_estimator


class Classifier(nn.Module):
    """Log-probabilities of a scikit-learn classifier, as logits.

    It is fitted in one call instead of trained by steps, has no gradient and no named features: it
    can teach by its outputs, and cannot be a student. Before it is fitted all classes are alike to
    it. Its state is the fitted classifier as skops writes it, so that a store of tensors holds it
    and no pickle is ever read.

    Args:
        estimator: any classifier of scikit-learn with ``predict_proba``, not fitted; copied.
        in_features: width of ``x`` once flattened.
        n_classes: C; classes that no training row has get the least probability, one in a million.

    Raises:
        ConfigError: the estimator gives no probabilities.
    """

    fitted: Tensor

    def __init__(self, estimator: Any, in_features: int, n_classes: int) -> None:  # noqa: ARG002
        super().__init__()
        if not hasattr(estimator, "fit") or not hasattr(estimator, "predict_proba"):
            raise ConfigError(
                f"{type(estimator).__name__} cannot teach: it has no predict_proba; accepted: a "
                "scikit-learn classifier that gives probabilities (as with probability=True)."
            )
        self.feature_names: tuple[str, ...] = ()
        self._blank = estimator
        self._n_classes = n_classes
        self._estimator: Any = None
        self.register_buffer("fitted", torch.empty(0, dtype=torch.uint8))

    def fit_rows(self, x: Tensor, y: Tensor, weight: Tensor) -> None:
        """Fit the classifier anew.

        Args:
            x: shape ``[N, ...]``.
            y: class indices, shape ``[N]``, or soft labels, whose likeliest class counts.
            weight: row weights, shape ``[N]``; given to classifiers where they are not all 1.

        Raises:
            ConfigError: the classifier refuses the data, or row weights; or it holds types that are
                not scikit-learn's own.
        """
        import skops.io

        estimator = copy.deepcopy(self._blank)
        labels = y if y.dim() == 1 else y.argmax(-1)
        weights = {} if bool((weight == 1).all()) else {"sample_weight": weight.numpy()}
        try:
            estimator.fit(x.flatten(1).numpy(), labels.numpy(), **weights)
        except (TypeError, ValueError) as error:
            problem = first_line(error)
            raise ConfigError(f"{type(estimator).__name__} cannot be fitted: {problem}.") from error
        content = skops.io.dumps(estimator)
        self._estimator = _read(content)  # what could not be read again is not kept
        self.fitted = torch.from_numpy(np.frombuffer(content, dtype=np.uint8).copy())

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities, shape ``[B, C]``, on the device of ``x``; without gradient."""
        if self._estimator is None:
            return x.new_zeros(len(x), self._n_classes)
        found = self._estimator.predict_proba(x.detach().flatten(1).cpu().numpy())
        probabilities = np.full((len(x), self._n_classes), 0.0)
        probabilities[:, self._estimator.classes_.astype(int)] = found
        logits = torch.from_numpy(np.log(probabilities.clip(min=LEAST)))
        return logits.to(x.device, x.dtype)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any, **keywords: Any
    ) -> None:
        """Take a fitted classifier of any size.

        Raises:
            ConfigError: it is of types that are not scikit-learn's.
        """
        given = state_dict.get(f"{prefix}fitted")
        if given is not None:
            self.fitted = torch.empty_like(given)
            self._estimator = _read(given.cpu().numpy().tobytes())
        super()._load_from_state_dict(state_dict, prefix, *arguments, **keywords)


def _read(content: bytes) -> Any:
    return read_estimator(content, "A classifier", "use one of scikit-learn") if content else None
