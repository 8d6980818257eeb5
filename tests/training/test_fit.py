import logging
from dataclasses import replace

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers.logger import DummyLogger
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.loaders import BatchLoader
from fairkd.errors import ConfigError
from fairkd.training.best_epoch import BestEpoch
from fairkd.training.distil import train_on_labels
from fairkd.training.fit import TrainerSettings, fit
from fairkd.training.modules import DivergedError, TeacherModule

VALIDATED = {
    "val/loss", "val/labels", "val/accuracy", "val/ece",
    *(f"val/{name}/{block}" for block in ("sex", "race") for name in (
        "demographic_parity_difference", "equal_opportunity_difference",
        "false_positive_rate_difference",
        "equalized_odds_difference", "accuracy_difference", "worst_group_accuracy",
    )),
}  # fmt: skip


def _weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


class Weights(pl.Callback):
    """The weights at the end of every epoch, before any are put back."""

    def __init__(self) -> None:
        self.by_epoch: list[Tensor] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.by_epoch.append(_weights(pl_module.get_submodule("model")))


def test_the_loss_falls(dataset, recipe):
    history = train_on_labels(recipe(max_epochs=6), dataset).fitted.history
    assert history[-1]["train/loss"] < 0.8 * history[0]["train/loss"]
    assert history[-1]["val/loss"] < history[0]["val/loss"]


def test_history_has_a_row_an_epoch_with_the_documented_names(dataset, recipe):
    trained = train_on_labels(recipe(max_epochs=4), dataset)
    history = trained.fitted.history
    assert [row["epoch"] for row in history] == [0, 1, 2, 3]
    for row in history:
        assert set(row) == {"epoch", "train/loss", "train/labels"} | VALIDATED
        assert all(type(value) is float for value in row.values())
    assert not trained.model.training
    assert trained.seconds > 0


@pytest.mark.parametrize(("monitor", "mode"), [("val/loss", "min"), ("val/accuracy", "max")])
def test_the_best_epochs_weights_are_kept(dataset, recipe, monitor, mode):
    def train(epochs: int) -> tuple[Tensor, list[dict[str, float]], int, list[Tensor]]:
        seen = Weights()
        made = recipe(max_epochs=epochs, lr=0.02, hidden=(32,), monitor=monitor, mode=mode)
        trained = train_on_labels(replace(made, callbacks=lambda: [seen]), dataset)
        fitted = trained.fitted
        return _weights(trained.model), fitted.history, fitted.best_epoch, seen.by_epoch

    kept, history, best, seen = train(12)
    values = np.array([row[monitor] for row in history])
    assert best == (values.argmin() if mode == "min" else values.argmax())  # the first of ties
    assert 0 < best < 11
    # Trained again up to that epoch and no further, the weights are these.
    assert torch.equal(kept, train(best + 1)[3][-1])
    assert not torch.equal(kept, seen[-1])


def test_the_first_of_equal_epochs_is_best(dataset, recipe):
    for mode in ("min", "max"):
        fitted = train_on_labels(recipe(lr=0.0, sgd=True, mode=mode), dataset).fitted
        assert len({row["val/loss"] for row in fitted.history}) == 1
        assert fitted.best_epoch == 0


def test_training_stops_when_nothing_improves(dataset, recipe):
    fitted = train_on_labels(recipe(lr=0.0, sgd=True, max_epochs=9, patience=2), dataset).fitted
    assert len(fitted.history) == 3


@pytest.mark.parametrize("patience", [None, 2])
def test_an_unknown_monitor_is_refused_with_the_known_ones(dataset, recipe, patience):
    with pytest.raises(ConfigError) as refused:
        train_on_labels(recipe(monitor="val/acuracy", patience=patience), dataset)
    assert str(refused.value) == (
        "Unknown value in trainer.monitor 'val/acuracy'; did you mean 'val/accuracy'? Accepted: "
        + ", ".join(sorted(VALIDATED))
        + "."
    )


def _without_positives(dataset):
    """A validation split in which no rate of true positives exists."""
    validation = dataset.splits["validation"]
    splits = {
        **dataset.splits,
        "validation": validation._replace(y=torch.zeros_like(validation.y)),
    }
    return replace(dataset, splits=splits)


@pytest.mark.parametrize("patience", [None, 2])
def test_a_monitor_that_is_never_defined_is_refused(dataset, recipe, patience):
    monitor = "val/equal_opportunity_difference/sex"
    with pytest.raises(ConfigError) as refused:
        train_on_labels(recipe(monitor=monitor, patience=patience), _without_positives(dataset))
    assert str(refused.value) == (
        f"trainer.monitor={monitor} was never a number on validation, so no epoch is the best; "
        "name a value that is defined there (val/loss), and leave validation at least one batch "
        "(trainer.lightning.limit_val_batches)."
    )


@pytest.mark.parametrize(("patience", "epochs"), [(1, 1), (2, 2), (None, 5)])
def test_undefined_epochs_are_epochs_without_improvement(dataset, recipe, patience, epochs):
    seen = Weights()
    monitor = "val/equal_opportunity_difference/sex"
    made = recipe(monitor=monitor, patience=patience, max_epochs=5)
    with pytest.raises(ConfigError):
        train_on_labels(replace(made, callbacks=lambda: [seen]), _without_positives(dataset))
    assert len(seen.by_epoch) == epochs


def test_an_undefined_epoch_is_never_the_best():
    class Module(pl.LightningModule):
        model = torch.nn.Linear(1, 1)

    class Epoch:
        sanity_checking = False

        def __init__(self, number: int, value: float) -> None:
            self.current_epoch = number
            self.callback_metrics = {"val/gap": torch.tensor(value)}

    best = BestEpoch("val/gap", "min")
    for number, value in enumerate([float("nan"), 0.5, 0.25, float("nan"), 0.25]):
        best.on_validation_end(Epoch(number, value), Module())  # type: ignore[arg-type]
    assert (best.epoch, best.value) == (2, 0.25)


def test_every_epoch_has_its_own_order_of_rows(dataset, recipe):
    class Rows(pl.Callback):
        def on_train_batch_start(
            self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int
        ) -> None:
            seen.setdefault(trainer.current_epoch, []).append(batch.index.tolist())

    seen: dict[int, list[list[int]]] = {}
    made = replace(recipe(seed=4, batch_size=32), callbacks=lambda: [Rows()])
    train_on_labels(made, dataset)
    loader = BatchLoader(dataset.splits["train"], 32, 4)
    for epoch in range(3):
        loader.set_epoch(epoch)
        assert seen[epoch] == [batch.index.tolist() for batch in loader]
    assert seen[0] != seen[1] != seen[2]


@pytest.mark.parametrize("clip", [None, 0.01])
def test_the_gradients_norm_is_clipped(dataset, recipe, clip):
    made = recipe(lr=1.0, sgd=True, max_epochs=1, batch_size=90, gradient_clip_val=clip)
    step = _weights(train_on_labels(made, dataset).model) - _weights(made.initial())
    if clip is None:
        assert step.norm() > 0.1
    else:
        assert float(step.norm()) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("batch_size", "epochs"),
    [(32, 2), pytest.param(90, 1, id="the only step ruins the weights, seen on validation alone")],
)
def test_divergence_is_told(dataset, recipe, batch_size, epochs):
    with pytest.raises(DivergedError) as told:
        train_on_labels(
            recipe(lr=1e20, sgd=True, hidden=(8, 8), batch_size=batch_size, max_epochs=epochs),
            dataset,
        )
    assert str(told.value) == (
        "Training diverged in epoch 1: the loss is nan; "
        "lower the learning rate (optimizer.lr) or set gradient_clip_val."
    )


def test_a_logger_receives_what_history_holds(dataset, recipe):
    logged: dict[str, list[float]] = {}

    class Kept(DummyLogger):
        def log_metrics(self, metrics, step=None):
            for name, value in metrics.items():
                logged.setdefault(name, []).append(value)

    history = train_on_labels(recipe(), dataset, logger=Kept()).fitted.history
    for name in ("train/loss", *VALIDATED):
        np.testing.assert_allclose(logged[name], [row[name] for row in history], rtol=1e-6)


def test_lightnings_own_arguments_are_handed_on(dataset, recipe):
    class Steps(pl.Callback):
        def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            steps.append(trainer.global_step)

    steps: list[int] = []
    for extra in ({}, {"limit_train_batches": 1}, {"accumulate_grad_batches": 3}):
        made = recipe(max_epochs=2, lightning=extra)
        train_on_labels(replace(made, callbacks=lambda: [Steps()]), dataset)
    assert steps == [6, 2, 2]


def test_a_job_says_nothing_of_lightnings(dataset, recipe, capfd, caplog, tmp_path):
    caplog.set_level(logging.INFO)
    made = recipe(patience=1, lr=0.0, sgd=True)
    module = TeacherModule(made.initial(), made.settings.optimizer, dataset.blocks, 2)
    fit(module, dataset, made.settings, seed=0, checkpoint=tmp_path / "end.ckpt")
    assert caplog.records == []
    printed = capfd.readouterr()
    assert printed.out == printed.err == ""


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"max_epochs": 0},
            "max_epochs=0 is out of range; accepted: a whole number of at least 1.",
        ),
        ({"mode": "best"}, "mode=best is not known; accepted: min, max."),
        ({"progress": "yes"}, "progress=yes is not known; accepted: auto, on, off."),
        ({"patience": 0}, "patience=0 is out of range; accepted: a whole number of at least 1."),
        (
            {"gradient_clip_val": 0.0},
            "gradient_clip_val=0.0 is out of range; accepted: a number above 0.",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(changed, sentence):
    with pytest.raises(ConfigError) as refused:
        TrainerSettings(optimizer=torch.optim.Adam, **changed)
    assert str(refused.value) == sentence
