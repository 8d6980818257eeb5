from pathlib import Path

import torch
from safetensors.torch import load_file

from fairkd.data.arrests import load_arrests
from fairkd.job_folder import weights_file, write_figures, write_student
from fairkd.serving.description import Description


def test_pictures_take_the_place_of_those_that_a_folder_had(tmp_path: Path):
    write_figures(tmp_path, {"a.png": b"old", "b.png": b"old"})
    write_figures(tmp_path, {"a.png": b"new"})
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*/*")} == {"a.png": b"new"}
    write_figures(tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_in_a_jobs_folder_goes_when_the_job_is_done_again(
    tmp_path: Path,
):
    (tmp_path / ".partial-abc").mkdir()
    (tmp_path / ".partial-abc" / weights_file("student")).write_bytes(b"half")
    weights = {"student": {"weight": torch.arange(3.0)}, "pruned": {"weight": torch.zeros(2)}}
    dataset = load_arrests(seed=0)
    described = Description.of({"_target_": "own.Net"}, dataset, 0.5, weights)
    write_student(tmp_path, weights, dataset, described)
    assert not list(tmp_path.glob(".partial-*"))
    assert load_file(tmp_path / "student.safetensors")["weight"].tolist() == [0.0, 1.0, 2.0]
    assert load_file(tmp_path / "pruned.safetensors")["weight"].tolist() == [0.0, 0.0]
