import pytest
import torch
from torch import Tensor

from fairkd.data.augmentation import Augmented, Augmenter, Flip, Noise, Shift
from fairkd.data.batch import Batch
from fairkd.errors import ConfigError


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _images(rows: int = 300, height: int = 6, width: int = 8) -> Tensor:
    """Images without a zero, so that a zero is padding."""
    return torch.rand(rows, 3, height, width, generator=_drawn(9)) + 0.5


def _moved(image: Tensor, down: int, right: int) -> Tensor:
    """One image moved by hand, pixel by pixel."""
    found = torch.zeros_like(image)
    _, height, width = image.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                found[:, row, column] = image[:, row - down, column - right]
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("change", [Shift(2), Flip(), Noise(0.1)], ids=lambda c: type(c).__name__)
def test_shape_and_type_stay_and_the_same_generator_gives_the_same_rows(change, dtype) -> None:
    x = _images().to(dtype)
    before = x.clone()
    one, again, other = change(x, _drawn()), change(x, _drawn()), change(x, _drawn(1))
    assert one.shape == x.shape
    assert one.dtype == dtype
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(x, before)


def test_nothing_is_drawn_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    for change in (Shift(2), Flip(), Noise(0.1)):
        change(_images(4), _drawn())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_shift_moves_every_image_by_its_own_distance_and_pads_with_zeros() -> None:
    x = _images()
    shifted = Shift(2)(x, _drawn())
    seen = []
    for image, found in zip(x, shifted, strict=True):
        (place,) = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(found, _moved(image, down, right))
        ]
        seen.append(place)
    assert len(set(seen)) == 25  # every distance within reach, in 300 images


def test_a_shift_by_nothing_changes_nothing() -> None:
    assert torch.equal(Shift(0)(_images(), _drawn()), _images())


def test_a_flip_mirrors_about_the_stated_share() -> None:
    x = _images(2000)
    flipped = Flip(0.3)(x, _drawn())
    mirrored = torch.tensor([torch.equal(f, i.flip(-1)) for f, i in zip(flipped, x, strict=True)])
    kept = torch.tensor([torch.equal(f, i) for f, i in zip(flipped, x, strict=True)])
    assert bool((mirrored ^ kept).all())
    assert float(mirrored.float().mean()) == pytest.approx(0.3, abs=0.04)  # four deviations


@pytest.mark.parametrize(("probability", "reversed_"), [(0.0, False), (1.0, True)])
def test_a_flip_may_be_never_or_always(probability: float, reversed_: bool) -> None:
    x = _images()
    expected = x.flip(-1) if reversed_ else x
    assert torch.equal(Flip(probability)(x, _drawn()), expected)


@pytest.mark.parametrize("shape", [(4000, 5), (500, 1, 5, 8)])
def test_noise_is_gaussian_of_the_stated_scale(shape: tuple[int, ...]) -> None:
    x = torch.full(shape, 3.0)
    added = Noise(0.2)(x, _drawn()) - x
    assert float(added.mean()) == pytest.approx(0.0, abs=0.006)
    assert float(added.std()) == pytest.approx(0.2, rel=0.03)
    assert float((added.abs() < 0.2).float().mean()) == pytest.approx(0.6827, abs=0.015)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Shift(-1),
            "pixels=-1 is out of range; accepted: a whole number of at least 0.",
        ),
        (
            lambda: Flip(1.5),
            "probability=1.5 is out of range; accepted: a number from 0 to 1.",
        ),
        (lambda: Noise(-0.1), "scale=-0.1 is out of range; accepted: a number of at least 0."),
        (
            lambda: Shift(1)(torch.zeros(2, 7), _drawn()),
            "Shift takes images, rows of shape [C, H, W], and these rows have the shape [7]; "
            "choose another augmentation (noise, none) or data of images.",
        ),
        (
            lambda: Flip()(torch.zeros(2, 7), _drawn()),
            "Flip takes images, rows of shape [C, H, W], and these rows have the shape [7]; choose "
            "another augmentation (noise, none) or data of images.",
        ),
        (
            lambda: Shift(6)(_images(2), _drawn()),
            "pixels=6 could move images of 6 x 8 out of sight; accepted: a whole number below 6.",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make()
    assert str(refused.value) == sentence


def _batch(rows: int = 40) -> Batch:
    return Batch(
        _images(rows),
        torch.arange(rows) % 3,
        torch.eye(rows),
        torch.arange(rows).flip(0),
        torch.ones(rows),
    )


def test_a_batch_changes_in_its_features_alone_and_says_so() -> None:
    batch = _batch()
    found = Augmenter({"noise": Noise(0.1)}, seed=0)(batch)
    assert isinstance(found, Augmented)
    assert not torch.equal(found.x, batch.x)
    for name in ("y", "group", "index", "weight"):
        assert getattr(found, name) is getattr(batch, name)
    assert isinstance(found.rows(slice(2)), Augmented)
    assert not isinstance(batch.rows(slice(2)), Augmented)


def test_seed_epoch_and_process_decide_what_is_drawn() -> None:
    def epoch(seed: int, number: int, rank: int = 0) -> Tensor:
        augment = Augmenter({"noise": Noise(0.1)}, seed)
        augment.begin(0)
        augment(_batch())  # what came before does not count
        augment.begin(number, rank)
        return torch.cat([augment(_batch()).x, augment(_batch()).x])

    first = epoch(0, 1)
    assert torch.equal(first, epoch(0, 1))
    assert not torch.equal(first[:40], first[40:])  # every step draws anew
    for other in (epoch(0, 2), epoch(1, 1), epoch(1, 0), epoch(0, 1, rank=1)):
        assert not torch.equal(first, other)


def test_the_order_in_which_they_are_named_says_nothing() -> None:
    both = {"shift": Shift(1), "noise": Noise(0.1)}
    turned = dict(reversed(both.items()))
    assert torch.equal(Augmenter(both, 0)(_batch()).x, Augmenter(turned, 0)(_batch()).x)
