import shlex
from dataclasses import replace

import pytest

from fairkd.reporting.report.assemble import Wanted, report_of
from fairkd.reporting.report.made import again
from fairkd.reporting.runs import FoundRuns


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["hydra.mode=MULTIRUN", "experiment=debug", "seed=0,1"],
            "python -m fairkd -m experiment=debug seed=0,1",
        ),
        (["sweep=weight"], "python -m fairkd sweep=weight"),
        (
            ["hydra.mode=MULTIRUN", "distillation=[hint,soft_targets]", "x=$(rm -r .); 'y'"],
            "python -m fairkd -m 'distillation=[hint,soft_targets]' "
            "'x=$(rm -r .); '\"'\"'y'\"'\"''",
        ),
    ],
)
def test_the_command_of_a_sweep(overrides, line):
    assert again(overrides) == line
    assert [word for word in overrides if word != "hydra.mode=MULTIRUN"] == [
        word for word in shlex.split(line)[3:] if word != "-m"
    ]


def test_what_a_report_says_of_its_making(kept, measured, configured):
    for seed in range(2):
        kept.add("one", measured(seed=seed), configured(seed=seed, weight=0))
    kept.add_parent("sweep·arrests", "hydra.mode=MULTIRUN\nexperiment=debug\nseed=0,1\n")
    for run in kept.runs:
        kept.texts[run.run_id, "overrides.txt"] = "experiment=debug\nseed=7\n"
    unfinished = replace(kept.runs[0], status="FAILED")
    found = FoundRuns(tuple(kept.runs), (unfinished,), others=3, repeated=4)
    report, _ = report_of(kept, found, Wanted(0.1, ("sweep=s1", "threshold=0.1"), figures=False))
    made = dict(report.made)
    assert made["Data"] == "arrests: 5,226 rows, fingerprint ab12"
    assert made["Groups on test"].startswith("sex: f ")
    assert made["Teacher"] == "MLP hidden=[64]"
    assert made["Distillation"] == "soft_targets"
    assert "Mitigation" not in made
    assert made["Seeds"] == "data.seed=0,1; teacher.seed=0,1; seed=0,1"
    assert made["Runs"] == (
        "2 finished, in experiment fairkd; missing: 1 job has no finished run: job 0 (FAILED); "
        "left out because a newer run is of the same job: 4; left out because they are not "
        "fairkd's: 3"
    )
    assert report.notes[0] == ("Not all of it is here: 1 job has no finished run: job 0 (FAILED).")
    run = next(run for run in kept.runs if run.run_id in report.commands[3].line)
    assert [command.line for command in report.commands] == [
        "python -m fairkd -m experiment=debug seed=0,1",
        "fairkd report sweep=s1 threshold=0.1",
        "python -m fairkd experiment=debug seed=7",
        f"fairkd check run={run.run_id} 'test/disparity<=0.1'",
        f"fairkd card run={run.run_id}",
    ]
    assert report.figures == []
