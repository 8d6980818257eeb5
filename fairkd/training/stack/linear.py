"""Linear layers in a stack, each member's product computed as it would be alone.

A batched matrix product may round otherwise than a single one: libraries choose the order of
additions by shape, and even by where in memory a matrix begins. So the members' products are taken
one after another, by the very calls that autograd makes for a lone layer, on tensors that begin
where an allocation of their own would. Only what surrounds the products is shared, which is where a
small model spends its time.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_ALIGNMENT = 64  # bytes; torch's allocations begin at multiples of it


class MembersLinear(TorchFunctionMode):
    """Within it, `torch.nn.functional.linear` under ``vmap`` rounds as it would for each member.

    Whoever calls it: `torch.nn.Linear`, a class derived from it, or a module of the user's own.

    Args:
        x: the members' batches of features, shape ``[K, B, ...]``.
        own: each member's batch where the loader put it, shape ``[B, ...]``.
    """

    def __init__(self, x: Tensor, own: Sequence[Tensor]) -> None:
        super().__init__()
        self._batches = _Batches(x, own)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Take over the calls that this is about, let all others pass."""
        if func is F.linear and len(args) == 3 and not kwargs and args[0].dim() == 2:
            x, weight, bias = args
            if bias is not None:
                return _Linear.apply(x, weight, bias, self._batches)  # type: ignore[no-untyped-call]  # torch's
        return func(*args, **(kwargs or {}))


class _Batches:
    """The batches in the loader's own memory: they may begin anywhere, alone as in a stack."""

    def __init__(self, x: Tensor, own: Sequence[Tensor]) -> None:
        self._x = x
        self._own = own

    def members(self, x: Tensor) -> list[Tensor]:
        """Each member's rows of ``x``, where they would lie alone."""
        if x.data_ptr() == self._x.data_ptr() and x.shape == self._x.flatten(2).shape:
            return [batch.flatten(1) for batch in self._own]
        return _aligned(x)


class _MembersLinear(torch.autograd.Function):
    """``x[k] @ weight[k].T + bias[k]`` for every k, with the gradients of a lone layer."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, batches: _Batches) -> Tensor:
        xs, weights = batches.members(x), _aligned(weight)
        y, ys = _empty(x.new_empty(0), x.shape[0], x.shape[1], weight.shape[1])
        for of_y, of_x, of_weight, of_bias in zip(ys, xs, weights, bias.unbind(), strict=True):
            torch.addmm(of_bias, of_x, of_weight.t(), out=of_y)
        ctx.xs, ctx.weights = xs, weights
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        xs, weights = ctx.xs, ctx.weights
        of_ys = _aligned(gradients[0])
        count, (rows, width), units = len(xs), xs[0].shape, weights[0].shape[0]
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x, out = _empty(gradients[0], count, rows, width)
            for of, of_y, weight in zip(out, of_ys, weights, strict=True):
                torch.mm(of_y, weight, out=of)
        if ctx.needs_input_grad[1]:
            of_weight, out = _empty(gradients[0], count, units, width)
            for of, of_y, x in zip(out, of_ys, xs, strict=True):
                torch.mm(of_y.t(), x, out=of)
        if ctx.needs_input_grad[2]:
            of_bias = gradients[0].sum(1)
        return of_x, of_weight, of_bias, None


class _Linear(torch.autograd.Function):
    """A linear layer that knows how to be one of many."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor, batches: _Batches) -> Tensor:  # noqa: ARG004
        return torch.addmm(bias, x, weight.t())

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        _, weight, bias, ctx.batches = inputs
        ctx.save_for_forward(weight, bias)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:  # noqa: ARG004
        raise RuntimeError("This layer is for stacks, under vmap.")

    @staticmethod
    def jvp(ctx: Any, of_x: Tensor, *of_others: Tensor | None) -> Tensor:
        """How the layer changes along a way in its input, which a term may ask for."""
        if any(other is not None for other in of_others[:2]):
            raise RuntimeError("This layer's weights do not vary along a way.")
        weight, bias = ctx.saved_tensors
        change: Tensor = _Linear.apply(of_x, weight, torch.zeros_like(bias), ctx.batches)  # type: ignore[no-untyped-call]  # torch's
        return change

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        *tensors, batches = inputs
        stacked = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(tensors, in_dims, strict=False)
        ]
        return _MembersLinear.apply(*stacked, batches), 0  # type: ignore[no-untyped-call]  # torch's


def _empty(like: Tensor, count: int, rows: int, columns: int) -> tuple[Tensor, list[Tensor]]:
    """Space for a matrix of each member, as a whole and one by one; each begins aligned."""
    size = rows * columns
    step = _ALIGNMENT // like.element_size()
    room = -(-size // step) * step
    whole = like.new_empty(count * room).as_strided((count, rows, columns), (room, columns, 1))
    return whole, list(whole.unbind())


def _aligned(stacked: Tensor) -> list[Tensor]:
    """Each member's matrix, beginning where an allocation of its own would."""
    ones = list(stacked.unbind())
    apart = stacked.stride(0) * stacked.element_size()
    if (stacked.data_ptr() | apart) % _ALIGNMENT == 0 or not ones[0].is_contiguous():
        return ones
    whole, copies = _empty(stacked, *stacked.shape)
    whole.copy_(stacked)
    return copies
