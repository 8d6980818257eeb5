"""Groups guessed from features: the probabilities of a model fitted where they are known."""

import logging
import warnings

import numpy as np
import numpy.typing as npt

log = logging.getLogger(__name__)

_MAX_ITERATIONS = 1000


def guessed(
    x: npt.NDArray[np.float32], cells: npt.NDArray[np.int64], n_cells: int
) -> npt.NDArray[np.float32]:
    """A logistic regression's probabilities for the rows of unknown cell.

    It has scikit-learn's default penalty (C = 1), draws nothing at random and starts from zero: the
    same rows give the same bits.

    Args:
        x: prepared features of all rows, shape ``[N, D]``.
        cells: shape ``[N]``; -1 where unknown; at least two different ones are known.
        n_cells: G; a cell that no known row is in has probability 0.

    Returns:
        Shape ``[U, G]`` for the U unknown rows, in order; each row sums to 1.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    unknown = cells < 0
    found = np.zeros((int(unknown.sum()), n_cells), dtype=np.float32)
    if not unknown.any():
        return found
    model = LogisticRegression(max_iter=_MAX_ITERATIONS)
    # The order of additions depends on the number of threads.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x[~unknown].astype(np.float64), cells[~unknown])
        found[:, model.classes_] = model.predict_proba(x[unknown].astype(np.float64))
    if int(model.n_iter_.max()) >= _MAX_ITERATIONS:
        log.warning(
            "The proxy of the groups did not settle in %d iterations, so its probabilities are "
            "rough.",
            _MAX_ITERATIONS,
        )
    return found
