"""What a job leaves behind in its process: nothing."""

import logging
import os
import random
import signal
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from fairkd.training.distil import train_on_labels
from fairkd.training.modules import DivergedError
from fairkd.training.randomness import deterministic, seeded, threads

LOGGERS = ("", "pytorch_lightning", "lightning_fabric", "pytorch_lightning.utilities.rank_zero")


def _surroundings() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": [np.asarray(part).tolist() for part in np.random.get_state()],
        "python": random.getstate(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "gradients": torch.is_grad_enabled(),
        "warnings": list(warnings.filters),
        "levels": [logging.getLogger(name).level for name in LOGGERS],
        "handlers": [list(logging.getLogger(name).handlers) for name in LOGGERS],
        "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
        "environment": {
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTEST_CURRENT_TEST", "CUBLAS_WORKSPACE_CONFIG")
        },
    }


@pytest.fixture
def unusual() -> Iterator[None]:
    """Surroundings that no default would restore."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True, warn_only=True)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    yield
    logging.getLogger("pytorch_lightning").setLevel(logging.INFO)
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(before)


@pytest.mark.parametrize("usual", [True, False])
def test_training_leaves_the_process_as_it_was(dataset, recipe, usual, request):
    if not usual:
        request.getfixturevalue("unusual")
    before = _surroundings()
    train_on_labels(recipe(dropout=0.5), dataset)
    assert _surroundings() == before


@pytest.mark.usefixtures("unusual")
def test_so_does_training_that_fails(dataset, recipe):
    before = _surroundings()
    with pytest.raises(DivergedError):
        train_on_labels(recipe(lr=1e20, sgd=True), dataset)
    assert _surroundings() == before


class Interrupts(pl.Callback):
    """Ctrl-C in the second epoch."""

    def __init__(self, real: bool) -> None:
        self.real = real
        self.epochs = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epochs += 1
        if self.epochs < 2:
            return
        if self.real:
            signal.raise_signal(signal.SIGINT)
        else:
            raise KeyboardInterrupt


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python's own answer to Ctrl-C; a process started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("real", [True, False])
def test_ctrl_c_reaches_the_caller(dataset, recipe, real, capfd):
    callback = Interrupts(real)
    before = _surroundings()
    with pytest.raises(KeyboardInterrupt):
        train_on_labels(replace(recipe(), callbacks=lambda: [callback]), dataset)
    assert callback.epochs == 2
    assert _surroundings() == before
    with pytest.raises(KeyboardInterrupt):  # and the next one too
        signal.raise_signal(signal.SIGINT)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_setting_up_reaches_the_caller(dataset, recipe):
    class Early(pl.Callback):
        def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
            signal.raise_signal(signal.SIGINT)

    before = _surroundings()
    with pytest.raises(KeyboardInterrupt):
        train_on_labels(replace(recipe(), callbacks=lambda: [Early()]), dataset)
    assert _surroundings() == before


def test_an_exit_that_is_no_interrupt_stays_an_exit(dataset, recipe):
    class Leaves(pl.Callback):
        def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            raise SystemExit(3)

    with pytest.raises(SystemExit) as left:
        train_on_labels(replace(recipe(), callbacks=lambda: [Leaves()]), dataset)
    assert left.value.code == 3


def test_seeded_blocks_draw_the_same_and_restore():
    before = _surroundings()
    draws = []
    for _ in range(2):
        with seeded(2**33 + 5):
            draws.append((float(torch.rand(())), float(np.random.rand()), random.random()))
    with seeded(0):
        draws.append((float(torch.rand(())), float(np.random.rand()), random.random()))
    assert draws[0] == draws[1] != draws[2]
    assert _surroundings() == before


def test_blocks_restore_after_an_exception_too():
    def fail() -> None:
        with seeded(0), deterministic(), threads(3):
            assert torch.get_num_threads() == 3
            assert torch.are_deterministic_algorithms_enabled()
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
            torch.rand(3)
            raise ZeroDivisionError

    before = _surroundings()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert _surroundings() == before
