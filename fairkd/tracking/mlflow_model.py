"""A student as a model that MLflow serves: what lies beside its files among a run's artifacts.

The flavour is ``python_function`` with a loader module: MLflow imports `fairkd.serving.pyfunc`,
which reads safetensors, JSON and skops. Nothing is pickled.
"""

import json
import platform
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import ColSpec, Schema, TensorSpec

from fairkd import __version__
from fairkd.errors import TrackingError
from fairkd.serving.description import Description
from fairkd.serving.student import Rows

LOADER = "fairkd.serving.pyfunc"
REQUIREMENTS = "requirements.txt"
ENVIRONMENT = "python_env.yaml"
EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"
MODEL = "MLmodel"

_TYPES = {
    "integer": "long",
    "number": "double",
    "boolean": "boolean",
    "text": "string",
    "date": "double",
}
_NEEDED = ("mlflow", "torch", "safetensors", "numpy", "pandas", "scikit-learn", "skops")


def model_files(
    folder: str, run_id: str | None, description: Description, example: Rows
) -> dict[str, str]:
    """The texts by which MLflow knows the files of a folder as a model, by their names there.

    Args:
        folder: of the run's artifacts.
        run_id: the run's id; ``None`` of a model outside of any.
        description: of the student in that folder.
        example: one raw row or more, as the student takes them.
    """
    kind = (
        {"type": "dataframe", "pandas_orient": "split"}
        if isinstance(example, pd.DataFrame)
        else {"type": "ndarray"}
    )
    model = Model(
        artifact_path=folder,
        run_id=run_id,
        flavors={
            "python_function": {
                "loader_module": LOADER,
                "python_version": platform.python_version(),
                "env": {"virtualenv": ENVIRONMENT},
            }
        },
        signature=_signature(description),
        saved_input_example_info={
            "artifact_path": EXAMPLE,
            "serving_input_path": SERVING_EXAMPLE,
            **kind,
        },
    )
    return {
        MODEL: model.to_yaml(),
        REQUIREMENTS: _requirements(description.int8),
        ENVIRONMENT: _environment(),
        **_example(example),
    }


def kept_example(folder: Path) -> Rows | None:
    """The raw rows that `model_files` put beside a student's files; ``None`` where there are none.

    Raises:
        TrackingError: they are damaged.
    """
    file = folder / EXAMPLE
    if not file.is_file():
        return None
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        return pd.DataFrame(**plain) if isinstance(plain, dict) else np.asarray(plain)
    except (OSError, ValueError, TypeError) as error:
        raise TrackingError(
            f"The rows in {file} cannot be read ({error}); run the job again with force=student."
        ) from error


def model_probabilities(folder: Path, rows: Rows) -> npt.NDArray[np.float64]:
    """What MLflow makes of raw rows by the model in a folder, shape ``[N, C]``."""
    import mlflow.pyfunc

    with warnings.catch_warnings():
        # MLflow warns of its own type hints as soon as it loads a model.
        warnings.filterwarnings("ignore", ".*Any type hint is inferred", UserWarning)
        found: pd.DataFrame = mlflow.pyfunc.load_model(str(folder)).predict(rows)
    return found.to_numpy(dtype=np.float64)


def _signature(description: Description) -> ModelSignature:
    if description.columns:
        inputs = Schema([ColSpec(_TYPES[kind], name) for name, kind in description.columns])
    else:
        inputs = Schema([TensorSpec(np.dtype("float32"), (-1, *description.shape))])
    outputs = Schema([ColSpec("double", name) for name in description.classes])
    return ModelSignature(inputs, outputs)


def _example(rows: Rows) -> dict[str, str]:
    if isinstance(rows, pd.DataFrame):
        split: Mapping[str, Any] = json.loads(rows.to_json(orient="split", index=False))
        return {EXAMPLE: json.dumps(split), SERVING_EXAMPLE: json.dumps({"dataframe_split": split})}
    plain = rows.tolist()
    return {EXAMPLE: json.dumps(plain), SERVING_EXAMPLE: json.dumps({"inputs": plain})}


@lru_cache
def _requirements(int8: bool) -> str:
    """The running versions of what serving needs, one a line.

    fairkd is a comment: on an index that name may be somebody else's, whose code would then run.
    """
    needed = (*_NEEDED, *(("onnxruntime",) if int8 else ()))
    own = f"# and fairkd {__version__}, installed from its own source"
    return "\n".join([own, *_pinned(needed), ""])


@lru_cache
def _environment() -> str:
    lines = [f"python: {platform.python_version()}", "build_dependencies:"]
    lines += [f"- {one}" for one in _pinned(("pip", "setuptools", "wheel"))]
    return "\n".join([*lines, "dependencies:", f"- -r {REQUIREMENTS}", ""])


def _pinned(names: Sequence[str]) -> list[str]:
    return [f"{name}=={found}" for name in names if (found := _version(name)) is not None]


def _version(name: str) -> str | None:
    """As an index has it: ``2.13.0`` and not ``2.13.0+cpu``."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None
