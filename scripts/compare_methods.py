"""Every distillation method on three data sets, five repetitions each, as a page of tables.

Repetitions vary data split, teacher and student together. Each set is one sweep over all files of
conf/distillation; what does not apply is refused there, and its sentence stands on the page. On
tinted MNIST teachers with and without retrained last layers are compared as well. Then one job of
every method trains alone, one after the other, for the time of an epoch: leave the machine quiet.

Results go to docs/methods.json and docs/methods.md. A sweep that was interrupted goes on from its
store: the same command again.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import methods_page
from mlflow.tracking import MlflowClient

from fairkd.store import Store

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "methods.json"
GLOB = "distillation=glob(*)"
IMAGES = ("experiment=tinted", "data=tinted_mnist", "trainer.max_epochs=30",
          "teacher.trainer.max_epochs=30")  # fmt: skip
BALANCED = "teacher.balance.by=agreement"


@dataclass(frozen=True)
class Part:
    """One sweep.

    Attributes:
        words: that describe its jobs, without repetitions.
        block: whose worst group is shown.
        gap: the disparity that is shown, of that block.
    """

    words: tuple[str, ...]
    block: str
    gap: str


def _teachers(*words: str) -> Part:
    images = (*IMAGES, "teacher=convnet_ensemble", "distillation.temperature=4", *words)
    return Part(images, "agreement", "accuracy_difference")


SOFT = ("distillation=soft_targets", "distillation.alpha=1")
PARTS = {
    "iris": Part(
        ("experiment=iris", "constraint=none", GLOB), "planted_sepal", "accuracy_difference"
    ),
    "adult": Part(
        ("experiment=quickstart", "constraint=none", GLOB), "sex", "demographic_parity_difference"
    ),
    "tinted_mnist": Part((*IMAGES, GLOB), "agreement", "accuracy_difference"),
    "biased teachers": _teachers(*SOFT),
    "balanced teachers": _teachers(*SOFT, BALANCED),
    "teachers balanced on validation": _teachers(
        *SOFT, BALANCED, "teacher.balance.rows=validation"
    ),
    "gradient-aware": _teachers(
        "distillation=gradient_aware", BALANCED, "teacher.balance.members=[a,b]"
    ),
}
SETS = ("iris", "adult", "tinted_mnist")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("methods"), help="of the sweeps")
    parser.add_argument("--only", nargs="*", choices=[*PARTS, "time"], help="of the parts")
    arguments = parser.parse_args()
    wanted = arguments.only if arguments.only is not None else [*PARTS, "time"]
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name, part in PARTS.items():
        if name in wanted:
            kept[name] = _swept(part, arguments.folder / name.replace(" ", "_"))
            _write(kept)
    if "time" in wanted:
        kept["time"] = {name: _timed(PARTS[name], arguments.folder / "time") for name in SETS}
        _write(kept)
    print(f"page    {DOCS / 'methods.md'}")


def _write(kept: Mapping[str, Any]) -> None:
    KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    (DOCS / "methods.md").write_text(methods_page.page(kept, PARTS, SETS))


def _swept(part: Part, folder: Path) -> dict[str, Any]:
    """Each method's numbers by repetition, and why others were refused."""
    replicates = f"replicate=range({methods_page.REPETITIONS})"
    jobs = _sweep((*part.words, replicates), folder)
    client = MlflowClient(f"sqlite:///{(folder / 'mlflow.db').resolve()}")
    found: dict[str, Any] = {"methods": {}, "refused": {}, "teacher": {}, "control": {}}
    for job in jobs:
        if job["status"] == "refused":
            found["refused"][_chosen(job["overrides"])] = job["sentence"]
            continue
        run = client.get_run(job["run_id"])
        name = _distilled(run.data.params)
        measured, replicate = run.data.metrics, run.data.params["seed"]
        of_models = {model: _numbers(measured, model, part) for model in ("teacher", "control")}
        for model, numbers in of_models.items():
            # Beside every method stands the same control, and the same teacher.
            found[model].setdefault(replicate, numbers)
        fidelity = {"fidelity": measured["test/transfer/fidelity"]}
        numbers = _numbers(measured, "student", part) | fidelity
        found["methods"].setdefault(name, {})[replicate] = numbers
    return found


def _numbers(measured: Mapping[str, float], model: str, part: Part) -> dict[str, float]:
    start = f"test/{model}"
    return {
        "accuracy": measured[f"{start}/accuracy"],
        "worst group": measured[f"{start}/worst_group_accuracy/{part.block}"],
        "gap": measured[f"{start}/{part.gap}/{part.block}"],
    }


def _timed(part: Part, folder: Path) -> dict[str, float]:
    """Seconds of an epoch of each method, trained alone, one job after the other."""
    few = (
        "replicate=0",
        "evaluation.draws=20",
        "force=student",
        "trainer.max_epochs=5",
        "teacher.trainer.max_epochs=1",
    )
    words = [word for word in part.words if "max_epochs" not in word]
    jobs = _sweep((*words, *few, "hydra.launcher.n_jobs=1", "hydra.launcher.max_stack=1"), folder)
    client = MlflowClient(f"sqlite:///{(folder / 'mlflow.db').resolve()}")
    store = Store((folder / "store").resolve())
    found = {}
    for job in jobs:
        if job["status"] == "refused":
            continue
        run = client.get_run(job["run_id"]).data
        entry = store.get("job", run.tags["fairkd.job_key"])
        if entry is None:
            raise RuntimeError(f"{store.root} does not have the job that just ended.")
        epochs = len(next(iter(entry.record["histories"]["student"].values())))
        found[_distilled(run.params)] = entry.record["seconds"]["student"] / epochs
    return found


def _sweep(words: Iterable[str], folder: Path) -> list[dict[str, str]]:
    """Run a sweep in a folder of its own; its jobs, one row each."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "sweep"
    command = [sys.executable, "-m", "fairkd", "-m", *words, "sweep.allow_refused=true"]
    print(" ".join(command[1:]), flush=True)
    where = f"hydra.sweep.dir={place.resolve()}"
    subprocess.run([*command, where], cwd=folder, check=True)
    with (place / "jobs.csv").open() as file:
        return list(csv.DictReader(file))


def _distilled(params: Mapping[str, str]) -> str:
    """The distillation of a finished job: the name of its one term."""
    start = "distillation.terms."
    names = {key.split(".")[2] for key in params if key.startswith(start)}
    return "+".join(sorted(names)) or "none"


def _chosen(words: str) -> str:
    """The distillation that a job's overrides name."""
    return next(
        word.partition("=")[2] for word in words.split() if word.startswith("distillation=")
    )


if __name__ == "__main__":
    main()
