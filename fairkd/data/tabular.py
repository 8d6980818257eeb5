"""Raw rows to features, group memberships and labels, fitted on training rows only."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fairkd.data.blocks import Blocks
from fairkd.data.group_spec import RareGroups
from fairkd.data.groups import GroupEncoder
from fairkd.data.values import as_categories, as_codes, as_numbers, is_number, require_columns
from fairkd.errors import ConfigError, DataError

FORMAT = 1
STATE_FILE = "preparation.json"
FEATURES_FILE = "features.skops"
TRUSTED_TYPES = ("numpy.dtype",)  # everything else in the file is a type skops trusts by itself


@dataclass(frozen=True, eq=False)
class TabularPreparation:
    """What turns raw rows into tensors' content; `fit` makes one, `load` reads one back.

    A number is imputed with the training median and standardised, beside a 0/1 indicator where
    training rows lacked it. A category is one-hot, a missing one being a category of its own; a
    category that training rows did not have is all zeros.

    Attributes:
        label: the label's column.
        classes: the label's values, in order.
        numeric: the columns prepared as numbers.
        categorical: the columns prepared as categories.
        groups: the fitted group encoder.
        features: the fitted scikit-learn transformer.
    """

    label: str
    classes: tuple[str, ...]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    groups: GroupEncoder
    features: ColumnTransformer

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        *,
        label: str,
        classes: Sequence[str],
        features: Sequence[str],
        groups: Sequence[str],
        rare_groups: RareGroups | None = None,
        use_groups_as_features: bool = False,
    ) -> "TabularPreparation":
        """Learn medians, scales, categories and group cells from training rows.

        Args:
            frame: the training rows, raw, at least one.
            label: the label's column.
            classes: the label's values, in order.
            features: the columns a model may see.
            groups: the group blocks: columns, and intersections ``a+b``.
            rare_groups: what becomes of cells with few rows; by default they are kept.
            use_groups_as_features: keep the blocks' columns among the features.

        Raises:
            ConfigError: no column is left as a feature, or a group column is not there.
            DataError: an infinite number, or a block with fewer than two cells.
        """
        encoder = GroupEncoder.fit(frame, groups, rare_groups or RareGroups())
        hidden = () if use_groups_as_features else encoder.columns
        used = [name for name in features if name not in hidden]
        if not used:
            raise ConfigError(
                "No column is left as a feature once the columns of data.groups are taken out; "
                "name fewer groups, or set data.use_groups_as_features=true."
            )
        numeric = tuple(name for name in used if is_number(frame[name]))
        categorical = tuple(name for name in used if name not in numeric)
        transformer = _fitted(frame, numeric, categorical)
        return cls(label, tuple(classes), numeric, categorical, encoder, transformer)

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Features, shape ``[N, D]``, of raw rows, one or more or none.

        Raises:
            DataError: a column is missing, or a number is not one or is infinite.
        """
        clean = _clean(frame, self.numeric, self.categorical)
        if clean.empty:
            return np.zeros((0, len(self.feature_names)), dtype=np.float32)
        prepared: npt.NDArray[np.float32] = self.features.transform(clean).astype(np.float32)
        return prepared

    def encode_groups(self, frame: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Group memberships, shape ``[N, sum G]``; see `GroupEncoder.encode`."""
        return self.groups.encode(frame)

    def encode_labels(self, frame: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Class indices, shape ``[N]``.

        Raises:
            DataError: the label column is missing, or holds something that is not a class.
        """
        require_columns(frame, [self.label])
        place = {name: i for i, name in enumerate(self.classes)}
        codes, labels = as_codes(frame[self.label])
        classes = np.array([*(place.get(label, -1) for label in labels), -1], dtype=np.int64)
        found: npt.NDArray[np.int64] = classes[codes]
        if (found < 0).any():
            row = int((found < 0).argmax())
            label = labels[codes[row]] if codes[row] >= 0 else None
            raise DataError(
                f"The label column '{self.label}' holds '{label}'; accepted: "
                f"{', '.join(self.classes)}."
            )
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that `transform` needs."""
        return (*self.numeric, *self.categorical)

    @property
    def blocks(self) -> Blocks:
        """The group blocks' names, cells and columns."""
        return self.groups.blocks

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each of the D features: ``age``, ``age missing``, ``workclass=Private``."""
        names = list(self.numeric)
        fitted = self.features.named_transformers_
        if self.numeric:
            names += [f"{self.numeric[i]} missing" for i in fitted["missing"].features_]
        if self.categorical:
            names += [
                f"{column}={value}"
                for column, values in zip(
                    self.categorical, fitted["categories"].categories_, strict=True
                )
                for value in values
            ]
        return tuple(names)

    def save(self, folder: Path) -> None:
        """Write the preparation into a folder, as JSON and a skops file (no pickle)."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (folder / name).write_bytes(content)

    @cached_property
    def _files(self) -> dict[str, bytes]:
        """What `save` writes; made once for all jobs of a data set."""
        import skops.io  # loads all of scikit-learn, half a second

        state = {
            "format": FORMAT,
            "label": self.label,
            "classes": list(self.classes),
            "numeric": list(self.numeric),
            "categorical": list(self.categorical),
            "groups": self.groups.to_json(),
        }
        return {
            STATE_FILE: json.dumps(state, indent=2).encode(),
            FEATURES_FILE: skops.io.dumps(self.features),
        }

    @classmethod
    def load(cls, folder: Path) -> "TabularPreparation":
        """Read what `save` wrote; the loaded preparation gives the same bits.

        Raises:
            DataError: a file is missing or damaged, or holds a type that is not trusted.
        """
        try:
            state: dict[str, Any] = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
            if state["format"] != FORMAT:
                raise ValueError(f"format {state['format']}, not {FORMAT}")
            return cls(
                label=state["label"],
                classes=tuple(state["classes"]),
                numeric=tuple(state["numeric"]),
                categorical=tuple(state["categorical"]),
                groups=GroupEncoder.from_json(state["groups"]),
                features=_load_trusted(folder / FEATURES_FILE),
            )
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise DataError(
                f"The data preparation in {folder} cannot be read ({type(error).__name__}: "
                f"{error}); save it again from the job that made it."
            ) from error


def _load_trusted(path: Path) -> ColumnTransformer:
    import skops.io

    foreign = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
    if foreign:
        raise DataError(
            f"{path} holds types that fairkd never writes ({', '.join(foreign)}) and is not "
            "opened; save the data preparation again from the job that made it."
        )
    return skops.io.load(path, trusted=list(TRUSTED_TYPES))


def _transformer(numeric: Sequence[str], categorical: Sequence[str]) -> ColumnTransformer:
    steps: list[tuple[str, Any, list[str]]] = []
    if numeric:
        # An all-missing column stays (as zeros) rather than vanish with a warning.
        impute = SimpleImputer(strategy="median", keep_empty_features=True)
        steps.append(("numbers", make_pipeline(impute, StandardScaler()), list(numeric)))
        steps.append(("missing", MissingIndicator(error_on_new=False), list(numeric)))
    if categorical:
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        steps.append(("categories", one_hot, list(categorical)))
    return ColumnTransformer(steps, sparse_threshold=0)


def _fitted(
    frame: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> ColumnTransformer:
    """`_transformer` fitted to all rows.

    A `ColumnTransformer` transforms all that it is fitted to. Categories and indicators, though,
    are known from the first row of each, and the numbers' part can be fitted by itself.
    """
    numbers = _numbers(frame, numeric)
    lacking = numbers.isna().to_numpy()
    first = {int(column.argmax()) for column in lacking.T if column.any()}
    for name in categorical:
        codes, _ = as_codes(frame[name])
        first.update(np.flatnonzero(~pd.Series(codes).duplicated()).tolist())
    few = frame.iloc[sorted(first | {0})]
    transformer = _transformer(numeric, categorical).fit(_clean(few, numeric, categorical))
    if numeric:
        transformer.named_transformers_["numbers"].fit(numbers)
    return transformer


def _numbers(frame: pd.DataFrame, numeric: Sequence[str]) -> pd.DataFrame:
    """Columns as float64 with NaN, in one piece of memory."""
    values = np.empty((len(frame), len(numeric)), order="F")
    for place, name in enumerate(numeric):
        values[:, place] = as_numbers(frame[name])
    return pd.DataFrame(values, columns=list(numeric), copy=False)


def _clean(frame: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """The columns used: float64 with NaN, or text with a word for missing."""
    require_columns(frame, [*numeric, *categorical])
    texts = {name: as_categories(frame[name]) for name in categorical}
    return _numbers(frame, numeric).assign(**texts)
