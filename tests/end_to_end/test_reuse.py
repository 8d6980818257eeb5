"""What was computed once is answered from the store, and only what is asked for is done again."""

import shutil
from pathlib import Path

import pytest
import torch


def outcome(printed: str) -> list[str]:
    """The printed results, without what says where they came from."""
    ours = ("run ", "folder ", "next ", "This job was done before")
    return [line for line in printed.splitlines() if not line.startswith(ours)]


def test_the_same_job_again_is_answered_from_the_store(fairkd, place) -> None:
    first = fairkd()
    second = fairkd()
    assert second.code == 0
    assert "training" not in second.err
    assert "everything above is from the store" in second.out
    assert outcome(first.out)[:20] == outcome(second.out)[:20]
    assert place.run().status == "FINISHED"
    assert place.run().run_id in second.out


@pytest.mark.slow
def test_numbers_that_are_equal_are_the_same_job(fairkd, place) -> None:
    fairkd("distillation.temperature=4")
    assert "from the store" in fairkd("distillation.temperature=4.0").out
    assert "from the store" in fairkd("trainer.accelerator=cpu", "trainer.progress=off").out
    assert len(place.runs()) == 1


@pytest.mark.slow
def test_forcing_the_student_repeats_it_bit_for_bit(fairkd, place) -> None:
    fairkd()
    ended = fairkd("force=student")
    assert ended.code == 0
    assert "teacher: reused from the store" in ended.err
    assert "control: reused from the store" in ended.err
    assert "student: trained in" in ended.err
    old, new = place.runs()
    assert (old.status, new.status) == ("FINISHED", "FINISHED")
    assert old.tags["fairkd.superseded"] == "true"
    assert "fairkd.superseded" not in new.tags
    assert new.lasting() == old.lasting()
    for name, value in old.weights().items():
        assert torch.equal(value, new.weights()[name]), name
    assert new.run_id in fairkd().out


@pytest.mark.slow
def test_forcing_all_trains_everything_again(fairkd, place) -> None:
    fairkd()
    ended = fairkd("force=all")
    for model in ("teacher", "control", "student"):
        assert f"{model}: trained in" in ended.err
    old, new = place.runs()
    assert new.lasting() == old.lasting()
    assert [len(place.kept(kind)) for kind in ("teacher", "control", "student", "job")] == [1] * 4


@pytest.mark.slow
def test_a_finished_job_gets_a_run_where_it_has_none(fairkd, place, migrated: Path) -> None:
    fairkd()
    first = place.run()
    elsewhere = type(place)(place.folder / "elsewhere")
    elsewhere.folder.mkdir()
    shutil.copy(migrated, elsewhere.folder / "mlflow.db")
    ended = fairkd(f"tracking.uri=sqlite:///{elsewhere.folder}/mlflow.db")
    assert ended.code == 0
    assert "training" not in ended.err
    again = elsewhere.run()
    assert (again.status, again.tags["fairkd.reused"]) == ("FINISHED", "true")
    assert set(again.metrics) == set(first.metrics)
    for name, value in first.metrics.items():
        # Curves are written in float32 while training, and from the record afterwards.
        expected = value if name.startswith("test/") else pytest.approx(value, rel=1e-6)
        assert again.metrics[name] == expected, name
    assert again.params == first.params
    assert again.files() == first.files()
    for name, value in first.weights().items():
        assert torch.equal(value, again.weights()[name]), name


@pytest.mark.slow
def test_a_new_measurement_trains_nothing(fairkd, place) -> None:
    fairkd()
    ended = fairkd("evaluation.threshold=0.6")
    assert ended.code == 0
    assert "training" not in ended.err
    assert len(place.runs("FINISHED")) == 2


@pytest.mark.slow
def test_a_damaged_teacher_is_reported_and_trained_again(fairkd, place) -> None:
    fairkd()
    (key,) = place.kept("teacher")
    file = place.folder / "store" / "teacher" / key / "tensors.safetensors"
    healthy = file.read_bytes()
    file.write_bytes(healthy[:-1] + bytes([healthy[-1] ^ 1]))
    ended = fairkd("distillation.temperature=2")
    assert ended.code == 0
    assert (
        f"{file.parent} is damaged and was removed: tensors.safetensors does not match its "
        "checksum.\n"
    ) in ended.err
    assert "teacher: trained in" in ended.err
    assert file.read_bytes() == healthy
    place.check_store()


@pytest.mark.slow
def test_what_it_costs_to_vary_a_seed(fairkd, place) -> None:
    fairkd()
    fairkd("seed=1")
    counts = {kind: len(place.kept(kind)) for kind in ("teacher", "control", "student", "job")}
    assert counts == {"teacher": 1, "control": 2, "student": 2, "job": 2}
    fairkd("replicate=1")
    assert len(place.kept("teacher")) == 2


def test_a_reused_job_leaves_its_student_in_its_folder_too(fairkd, place) -> None:
    fairkd()
    printed = fairkd().out
    folder = Path(
        next(line for line in printed.splitlines() if line.startswith("folder")).split()[1]
    )
    assert (folder / "student.safetensors").read_bytes() == (
        place.run().output / "student.safetensors"
    ).read_bytes()
    assert {path.name for path in (folder / "preparation").iterdir()}


def test_a_job_whose_student_is_gone_from_the_store_is_done_again(fairkd, place) -> None:
    fairkd()
    shutil.rmtree("store/student")
    ended = fairkd()
    assert ended.code == 0
    assert "no longer in the store: the job is done again" in ended.err
    old, new = place.runs()
    assert old.tags["fairkd.superseded"] == "true"
    assert new.lasting() == old.lasting()


def test_planning_leaves_a_damaged_entry_alone(fairkd, place) -> None:
    fairkd()
    (file,) = Path("store/teacher").glob("*/tensors.safetensors")
    file.write_bytes(b"damaged")
    assert "teacher: would be trained" in fairkd("dry_run=true").out
    assert file.read_bytes() == b"damaged"
