"""Mitigations, from configuration to a tracked run: they change the student alone."""

import pytest
import torch

from fairkd.commands.configuration import config_folder

MITIGATIONS = sorted(
    file.stem for file in (config_folder() / "mitigation").glob("*.yaml") if file.stem != "none"
)
AT_THE_STUDENTS = ("equal_accuracy", "equal_selection_rate")
PLAIN = ("constraint=none",)


@pytest.mark.parametrize("name", MITIGATIONS)
def test_only_the_student_is_mitigated(fairkd, place, name) -> None:
    assert fairkd(*PLAIN).code == 0
    before = {kind: place.written(kind) for kind in ("teacher", "control", "student")}
    ended = fairkd(*PLAIN, f"mitigation={name}")
    assert ended.code == 0, ended.err
    for kind in ("teacher", "control"):
        assert place.written(kind) == before[kind]  # neither trained again, nor a second one
    assert len(place.written("student")) == 2
    plain, mitigated = place.runs()
    assert any(
        not torch.equal(value, mitigated.weights()[path]) for path, value in plain.weights().items()
    )
    for model in ("teacher", "control"):
        # What is compared at the student's own accuracy or selection rate depends on the student.
        found = {
            key: value
            for key, value in mitigated.lasting().items()
            if key.startswith(f"test/{model}/") and key.split("/")[2] not in AT_THE_STUDENTS
        }
        assert found
        assert found == {k: v for k, v in plain.lasting().items() if k in found}
    assert f"mitigation.terms.{name}._target_" in mitigated.params
    place.check_store()
