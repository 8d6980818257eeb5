"""Linear layers in a stack, each member's product computed as it would be alone.

A batched matrix product may round otherwise than a single one: libraries choose the order of
additions by shape. So the members' products are taken one after another, by the very calls that
autograd makes for a lone layer. Only their surroundings are shared, which is where a small model
spends its time.
"""

from typing import Any

import torch
from torch import Tensor, nn


class _MembersLinear(torch.autograd.Function):
    """``x[k] @ weight[k].T + bias[k]`` for every k, with the gradients of a lone layer."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        y = x.new_empty(x.shape[0], x.shape[1], weight.shape[1])
        for of_y, of_x, of_weight, of_bias in zip(
            *map(torch.unbind, (y, x, weight, bias)), strict=True
        ):
            torch.addmm(of_bias, of_x, of_weight.t(), out=of_y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        of_y = gradients[0].contiguous().unbind()
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = torch.empty_like(x, memory_format=torch.contiguous_format)
            for out, given, factor in zip(of_x.unbind(), of_y, weight.unbind(), strict=True):
                torch.mm(given, factor, out=out)
        if ctx.needs_input_grad[1]:
            of_weight = torch.empty_like(weight)
            for out, given, factor in zip(of_weight.unbind(), of_y, x.unbind(), strict=True):
                torch.mm(given.t(), factor, out=out)
        if ctx.needs_input_grad[2]:
            of_bias = gradients[0].sum(1)
        return of_x, of_weight, of_bias


class _Linear(torch.autograd.Function):
    """A linear layer that knows how to be one of many."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.addmm(bias, x, weight.t())

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        raise RuntimeError("This layer is for stacks, under vmap.")

    @staticmethod
    def vmap(info: Any, in_dims: Any, *tensors: Tensor) -> Any:
        stacked = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(tensors, in_dims, strict=True)
        ]
        return _MembersLinear.apply(*stacked), 0  # type: ignore[no-untyped-call]  # torch's


class MembersLinear(nn.Linear):
    """An `nn.Linear` that, under ``vmap``, gives each member the bits it would have alone."""

    def forward(self, x: Tensor) -> Tensor:
        """As `nn.Linear`."""
        if x.dim() != 2 or self.bias is None:
            return super().forward(x)
        result: Tensor = _Linear.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]  # torch's
        return result


def with_members_linear(root: nn.Module) -> None:
    """Turn the plain linear layers of a module into `MembersLinear`; their tensors stay."""
    for module in root.modules():
        if type(module) is nn.Linear:
            module.__class__ = MembersLinear
