"""What a model is, or says, that is not trained here."""

from typing import Protocol

from torch import nn

from fairkd.data.dataset import Dataset


class Given(Protocol):
    """Where a model comes from that is not trained here."""

    @property
    def named_by(self) -> str:
        """The key that names it, within the model's section."""

    @property
    def source(self) -> str:
        """The same in words: a file's path."""

    def check(self, model: nn.Module, dataset: Dataset) -> None:
        """Refuse, before anything trains, what can be seen without much work.

        Args:
            model: as it is built; it may be changed.
            dataset: prepared splits.

        Raises:
            FairkdError: the source cannot be used.
        """

    def fill(self, model: nn.Module, dataset: Dataset) -> None:
        """Make the model what it is, in place.

        Args:
            model: as it is built.
            dataset: prepared splits.

        Raises:
            FairkdError: the source cannot be used.
        """
