import pytest
import torch

from fairkd.training.distil import assemble_student, train_student
from fairkd.training.modules import StudentModule


@pytest.fixture
def trained(tmp_path, dataset, recipe, distillation, teacher, teacher_outputs):
    made = recipe(max_epochs=4, mode="max", patience=3)
    file = tmp_path / "student.ckpt"
    return (
        train_student(
            made, distillation(pull=0.01), teacher, teacher_outputs, dataset, checkpoint=file
        ),
        file,
    )


@pytest.fixture
def fresh(dataset, recipe, distillation, teacher, teacher_outputs):
    """Everything a student module is made of, from another seed and with other knobs."""
    made = recipe(seed=9)
    model, objective = assemble_student(made, distillation(pull=0.5), teacher, dataset)
    return {
        "model": model,
        "objective": objective,
        "optimizer": made.settings.optimizer,
        "blocks": dataset.blocks,
        "n_classes": 2,
        "teacher": teacher_outputs,
    }


def test_it_loads_without_unpickling_and_holds_the_best_epoch(trained):
    student, file = trained
    checkpoint = torch.load(file, weights_only=True)
    assert student.fitted.best_epoch < 3  # the end state is another epoch's
    for name, value in student.model.state_dict().items():
        assert torch.equal(checkpoint["state_dict"][f"model.{name}"], value)
    assert checkpoint["optimizer_states"]
    best = next(s for name, s in checkpoint["callbacks"].items() if "BestEpoch" in name)
    assert best["epoch"] == student.fitted.best_epoch
    assert best["value"] == pytest.approx(
        student.fitted.history[best["epoch"]]["val/loss"], rel=1e-6
    )


def test_it_loads_into_a_fresh_module(trained, fresh):
    student, file = trained
    module = StudentModule(**fresh)
    assert module.objective.pull == 0.5
    module.load_state_dict(torch.load(file, weights_only=True)["state_dict"])
    x = torch.randn(5, 4)
    assert torch.equal(module(x), student.model(x))
    assert module.objective.pull == torch.tensor(0.01)  # knobs and start come with it


def test_lightning_loads_it_given_its_objects(trained, fresh):
    student, file = trained
    module = StudentModule.load_from_checkpoint(file, weights_only=True, **fresh)
    x = torch.randn(5, 4)
    assert torch.equal(module(x), student.model(x))
