"""How much memory a stack takes, and so how many members fit."""

import psutil
import torch

from fairkd.training.stack.member import Member

_COPIES_OF_PARAMETERS = 8  # values, gradients as they come and in order, two moments, best weights
_COPIES_OF_ACTIVATIONS = 4  # kept for the backward pass, its gradients, and what is in between
_SHARE_OF_FREE = 0.5


def member_bytes(member: Member) -> int:
    """About how many bytes one more member adds to a stack.

    Counted from its parameters and the outputs of its layers for one batch, the data not included.
    """
    rows = member.dataset.splits["train"].rows(slice(member.settings.batch_size))
    x = rows.floats
    sizes = [x.numel(), rows.group.numel()]
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output: sizes.append(_size(output)))
        for module in member.model.modules()
        if not list(module.children())
    ]
    was_training = member.model.training
    try:
        with torch.inference_mode():
            member.model.eval()(x)
    finally:
        member.model.train(was_training)
        for handle in handles:
            handle.remove()
    parameters = sum(map(_size, (*member.model.parameters(), *member.objective.parameters())))
    width = x.element_size() if member.settings.precision != "64-true" else 8
    return width * (_COPIES_OF_ACTIVATIONS * sum(sizes) + _COPIES_OF_PARAMETERS * parameters)


def most_members(member: Member, memory: int | None) -> int:
    """How many members like this fit into so many bytes; at least one.

    Args:
        member: one of them.
        memory: the bytes; ``None`` is half of what the machine has free now.
    """
    return max(1, (free_memory() if memory is None else memory) // member_bytes(member))


def free_memory() -> int:
    """Half of the bytes that are free now, on the CUDA device if there is one."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0] * _SHARE_OF_FREE)
    return int(psutil.virtual_memory().available * _SHARE_OF_FREE)


def _size(value: object) -> int:
    return value.numel() if isinstance(value, torch.Tensor) else 0
