"""The same recipe gives the same bits, whatever ran before it and in whichever process."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

ONE_JOB = Path(__file__).with_name("one_job.py")
train = runpy.run_path(str(ONE_JOB))["train"]


def _equal(one: tuple[dict[str, Tensor], list], other: tuple[dict[str, Tensor], list]) -> bool:
    weights = all(torch.equal(value, other[0][name]) for name, value in one[0].items())
    return weights and one[1] == other[1]


def test_the_same_again_after_an_unrelated_job():
    first = train(seed=3)
    torch.manual_seed(1234)
    torch.rand(7)
    unrelated = train(seed=8, dropout=0.5)
    assert _equal(train(seed=3), first)
    assert not _equal(unrelated, first)


def test_the_same_whatever_the_threads_and_modes_outside():
    first = train(seed=3)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    try:
        assert _equal(train(seed=3), first)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.slow
def test_the_same_in_a_fresh_process(tmp_path):
    subprocess.run([sys.executable, str(ONE_JOB), str(tmp_path / "there.pt")], check=True)
    there = torch.load(tmp_path / "there.pt", weights_only=True)
    assert _equal(train(seed=3), (there["weights"], there["history"]))
