"""Start a smaller model from a larger one's weights."""

import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError


def start_from_teacher(student: nn.Module, teacher: nn.Module) -> None:
    """Copy a shape-matched slice of the teacher's linear layers into the student, in place.

    The student's first and last linear layers come from the teacher's first and last, those between
    from evenly spaced ones (every k-th layer). Of a wider layer the units that are kept are those
    of the largest weight norm, in their original order; a layer that follows on directly keeps the
    matching inputs, so with equal widths and depths the student computes what the teacher does.

    Raises:
        ConfigError: the student is deeper or wider than the teacher, their inputs or classes
            differ, or either has weights outside of linear layers.
    """
    ours, theirs = _linear_layers(student), _linear_layers(teacher)
    _check_fits(student, teacher, ours, theirs)
    chosen = _spread(len(ours), len(theirs))
    kept: Tensor | None = None
    with torch.no_grad():
        for depth, source_depth in enumerate(chosen):
            target, source = ours[depth], theirs[source_depth]
            follows = depth > 0 and chosen[depth - 1] == source_depth - 1
            inputs = (
                kept if kept is not None and follows else _strongest(source, target.in_features, 0)
            )
            units = _strongest(source, target.out_features, 1)
            target.weight.copy_(source.weight[units][:, inputs])
            if target.bias is not None:
                target.bias.zero_()
            if target.bias is not None and source.bias is not None:
                target.bias.copy_(source.bias[units])
            kept = units


def _linear_layers(model: nn.Module) -> list[nn.Linear]:
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def _spread(few: int, many: int) -> list[int]:
    """Indices of ``few`` of ``many`` layers, evenly spaced, always with the last."""
    if few == 1:
        return [many - 1]
    return [round(depth * (many - 1) / (few - 1)) for depth in range(few)]


def _strongest(layer: nn.Linear, count: int, dim: int) -> Tensor:
    """Indices of the ``count`` inputs (dim 0) or units (dim 1) with the largest norm, in order."""
    norms = layer.weight.norm(dim=dim)
    strongest: Tensor = norms.topk(count).indices.sort().values
    return strongest


def _check_fits(
    student: nn.Module, teacher: nn.Module, ours: list[nn.Linear], theirs: list[nn.Linear]
) -> None:
    key = "distillation.init=teacher"
    if not ours or not theirs:
        raise ConfigError(f"{key} needs linear layers in both models; one has none.")
    for model, linear in ((student, ours), (teacher, theirs)):
        covered = {id(parameter) for layer in linear for parameter in layer.parameters()}
        if any(id(parameter) not in covered for parameter in model.parameters()):
            raise ConfigError(
                f"{key} slices linear layers alone, and {type(model).__name__} has other layers "
                "with weights; use distillation.init=fresh."
            )
    if len(ours) > len(theirs):
        raise ConfigError(
            f"{key}: the student has {len(ours)} linear layers and the teacher {len(theirs)}; "
            "the student must not be deeper (see student.hidden and teacher.model.hidden)."
        )
    chosen = [theirs[depth] for depth in _spread(len(ours), len(theirs))]
    if len(ours) == 1 and len(theirs) > 1:
        raise ConfigError(
            f"{key}: a student of one linear layer has no slice of a deep teacher; "
            "use student=mlp or distillation.init=fresh."
        )
    if (
        ours[0].in_features != theirs[0].in_features
        or ours[-1].out_features != theirs[-1].out_features
    ):
        raise ConfigError(f"{key}: student and teacher must have the same inputs and classes.")
    for target, source in zip(ours, chosen, strict=True):
        if target.out_features > source.out_features or target.in_features > source.in_features:
            raise ConfigError(
                f"{key}: a student layer of {target.in_features} -> {target.out_features} does not "
                f"fit into the teacher's {source.in_features} -> {source.out_features}; make the "
                "student at most as wide (student.hidden) or the teacher wider "
                "(teacher.model.hidden)."
            )
