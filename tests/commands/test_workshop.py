"""What the jobs of a process share."""

import gc
import weakref

from fairkd.commands.workshop import Workshop
from fairkd.data.dataset import Dataset


def dataset(name: str) -> Dataset:
    return Dataset(name, {}, (), (), "")  # type: ignore[arg-type]


def test_a_data_set_in_use_is_loaded_once_however_many_there_are() -> None:
    shop = Workshop()
    sections = [{"name": "adult", "seed": seed} for seed in range(20)]
    held = [shop.dataset(section, lambda: dataset("adult")) for section in sections]

    def never() -> Dataset:
        raise AssertionError("it was loaded again")

    assert all(
        shop.dataset(section, never) is one for section, one in zip(sections, held, strict=True)
    )


def test_data_sets_that_nobody_uses_are_forgotten_but_for_the_last() -> None:
    shop = Workshop()
    seen = [
        weakref.ref(shop.dataset({"seed": seed}, lambda: dataset("adult"))) for seed in range(20)
    ]
    gc.collect()
    alive = [reference() is not None for reference in seen]
    assert alive == [False] * 12 + [True] * 8
