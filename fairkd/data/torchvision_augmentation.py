"""Transforms of torchvision as an augmentation, each image with random numbers of its own."""

from collections.abc import Callable

import torch
from torch import Tensor

from fairkd.data.augmentation import check_images
from fairkd.errors import ConfigError, first_line

TARGET = "fairkd.data.torchvision_augmentation.TorchvisionTransform"
"""What configurations call the class of this file."""


class TorchvisionTransform:
    """A transform of ``torchvision.transforms.v2``, applied to one image at a time.

    Such a transform changes all images of a batch alike, and draws from torch's global generator:
    here each image gets its own change, from a generator that is seeded for the call and put back
    afterwards. It works on the CPU, so that every device gets the same images.

    Args:
        transform: takes and gives an image of floats from 0 to 1, shape ``[C, H, W]``.

    Raises:
        ConfigError: torchvision cannot be imported, or the transform is none of its v2; when
            called, rows that are no images, or images whose shape or type changes.
    """

    def __init__(self, transform: Callable[[Tensor], Tensor]) -> None:
        check_torchvision()
        from torchvision.transforms import v2

        if not isinstance(transform, v2.Transform):
            raise ConfigError(
                f"transform={type(transform).__module__}.{type(transform).__qualname__} is no "
                "transform of torchvision.transforms.v2; accepted: one of those, Compose included."
            )
        self.transform = transform

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The changed images, shape ``[B, C, H, W]`` like ``x``."""
        check_images(x, "TorchvisionTransform")
        seed = int(torch.randint(2**62, (), generator=generator))
        images = x.cpu()
        found = torch.empty_like(images)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # not those of accelerators
            for place, image in enumerate(images):
                found[place] = self._changed(image)
        return found.to(x.device)

    def _changed(self, image: Tensor) -> Tensor:
        changed: Tensor = self.transform(image)
        if changed.shape != image.shape or changed.dtype != image.dtype:
            raise ConfigError(
                f"{type(self.transform).__name__} makes {changed.dtype} of shape "
                f"{list(changed.shape)} out of an image of {image.dtype} and shape "
                f"{list(image.shape)}; an augmentation keeps both."
            )
        return changed


def check_torchvision() -> None:
    """Refuse transforms of torchvision where it cannot be imported.

    Raises:
        ConfigError: it is not installed, or was built for another torch.
    """
    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Transforms of torchvision need torchvision, which is not installed; "
            "pip install 'fairkd[images]', or choose another augmentation (shift, flip, noise)."
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        problem = first_line(error)
        raise ConfigError(
            f"torchvision is installed and cannot be imported ({problem}); install the build that "
            f"belongs to torch {torch.__version__}, from the same index as torch."
        ) from error
