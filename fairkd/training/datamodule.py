"""A data set's splits for Lightning: on the device once, then sliced."""

import pytorch_lightning as pl
import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.dataset import Dataset
from fairkd.data.loaders import BatchLoader


class SplitsDataModule(pl.LightningDataModule):
    """Batches of the train split in a seeded order, and of the validation split as it stands.

    Args:
        dataset: prepared splits.
        batch_size: training rows per step, on each device.
        evaluation_batch_size: validation rows per forward pass.
        order_seed: seed of the training order.
        chances: how likely each training row is to be drawn (see `BatchLoader`); ``None``: each
            comes once in an epoch.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        evaluation_batch_size: int,
        order_seed: int,
        chances: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.batch_size = batch_size
        self.evaluation_batch_size = evaluation_batch_size
        self.order_seed = order_seed
        self.chances = chances

    def train_dataloader(self) -> BatchLoader:
        """This process's share of the training rows, in a new order every epoch."""
        return self._loader("train", self.batch_size, self.order_seed, self.chances)

    def val_dataloader(self) -> BatchLoader:
        """This process's share of the validation rows."""
        return self._loader("validation", self.evaluation_batch_size, None, None)

    def transfer_batch_to_device(
        self,
        batch: Batch,
        device: torch.device,  # noqa: ARG002
        dataloader_idx: int,  # noqa: ARG002
    ) -> Batch:
        """The batch as it is: its split went to the device as a whole."""
        return batch

    def _loader(
        self, split: str, batch_size: int, seed: int | None, chances: Tensor | None
    ) -> BatchLoader:
        trainer = self.trainer
        if trainer is None:
            raise RuntimeError("The data module is used through a Trainer.")
        device = trainer.strategy.root_device
        rows = Batch(*(field.to(device) for field in self.dataset.splits[split]))
        return BatchLoader(
            rows,
            batch_size,
            seed,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            chances=chances,
        )
