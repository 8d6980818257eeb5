"""What a person watches while a model trains."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar

# Steps between two looks at the screen; a small model takes hundreds of steps a second.
_STEPS_A_REFRESH = 25
_SHOWN = {"val/loss": "val loss", "val/accuracy": "val accuracy"}


class EpochBar(RichProgressBar):
    """Lightning's rich progress bar, with the last epoch's validation beside it."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=_STEPS_A_REFRESH, leave=False)

    def get_metrics(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
    ) -> dict[str, int | str | float | dict[str, float]]:
        """The values to show; Lightning's own are its logger's version and nothing else here."""
        known: dict[str, Any] = trainer.callback_metrics
        return {
            shown: f"{float(known[name]):.4f}" for name, shown in _SHOWN.items() if name in known
        }
