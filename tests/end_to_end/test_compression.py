"""A student made smaller: a further row beside teacher, control and student, with group metrics."""

import pytest
from safetensors.torch import load_file

from fairkd.models.mlp import MLP
from fairkd.models.pruning import weight_sparsity

PRUNE = ("compression=prune", "compression.epochs=2")


def test_a_pruned_student_is_measured_beside_the_others(fairkd, place) -> None:
    ended = fairkd(*PRUNE, "compression.sparsity=0.7")
    assert ended.code == 0, ended.err
    assert "pruned: trained in" in ended.err
    assert "What changed for each group of colour: the pruned model minus teacher, and student" in (
        " ".join(ended.out.split())
    )
    run = place.run()
    found = run.lasting()
    for metric in ("accuracy", "demographic_parity_difference/colour", "nonzero"):
        assert f"test/pruned/{metric}" in found
    assert found["test/pruned/nonzero"] < 0.5 * found["test/student/nonzero"]
    assert found["test/pruned/parameters"] == found["test/student/parameters"]
    # The job is for what comes last; the student keeps its own names.
    assert found["test/accuracy"] == found["test/pruned/accuracy"]
    change = found["test/pruned/transfer/accuracy_difference_change_from_student/colour"]
    assert change == pytest.approx(
        found["test/pruned/accuracy_difference/colour"]
        - found["test/student/accuracy_difference/colour"]
    )
    assert {
        "groups/colour.pruned.csv",
        "transfer/colour.pruned.csv",
        "curves/pruned.json",
        "student/pruned.safetensors",
    } <= run.files()
    state = load_file(run.output / "pruned.safetensors")
    width, features = state["hidden1.0.weight"].shape
    model = MLP(features, 2, (width,))
    model.load_state_dict(state)
    assert weight_sparsity(model) == pytest.approx(0.7, abs=0.01)


def test_the_student_is_the_same_with_and_without_compression(fairkd, place) -> None:
    fairkd()
    ended = fairkd(*PRUNE)
    assert "student: reused from the store" in ended.err
    plain, pruned = (run.lasting() for run in place.runs())
    same = [name for name in plain if name.startswith("test/student/")]
    # Thresholds of equal accuracy look at all models.
    same = [name for name in same if "equal_accuracy" not in name]
    assert same
    assert {name: plain[name] for name in same} == {name: pruned[name] for name in same}


@pytest.mark.slow
def test_a_chain_of_steps_is_answered_from_the_store(fairkd, place) -> None:
    steps = ("compression=[prune,quantise]", "compression.epochs=1")
    first = fairkd(*steps, "compression.granularity=units", "compression.sparsity=0.5")
    assert first.code == 0, first.err
    found = place.run().lasting()
    assert found["test/pruned/parameters"] < 0.7 * found["test/student/parameters"]
    assert found["test/quantised/parameters"] == found["test/pruned/parameters"]
    again = fairkd(*steps, "compression.granularity=units", "compression.sparsity=0.5")
    assert "everything above is from the store" in again.out
    # Another way to measure: the models are there, and the same.
    other = fairkd(
        *steps, "compression.granularity=units", "compression.sparsity=0.5", "evaluation.seed=1"
    )
    assert "pruned: reused from the store" in other.err
    assert "quantised: reused from the store" in other.err
    newest = place.runs()[-1].lasting()
    for model in ("pruned", "quantised"):
        assert newest[f"test/{model}/auc"] == found[f"test/{model}/auc"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("compression=[quantise,prune]",),
            "compression.steps.pruned: Int8 cannot be pruned: it has no linear or convolutional",
        ),
        (
            ("compression=prune", "compression.epochs=0", "compression.learning_rate=0.1"),
            "compression.learning_rate has no effect with compression.epochs=0",
        ),
        (
            ("compression=prune", "compression.epochs=0", "compression.teaches=labels"),
            "compression.teaches has no effect with compression.epochs=0",
        ),
        (("+compression.steps.foo=1",), "compression.steps.foo=1 is no step"),
        (
            ("+compression.steps.foo._target_=torch.nn.Identity",),
            "compression.steps.foo._target_=torch.nn.Identity is no step of compression",
        ),
        (
            ("student=linear", "compression=prune", "compression.granularity=units"),
            "has no units between its layers to take out",
        ),
    ],
)
def test_refused_before_anything_is_trained(fairkd, place, words, sentence) -> None:
    ended = fairkd(*words)
    assert ended.code == 1
    assert sentence in ended.err
    assert not place.kept("teacher")


@pytest.mark.slow
def test_a_sweep_over_sparsity_trains_one_student(fairkd, place) -> None:
    ended = fairkd("-m", *PRUNE, "compression.sparsity=0.3,0.6,0.9")
    assert ended.code == 0, ended.err
    assert len(place.kept("student")) == 1
    assert len(place.kept("compressed")) == 3
    nonzero = [run.lasting()["test/pruned/nonzero"] for run in place.runs()]
    assert sorted(nonzero, reverse=True) == nonzero
    assert "Pruned models on test" in ended.out
    assert "pruned minus control, paired" not in ended.out  # one repetition
    heading = next(line for line in ended.out.splitlines() if "sparsity" in line)
    assert heading.count("sparsity") == 1
