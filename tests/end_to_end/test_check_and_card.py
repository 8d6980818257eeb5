"""Runs of real jobs: checked, described, and made again by the command that their card gives."""

import json
import re
import shlex

import pytest
import yaml

from fairkd.commands.dispatch import dispatch

pytestmark = pytest.mark.slow


def test_of_a_job(fairkd, place, capsys) -> None:
    assert fairkd("constraint.threshold=0.1", "force=student").code == 0
    run = place.run()
    value = run.metrics["test/accuracy"]
    assert dispatch(["check", f"run={run.run_id}", f"test/accuracy=={value!r}"]) == 0
    assert dispatch(["check", f"run={run.run_id}", f"test/accuracy>{value!r}"]) == 1
    capsys.readouterr()
    assert dispatch(["card", f"run={run.run_id}"]) == 0
    text = capsys.readouterr().out
    _, front, body = text.split("---\n", 2)
    metrics = yaml.safe_load(front)["model-index"][0]["results"][0]["metrics"]
    assert metrics[0]["value"] == pytest.approx(value, abs=1e-6)
    assert "A first look at privacy" in body
    (line,) = re.findall(r"```sh\n(.*)\n```", body)
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "fairkd"]
    assert "force=student" not in words
    capsys.readouterr()
    assert dispatch([*words[3:], "dry_run=true"]) == 0
    assert run.tags["fairkd.job_key"] in capsys.readouterr().out


def test_of_a_sweep(fairkd, place, capsys) -> None:
    assert fairkd("-m", "sweep.id=s", "constraint.weight=0,1", "replicate=0,1").code == 0
    capsys.readouterr()
    assert dispatch(["check", "sweep=s", "test/accuracy>=0", "format=json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["conditions"]
    runs = {run.run_id: run for run in place.runs()}
    values = [runs[run_id].metrics["test/accuracy"] for run_id in found["run_ids"]]
    assert len(values) == found["of"] == 2
    assert found["value"] == pytest.approx(sum(values) / 2, rel=1e-12)
    assert len({runs[run_id].params["constraint.weight"] for run_id in found["run_ids"]}) == 1
    for run in runs.values():
        given = (run.artifacts / "overrides.txt").read_text().splitlines()
        assert f"constraint.weight={run.params['constraint.weight']}" in given
        assert f"replicate={run.params['replicate']}" in given
        assert not any(word.startswith("sweep.") for word in given)
