"""Time training under Lightning against a bare PyTorch loop that takes the same steps.

Both train the default student's shape (104-64-2, batch 256, Adam) on random rows, as many as Adult
has, with the same objective (labels, soft targets, a selection-rate penalty), the same order, one
thread, and a validation pass with best-weight keeping after every epoch. The final weights must be
equal bit for bit. Reported: medians over repeats, and their ratio within this run.
"""

import argparse
import functools
import statistics
import time

import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.loaders import BatchLoader
from fairkd.distillation.response import SoftTargets
from fairkd.fairness.penalty import Penalty
from fairkd.models.features import ModelOutputs, run
from fairkd.models.mlp import MLP
from fairkd.training.fit import TrainerSettings, fit
from fairkd.training.modules import StudentModule
from fairkd.training.objective import Objective

FEATURES, HIDDEN, CLASSES, BATCH = 104, 64, 2, 256
ROWS = {"train": 24_420, "validation": 8_141, "test": 8}
BLOCKS = Blocks.of({"sex": ["female", "male"]})
OPTIMIZER = functools.partial(torch.optim.Adam, lr=1e-3)


def random_dataset(generator: torch.Generator) -> Dataset:
    def split(rows: int) -> Batch:
        x = torch.randn(rows, FEATURES, generator=generator)
        sex = nn.functional.one_hot((x[:, 2] > 0).long(), 2).float()
        y = (x[:, 0] + x[:, 1] > 0).long()
        return Batch(x, y, sex, torch.arange(rows), torch.ones(rows))

    splits = {name: split(rows) for name, rows in ROWS.items()}
    return Dataset("random", splits, BLOCKS, ("0", "1"), "random")


def student() -> tuple[nn.Module, Objective]:
    torch.manual_seed(0)
    objective = Objective(
        label_weight=0.1,
        terms={"soft_targets": SoftTargets(weight=0.9, temperature=4.0)},
        constraints={"penalty": Penalty(BLOCKS, weight=0.5)},
    )
    return MLP(FEATURES, CLASSES, (HIDDEN,)), objective


def with_lightning(
    dataset: Dataset, teacher: dict[str, ModelOutputs], epochs: int
) -> tuple[float, nn.Module]:
    model, objective = student()
    module = StudentModule(model, objective, OPTIMIZER, BLOCKS, CLASSES, teacher)
    began = time.perf_counter()
    fit(module, dataset, TrainerSettings(OPTIMIZER, max_epochs=epochs, accelerator="cpu"), seed=0)
    return time.perf_counter() - began, model


def with_bare_loop(
    dataset: Dataset, teacher: dict[str, ModelOutputs], epochs: int
) -> tuple[float, nn.Module]:
    model, objective = student()
    train, validation = dataset.splits["train"], dataset.splits["validation"]
    best: tuple[float, dict[str, Tensor]] = (float("inf"), {})
    began = time.perf_counter()
    optimizer = OPTIMIZER(model.parameters())
    loader = BatchLoader(train, BATCH, shuffle_seed=0)
    for epoch in range(epochs):
        loader.set_epoch(epoch)
        now = torch.tensor(float(epoch))
        for batch in loader:
            optimizer.zero_grad()
            outputs = run(model, batch.x)
            objective(outputs, teacher["train"].rows(batch.index), batch, now).total.backward()
            optimizer.step()
        with torch.no_grad():
            outputs = run(model, validation.x)
            loss = objective(outputs, teacher["validation"], validation, now).total.item()
        if loss < best[0]:
            best = (loss, {name: value.clone() for name, value in model.state_dict().items()})
    model.load_state_dict(best[1])
    return time.perf_counter() - began, model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    dataset = random_dataset(generator)
    teacher = {
        name: ModelOutputs(torch.randn(split.size, CLASSES, generator=generator), {})
        for name, split in dataset.splits.items()
    }
    with_lightning(dataset, teacher, 1)
    with_bare_loop(dataset, teacher, 1)
    lightning, bare = [], []
    for _ in range(chosen.repeats):
        seconds, ours = with_lightning(dataset, teacher, chosen.epochs)
        lightning.append(seconds)
        seconds, theirs = with_bare_loop(dataset, teacher, chosen.epochs)
        bare.append(seconds)
        if not all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values())):
            raise SystemExit("The two paths ended in different weights: they are not comparable.")
    steps = chosen.epochs * -(-ROWS["train"] // BATCH)
    print(f"training {FEATURES}-{HIDDEN}-{CLASSES}, batch {BATCH}, {steps} steps, one thread")
    for name, seconds in (("lightning", lightning), ("bare loop", bare)):
        median = statistics.median(seconds)
        print(f"  {name}  {median:6.2f} s  {median / steps * 1e3:.3f} ms per step")
    ratio = statistics.median(lightning) / statistics.median(bare)
    print(f"  ratio      {ratio:.2f}   (at most 1.6); final weights equal bit for bit")


if __name__ == "__main__":
    main()
