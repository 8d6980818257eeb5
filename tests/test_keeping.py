from collections import Counter

import pytest
import torch
from torch import nn

from fairkd.evaluation.evaluation import Evaluation, Layout
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.keeping import Keeper, Memory
from fairkd.store import Content, Store
from fairkd.training.distil import Recipe, Trained
from fairkd.training.fit import Fitted, TrainerSettings

SETTINGS = EvaluationSettings()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def recipe():
    return Recipe(build=lambda: nn.Linear(3, 2), settings=TrainerSettings(torch.optim.SGD), seed=0)


class Worker:
    """Trains and measures, and counts how often."""

    def __init__(self):
        self.done = Counter()

    def train(self):
        self.done["train"] += 1
        model = nn.Linear(3, 2)
        nn.init.constant_(model.weight, self.done["train"])
        return Trained(model.eval(), Fitted([{"epoch": 0.0, "val/loss": 1.0}], 0), 1.0, 1)

    def evaluate(self):
        self.done["evaluate"] += 1
        number = float(self.done["evaluate"])
        return Evaluation({"a": number}, {"a": (number, float("nan"))}, {"sex": Layout((), ())})


def _weight(trained):
    return float(trained.model.weight.detach()[0, 0])


def test_a_memory_makes_a_result_once_and_forgets_the_least_used():
    memory, made = Memory(), Counter()

    def make(key):
        made[key] += 1
        return key

    for key in (0, 1, 0, *range(2, 33)):
        assert memory.recall("kind", key, lambda key=key: make(key)) == key
    assert set(made.values()) == {1}
    memory.recall("kind", 0, lambda: make(0))
    memory.recall("kind", 1, lambda: make(1))
    assert (made[0], made[1]) == (1, 2)
    memory.recall("other", 0, lambda: make(0))
    assert made[0] == 2


def test_models_of_a_process_are_read_from_the_store_once(store, recipe, monkeypatch):
    work, memory = Worker(), Memory()
    first = Keeper(store, (), memory).model("teacher", "k", recipe, work.train)
    assert not first.reused
    monkeypatch.setattr(Store, "get", lambda *_: pytest.fail("the store was asked"))
    second = Keeper(store, (), memory).model("teacher", "k", recipe, work.train)
    assert second.reused
    assert second.model is first.model
    assert work.done == {"train": 1}


def test_without_a_shared_memory_the_store_gives_the_same_model(store, recipe):
    work = Worker()
    fresh = Keeper(store).model("control", "k", recipe, work.train)
    read = Keeper(store).model("control", "k", recipe, work.train)
    assert read.reused
    assert torch.equal(read.model.weight, fresh.model.weight)
    assert (read.fitted, read.seconds, read.steps) == (fresh.fitted, fresh.seconds, fresh.steps)


def test_students_are_not_remembered(store, recipe):
    work, memory = Worker(), Memory()
    Keeper(store, (), memory).model("student", "k", recipe, work.train)
    store.put("student", "k", store_content(recipe, 7.0))
    assert _weight(Keeper(store, (), memory).model("student", "k", recipe, work.train)) == 7


def store_content(recipe, value):
    model = recipe.initial()
    nn.init.constant_(model.weight, value)
    return Content(
        tensors=model.state_dict(),
        record={"history": [{"epoch": 0.0}], "best_epoch": 0},
        about={"seconds": 1.0, "steps": 1},
    )


@pytest.mark.parametrize("kind", ["teacher", "control"])
def test_a_forced_model_is_trained_once_although_it_is_remembered(tmp_path, recipe, kind):
    work, memory = Worker(), Memory()
    Keeper(Store(tmp_path), (), memory).model(kind, "k", recipe, work.train)
    later = Store(tmp_path)  # a store object computes a forced entry once
    found = [
        _weight(Keeper(later, (kind,), memory).model(kind, "k", recipe, work.train))
        for _ in range(3)
    ]
    assert found == [2, 2, 2]
    assert _weight(Keeper(later, (), memory).model(kind, "k", recipe, work.train)) == 2
    assert work.done == {"train": 2}


def test_what_was_derived_from_a_replaced_model_is_forgotten(tmp_path, recipe):
    work, memory = Worker(), Memory()
    plain = Keeper(Store(tmp_path), (), memory)
    plain.model("teacher", "k", recipe, work.train)
    assert plain.recall("predictions", "k", lambda: "old") == "old"
    forced = Keeper(Store(tmp_path), ("teacher",), memory)
    forced.model("teacher", "k", recipe, work.train)
    assert forced.recall("predictions", "k", lambda: "new") == "new"
    forced.model("teacher", "k", recipe, work.train)
    assert forced.recall("predictions", "k", lambda: "newer") == "new"


def test_evaluations_are_remembered_and_forced_once(tmp_path):
    work, memory = Worker(), Memory()
    keeper = Keeper(Store(tmp_path), (), memory)
    first = keeper.evaluation("k", SETTINGS, work.evaluate)
    assert keeper.evaluation("k", SETTINGS, work.evaluate) is first
    unshared = Keeper(Store(tmp_path)).evaluation("k", SETTINGS, work.evaluate)
    assert repr(unshared.to_json()) == repr(first.to_json())
    assert work.done == {"evaluate": 1}
    later = Store(tmp_path)
    forced = [
        Keeper(later, ("evaluation",), memory).evaluation("k", SETTINGS, work.evaluate)
        for _ in range(2)
    ]
    assert [found.metrics["a"] for found in forced] == [2, 2]


def test_other_settings_and_other_stores_are_other_results(tmp_path):
    work, memory = Worker(), Memory()
    for folder, settings in (
        ("one", SETTINGS),
        ("one", EvaluationSettings(threshold=0.4)),
        ("two", SETTINGS),
    ):
        Keeper(Store(tmp_path / folder), (), memory).evaluation("k", settings, work.evaluate)
    assert work.done == {"evaluate": 3}
