"""What MLflow loads to serve a student: it imports this module by its name, and unpickles nothing.

See https://mlflow.org/docs/latest/python_api/mlflow.pyfunc.html, "loader_module".
"""

from pathlib import Path
from typing import Any

import pandas as pd

from fairkd.serving.student import Rows, Student


class Served:
    """A student with the method that MLflow calls.

    Args:
        student: gives the probabilities.
    """

    def __init__(self, student: Student) -> None:
        self._student = student

    def predict(self, rows: Rows, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """The probabilities of `Student.probabilities`; there are no parameters."""
        return self._student.probabilities(rows)


def _load_pyfunc(path: str) -> Served:
    return Served(Student.load(Path(path)))
