"""What a model costs: parameters, bytes, multiply-adds and latency."""

import math
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor, nn

from fairkd.models.answers import Answers
from fairkd.models.int8 import Int8

LARGE_BATCH = 256
_WARM_UP = 3


@dataclass(frozen=True)
class Cost:
    """The cost of one model; every number is NaN for one that only answers.

    Attributes:
        parameters: the number of parameters, shared ones once.
        nonzero: how many of them are not 0.
        bytes: the size of its state as safetensors, shared tensors once.
        multiply_adds: of linear layers and 2-D convolutions, for one row.
        latency_ms_batch_1: median time of a forward pass with one row, milliseconds.
        latency_ms_batch_256: the same with 256 rows.
        not_counted: the kinds of the other layers, whose multiply-adds count as 0.
    """

    parameters: float
    nonzero: float
    bytes: float
    multiply_adds: float
    latency_ms_batch_1: float
    latency_ms_batch_256: float
    not_counted: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether there is a model that can be counted."""
        return not math.isnan(self.parameters)

    def numbers(self) -> dict[str, float]:
        """The numbers by name."""
        return {
            "parameters": float(self.parameters),
            "nonzero": float(self.nonzero),
            "bytes": float(self.bytes),
            "multiply_adds": float(self.multiply_adds),
            "latency_ms_batch_1": self.latency_ms_batch_1,
            "latency_ms_batch_256": self.latency_ms_batch_256,
        }


class Latency(NamedTuple):
    """Median times of a forward pass, in milliseconds."""

    batch_1: float
    batch_256: float


class Work(NamedTuple):
    """What a model is made of: see `Cost`."""

    parameters: int
    nonzero: int
    multiply_adds: int


def latency(model: nn.Module, example: Tensor, repeats: int) -> Latency:
    """Time a model on the device where it and the example are.

    Args:
        model: any module; it is run in evaluation mode and left as it was found.
        example: one row, shape ``[1, ...]``.
        repeats: timed passes at each batch size, after a warm-up.
    """
    if isinstance(model, Answers):
        return Latency(math.nan, math.nan)
    many = example.expand(LARGE_BATCH, *example.shape[1:]).contiguous()
    with _evaluating(model):
        return Latency(*(_median_ms(model, x, repeats) for x in (example, many)))


def architecture(model: nn.Module) -> str:
    """A text that is the same for models which differ in nothing but the values of their weights.

    It names every module's class, its plain attributes, and the shapes and types of its state. Two
    models of one architecture do the same work, so they have one latency: where it is timed once
    and shared, a difference between them is never noise.
    """
    told = []
    for name, module in model.named_modules():
        kind = type(module)
        plain = {key: value for key, value in vars(module).items() if _is_plain(value)}
        plain.pop("training", None)
        told.append(f"{name}: {kind.__module__}.{kind.__qualname__} {sorted(plain.items())}")
    state = [
        f"{name}: {list(tensor.shape)} {tensor.dtype} {tensor.device}"
        for name, tensor in model.state_dict().items()
    ]
    return "\n".join([repr(model), *told, *state])


def cost(model: nn.Module, example: Tensor, timed: Latency) -> Cost:
    """What a model costs: its own size and work, beside the latency of its architecture.

    Args:
        model: any module; it is run in evaluation mode and left as it was found.
        example: one row, shape ``[1, ...]``, on the model's device.
        timed: its `latency`, or that of another model of the same `architecture`.
    """
    if isinstance(model, Answers):
        unknown = math.nan
        return Cost(unknown, unknown, unknown, unknown, timed.batch_1, timed.batch_256, ())
    with _evaluating(model):
        work, not_counted = _work(model, example)
        return Cost(
            **work._asdict(),
            bytes=len(save(_unshared_state(model))),
            latency_ms_batch_1=timed.batch_1,
            latency_ms_batch_256=timed.batch_256,
            not_counted=not_counted,
        )


def work(model: nn.Module, example: Tensor) -> Work:
    """What a model is made of, as `cost` counts it.

    Args:
        model: any module; it is run in evaluation mode and left as it was found.
        example: one row, shape ``[1, ...]``, on the model's device.
    """
    with _evaluating(model):
        return _work(model, example)[0]


def ratios_to_teacher(student: Cost, teacher: Cost) -> dict[str, float]:
    """Each of the student's numbers over the teacher's; NaN where that is 0."""
    base = teacher.numbers()
    return {
        name: value / base[name] if base[name] else float("nan")
        for name, value in student.numbers().items()
    }


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _unshared_state(model: nn.Module) -> dict[str, Tensor]:
    """The state without second names for the same memory, which safetensors refuses."""
    kept = {}
    seen = set()
    for name, tensor in model.state_dict().items():
        memory = (tensor.data_ptr(), tensor.shape, tensor.stride())
        if tensor.numel() and memory in seen:
            continue
        seen.add(memory)
        kept[name] = tensor.detach().clone().contiguous()
    return kept


def _work(model: nn.Module, example: Tensor) -> tuple[Work, tuple[str, ...]]:
    if isinstance(model, Int8):
        return Work(*model.work.tolist()), ()
    parameters = list(model.parameters())
    multiply_adds, not_counted = _multiply_adds(model, example)
    counted = sum(p.numel() for p in parameters), sum(int(p.count_nonzero()) for p in parameters)
    return Work(*counted, multiply_adds), not_counted


def _multiply_adds(model: nn.Module, example: Tensor) -> tuple[int, tuple[str, ...]]:
    total = 0
    counted: set[nn.Module] = set()

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        counted.add(module)
        if isinstance(module, nn.Linear):
            total += output.numel() * module.in_features
        elif isinstance(module, nn.Conv2d):
            height, width = module.kernel_size
            total += output.numel() * (module.in_channels // module.groups) * height * width

    hooks = [
        module.register_forward_hook(count)
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    try:
        model(example)
    finally:
        for hook in hooks:
            hook.remove()
    # A layer used through its weights alone (as in attention) is never called, so never counted.
    not_counted = {
        type(module).__name__
        for module in model.modules()
        if module not in counted and _computes(module)
    }
    return total, tuple(sorted(not_counted))


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | torch.dtype)


def _computes(module: nn.Module) -> bool:
    is_leaf = next(module.children(), None) is None
    owns_parameters = next(module.parameters(recurse=False), None) is not None
    return is_leaf or owns_parameters


def _median_ms(model: nn.Module, x: Tensor, repeats: int) -> float:
    times = []
    for _ in range(_WARM_UP + repeats):
        _wait_for(x.device)
        start = time.perf_counter()
        model(x)
        _wait_for(x.device)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[_WARM_UP:])


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
