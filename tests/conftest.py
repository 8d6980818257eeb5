import itertools
import os
import random
import runpy
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """What a test draws from a global generator does not depend on the tests before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database after its first use, to copy instead of migrating again."""
    from fairkd.tracking.mlflow_tracking import MlflowTracking  # MLflow takes a second to load

    folder = tmp_path_factory.mktemp("mlflow")
    MlflowTracking(f"sqlite:///{folder}/mlflow.db", experiment="other", locks=folder).prepare()
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Ports of this machine that nobody listens on, each given once.

    They lie below those that systems give to outgoing connections, so that none takes one before
    its server does, and the processes of a parallel run begin at different places.
    """
    first, last = 20_000, 32_000
    following = itertools.count(os.getpid() * 101)

    def build() -> int:
        for number in itertools.islice(following, last - first):
            port = first + number % (last - first)
            with socket.socket() as probe, suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
        raise AssertionError("every port is taken")

    return build


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium, a `Browser` of ``tests/browser.py``; its tests are marked ``slow``.

    Its pages' pictures are kept in the folder that ``FAIRKD_SCREENSHOTS`` names.
    """
    driver = runpy.run_path(str(Path(__file__).with_name("browser.py")))
    program = driver["executable"]()
    if program is None:
        pytest.skip(f"no Chromium is installed, and {driver['SETTING']} names none")
    folder = tmp_path_factory.mktemp("browser")
    kept = os.environ.get("FAIRKD_SCREENSHOTS")
    started = driver["Browser"](
        program, folder / "profile", Path(kept) if kept else folder / "screenshots"
    )
    yield started
    started.close()


@pytest.fixture(scope="session")
def measured() -> Callable[..., Any]:
    """A `JobRecord` of random models, as a job would measure them."""
    from functools import cache

    from fairkd.data.blocks import Blocks
    from fairkd.evaluation.compression import Cost
    from fairkd.evaluation.evaluate import evaluate
    from fairkd.evaluation.held import Held
    from fairkd.evaluation.predictions import Predictions
    from fairkd.evaluation.settings import EvaluationSettings
    from fairkd.evaluation.trio import MODELS, chosen_by, measure_trio
    from fairkd.evaluation.truth import Truth
    from fairkd.record import Headline, JobRecord

    settings = EvaluationSettings(draws=50, latency_repeats=1)

    @cache
    def build(
        seed: int = 0,
        cells: tuple[str, ...] = ("f", "m"),
        classes: tuple[str, ...] = ("no", "yes"),
        threshold: float = 0.05,
        rows: int = 400,
        empty: tuple[str, ...] = (),
        further: tuple[str, ...] = (),
    ) -> JobRecord:
        """A record.

        Args:
            seed: of everything drawn.
            cells: of the block ``sex``.
            classes: of the label.
            threshold: of a bound on the gap of selection rates by ``sex``.
            rows: of test and of validation.
            empty: cells without rows.
            further: models beside the trio, each as good as the student.
        """
        rng = np.random.default_rng(seed)

        def split() -> dict[str, Predictions]:
            kept = [place for place, cell in enumerate(cells) if cell not in empty]
            y = rng.integers(len(classes), size=rows)
            truth = Truth(
                y=y,
                memberships={"sex": rng.choice(kept, size=rows)},
                blocks=Blocks.of({"sex": list(cells)}),
                classes=classes,
            )

            def model(skill: float) -> Predictions:
                scores = rng.normal(size=(rows, len(classes))) + skill * np.eye(len(classes))[y]
                return Predictions(np.exp(scores) / np.exp(scores).sum(1, keepdims=True), truth)

            names = (*MODELS, *further)
            return {name: model(2.0 if name == "teacher" else 1.0) for name in names}

        validation, test = split(), split()
        costs = {name: Cost(130, 120, 720, 128, 0.1, 0.2, ("ReLU",)) for name in test}
        costs["teacher"] = Cost(1300, 1300, 7200, 1280, 0.2, 0.4, ("ReLU",))
        trio = measure_trio(
            validation,
            test,
            costs,
            settings,
            lambda name: evaluate(test[name], settings),
            lambda name: chosen_by(validation[name], settings),
        )
        headline = Headline("demographic_parity_difference", "sex")
        values = {
            "validation": {name: trio.validation[name][headline.name] for name in test},
            "test": {name: trio.evaluations[name].metrics[headline.name] for name in test},
        }
        bound = Held("selection_rate", "largest_difference", "sex", threshold, values)
        return JobRecord(
            trio,
            {name: [{"epoch": 0.0, "val/loss": 0.5}] for name in MODELS},
            dict.fromkeys(MODELS, 0),
            dict.fromkeys(MODELS, 1.5),
            headline,
            {"penalty": bound},
        )

    return build


@pytest.fixture(scope="session")
def configured() -> Callable[..., dict[str, Any]]:
    """A job's resolved configuration with some of its values."""

    def trainer(epochs: int) -> dict[str, Any]:
        return {"max_epochs": epochs, "batch_size": 64, "optimizer": {"lr": 0.001}}

    def build(seed: int = 0, weight: float = 0.5, **sections: Mapping[str, Any]) -> dict[str, Any]:
        base: dict[str, Any] = {
            "seed": seed,
            "replicate": seed,
            "data": {"_target_": "fairkd.data.arrests.load_arrests", "name": "arrests"}
            | {"groups": ["sex"], "seed": seed},
            "teacher": {
                "model": {"_target_": "fairkd.models.mlp.MLP", "hidden": [64]},
                "seed": seed,
                "trainer": trainer(2),
            },
            "student": {"_target_": "fairkd.models.mlp.MLP", "hidden": [16]},
            "distillation": {
                "alpha": 0.9,
                "temperature": 4,
                "temperature_scaling": "squared",
                "start_epoch": 0,
                "init": "fresh",
                "terms": {
                    "soft_targets": {
                        "_target_": "fairkd.distillation.response.SoftTargets",
                        "weight": 0.9,
                        "temperature": 4,
                    }
                },
            },
            "constraint": {
                "statistic": "selection_rate",
                "by": "sex",
                "disparity": "largest_difference",
                "threshold": 0.05,
                "weight": weight,
                "terms": {"penalty": {"_target_": "fairkd.fairness.penalty.Penalty"}},
            },
            "mitigation": {"terms": {}},
            "compression": {"steps": {}},
            "baseline": {"_target_": None},
            "trainer": trainer(2),
            "evaluation": {"threshold": 0.5, "confidence": 0.95, "draws": 50, "seed": 0},
            "paths": {"store": "store"},
        }
        return {
            name: {**value, **sections[name]} if name in sections else value
            for name, value in base.items()
        }

    return build
