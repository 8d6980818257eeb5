"""Time every distillation term on one batch, forward and backward, beside soft targets.

The terms are those of ``conf/distillation``, as configured there, between random features of two
models: of a table's shape (256 rows, layers of 64 and 256 units) and of images' (64 rows, maps of
16 and 32 channels). One thread; medians, and ratios to soft targets within this run. Then three
terms whose cost depends on how they are written stand beside batched formulations of them.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from bench_terms_batched import Pair, pairs
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from fairkd.commands.configuration import config_folder
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.distillation.term import DistillationTerm
from fairkd.models.features import ModelOutputs

BLOCKS = Blocks.of({"sex": ["female", "male"]})
CLASSES = 10
KINDS = {
    "table": (256, {"last": ((64,), (256,)), "first": ((64,), (256,))}),
    "images": (
        64,
        {
            "last": ((64,), (128,)),
            "first": ((16, 16, 16), (32, 16, 16)),
            "stage1": ((16, 16, 16), (32, 16, 16)),
            "stage2": ((32, 8, 8), (64, 8, 8)),
            "stage3": ((64, 4, 4), (128, 4, 4)),
        },
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=30, help="timed passes (30)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(title="One batch, forward and backward")
    for heading in (
        "term",
        *(f"{kind}, {what}" for kind in KINDS for what in ("ms", "soft targets")),
    ):
        table.add_column(heading, justify="left" if heading == "term" else "right")
    times = {kind: dict(_times(kind, arguments.repeats)) for kind in KINDS}
    for name in sorted({name for of_kind in times.values() for name in of_kind}):
        cells = []
        for kind in KINDS:
            found, base = times[kind].get(name), times[kind]["soft_targets"]
            cells += ["-", "-"] if found is None else [f"{found:.2f}", f"{found / base:.1f} x"]
        table.add_row(name, *cells)
    console = Console()
    console.print(table)
    console.print(_beside_batched(arguments.repeats))


def _beside_batched(repeats: int) -> Table:
    rows = KINDS["images"][0]
    table = Table(title=f"Beside batched formulations, {rows} rows, forward and backward")
    for heading in ("function", "ms", "batched, ms", "ratio"):
        table.add_column(heading, justify="left" if heading == "function" else "right")
    for name, (shape, pair) in pairs(rows).items():
        ours, batched = _function_ms(pair, (rows, *shape), repeats)
        table.add_row(name, f"{ours:.2f}", f"{batched:.2f}", f"{ours / batched:.2f} x")
    return table


def _function_ms(pair: Pair, shape: tuple[int, ...], repeats: int) -> list[float]:
    """Median milliseconds of both, timed in turns."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(shape, generator=generator) for _ in range(2))
    times: list[list[float]] = [[], []]
    for _ in range(3 + repeats):
        for taken, function in zip(times, pair, strict=True):
            began = time.perf_counter()
            function(student.clone().requires_grad_(), teacher).backward()
            taken.append(time.perf_counter() - began)
    return [1000 * statistics.median(taken[3:]) for taken in times]


def _times(kind: str, repeats: int) -> Iterator[tuple[str, float]]:
    """Median milliseconds of every term that has the layers it reads."""
    rows, layers = KINDS[kind]
    g = torch.Generator().manual_seed(0)
    student, teacher = (
        ModelOutputs(
            torch.randn(rows, CLASSES, generator=g),
            {
                name: torch.randn(rows, *shapes[side], generator=g)
                for name, shapes in layers.items()
            },
        )
        for side in (0, 1)
    )
    teacher.features.update(
        {f"members.{name}": torch.randn(rows, CLASSES, generator=g) for name in "abc"}
    )
    sex = torch.eye(2)[torch.randint(2, (rows,), generator=g)]
    y = torch.randint(CLASSES, (rows,), generator=g)
    batch = Batch(torch.zeros(rows, 1), y, sex, torch.arange(rows), torch.ones(rows))
    for name, term in _terms(rows):
        if not set(term.student_features) <= set(student.features):
            continue
        term.find_groups(BLOCKS)
        term.connect(student, teacher, torch.Generator().manual_seed(0))
        yield name, _median_ms(lambda t=term: _step(t, student, teacher, batch), repeats)


def _terms(rows: int) -> Iterator[tuple[str, DistillationTerm]]:
    shared = OmegaConf.load(config_folder() / "base" / "distillation.yaml")
    for file in sorted((config_folder() / "distillation").glob("*.yaml")):
        own = OmegaConf.merge(shared, OmegaConf.load(file))
        config = OmegaConf.create(
            {"distillation": own, "trainer": {"max_epochs": 20, "batch_size": rows}}
        )
        for name, section in config.distillation.terms.items():
            yield str(name), instantiate(section)


def _step(
    term: DistillationTerm, student: ModelOutputs, teacher: ModelOutputs, batch: Batch
) -> None:
    logits = student.logits.clone().requires_grad_()
    features = {name: f.clone().requires_grad_() for name, f in student.features.items()}
    value = term(ModelOutputs(logits, features), teacher, batch, torch.tensor(0.0))
    value.mean().backward()


def _median_ms(step: Callable[[], None], repeats: int) -> float:
    times = []
    for _ in range(3 + repeats):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times[3:])


if __name__ == "__main__":
    main()
