import os
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from fairkd.models.mlp import MLP
from fairkd.training.inference import outputs_on
from fairkd.training.validation import ValidationMetrics

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("processes")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    script = [sys.executable, str(HERE / "two_processes.py"), str(folder)]
    done = subprocess.run(script, env=clean, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.slow
def test_two_processes_train_one_model(seen):
    first, second = seen
    assert first["history"] == second["history"]
    assert len(first["history"]) == 2
    assert first["best"] == second["best"]
    for name, value in first["weights"].items():
        assert torch.equal(value, second["weights"][name])


@pytest.mark.slow
def test_each_takes_its_share_of_every_epoch(seen):
    first, second = (process["steps"] for process in seen)
    assert [len(step) for step in first] == [len(step) for step in second] == [16, 16, 16, 13] * 2
    for epoch in (slice(0, 4), slice(4, 8)):
        rows = Counter(
            row for steps in (first[epoch], second[epoch]) for step in steps for row in step
        )
        assert set(rows) == set(range(121))
        assert sum(rows.values()) == 122  # one row a second time, so that both step equally often
    assert first[:4] != first[4:]


@pytest.mark.slow
def test_group_metrics_are_counts_over_the_whole_split(seen):
    dataset = runpy.run_path(str(HERE / "one_job.py"))["dataset"]()
    validation = dataset.splits["validation"]
    model = MLP(6, 2, (8,))
    model.load_state_dict(seen[0]["weights"])
    metrics = ValidationMetrics(dataset.blocks, 2)
    metrics.update(outputs_on(model, validation).logits, validation)
    row = seen[0]["history"][seen[0]["best"]]
    for name, value in metrics.compute().items():
        assert row[f"val/{name}"] == pytest.approx(float(value), abs=1e-6), name


@pytest.mark.slow
def test_the_objective_on_validation_is_the_mean_of_the_shares(seen):
    dataset = runpy.run_path(str(HERE / "one_job.py"))["dataset"]()
    validation = dataset.splits["validation"]
    model = MLP(6, 2, (8,))
    model.load_state_dict(seen[0]["weights"])
    rows = torch.nn.functional.cross_entropy(
        outputs_on(model, validation).logits, validation.y, reduction="none"
    )
    shares = (float(rows[0::2].mean()) + float(rows[1::2].mean())) / 2
    row = seen[0]["history"][seen[0]["best"]]
    assert row["val/labels"] == pytest.approx(shares, rel=1e-5)
