"""Keep the weights of every epoch that may be certified."""

import copy
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from fairkd.evaluation.certificate import Candidate, Certificate, Certifier, front
from fairkd.training.inference import outputs_on
from fairkd.training.validation import DECIDED, SLACK

ACCURACY_VALUE = f"val/{DECIDED}"
SLACK_VALUE = f"val/{SLACK}"
OFFERED = (ACCURACY_VALUE, SLACK_VALUE)


class Candidates:
    """The front of a training's epochs: those that no other one beats in safety and accuracy.

    Attributes:
        front: in the order of epochs.
    """

    def __init__(self) -> None:
        self.front: list[Candidate] = []

    def offer(self, epoch: int, values: Mapping[str, float], weights: Mapping[str, Tensor]) -> None:
        """Take an epoch; its weights are copied if it is kept.

        Args:
            epoch: counted from 0.
            values: its `OFFERED` among others.
            weights: the model's tensors by name.
        """
        offered = Candidate(epoch, values[ACCURACY_VALUE], values[SLACK_VALUE])
        kept = front(self.front, offered)
        if kept[-1] is offered:
            copied = {name: weight.detach().clone() for name, weight in weights.items()}
            kept[-1] = Candidate(epoch, offered.accuracy, offered.slack, copied)
        self.front = kept


def certify(
    model: nn.Module, candidates: Candidates, certifier: Certifier | None
) -> Certificate | None:
    """Test the candidates on the certifying rows, and give the model the chosen one's weights.

    Args:
        model: changed in place.
        candidates: of its training.
        certifier: ``None`` leaves everything as it is.
    """
    if certifier is None or not candidates.front:
        return None
    weights = {one.epoch: one.weights for one in candidates.front}
    tried = copy.deepcopy(model).to("cpu", torch.float32)  # as it will be kept

    def logits_of(one: Candidate) -> Tensor:
        tried.load_state_dict(one.weights)
        return outputs_on(tried, certifier.rows).logits

    found = certifier.certify(candidates.front, logits_of)
    model.load_state_dict(weights[found.epoch])
    return found


class KeepCandidates(pl.Callback):
    """Collects `Candidates` while Lightning trains; they travel in checkpoints."""

    def __init__(self) -> None:
        self.candidates = Candidates()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Offer the epoch."""
        if trainer.sanity_checking:
            return
        logged = trainer.callback_metrics
        values = {name: float(logged[name]) for name in OFFERED}
        weights = pl_module.get_submodule("model").state_dict()
        self.candidates.offer(trainer.current_epoch, values, weights)

    def state_dict(self) -> dict[str, Any]:
        """The candidates, for a checkpoint."""
        return {
            "front": [
                {
                    "epoch": one.epoch,
                    "accuracy": one.accuracy,
                    "slack": one.slack,
                    "weights": dict(one.weights),
                }
                for one in self.candidates.front
            ]
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a checkpoint's candidates."""
        self.candidates.front = [Candidate(**one) for one in state_dict["front"]]
