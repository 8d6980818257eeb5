"""The page on fairness says what its numbers say."""

from pathlib import Path

import pytest
import study_sweeps
from study_bounds import best_or_fairest, bound_row, chosen_or_closest, said
from study_fairness import STUDIES, _numbers, certifiable, chained, side_by_side
from study_frontier import NOBODY, areas_of, draw, frontier
from study_missing import missing
from study_temperature import temperature


def job(replicate: int, accuracy: float, gap: float, varied=None, metric="m/sex", **more: float):
    found = {"varied": varied or {}, "replicate": str(replicate), "metric": metric}
    for split in ("test", "validation"):
        for model in ("", "control/", "teacher/"):
            found |= {f"{split}/{model}accuracy": 0.85, f"{split}/{model}disparity": 0.17}
        found |= {f"{split}/accuracy": accuracy, f"{split}/disparity": gap}
    return {**found, **more}


def test_every_sweep_is_in_one_chain_and_those_of_a_chain_share_their_data() -> None:
    chains = chained(list(STUDIES))
    names = [(study, sweep.name) for chain in chains for study, sweep in chain]
    assert sorted(names) == sorted(
        (s, sweep.name) for s, (sweeps, _) in STUDIES.items() for sweep in sweeps
    )
    for chain in chains:
        assert len({study for study, _ in chain}) == 1
        assert len({tuple(w for w in s.words if w.startswith("data=")) for _, s in chain}) == 1
    assert chains[0][0][1].name == "adult_certified"  # the longest, so that nobody waits for it


def test_a_sweep_that_fails_ends_the_study_and_says_where_it_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\necho no such data\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setattr("study_fairness.sys.executable", str(failing))
    with pytest.raises(SystemExit, match=r"exit code 3: see .*output\.txt") as error:
        list(side_by_side(["temperature", "missing"], tmp_path, 2))
    said = Path(str(error.value).rpartition("see ")[2])
    assert said.read_text() == "no such data\n"
    assert not (tmp_path / "missing" / "proxy").exists()  # its chain's first one failed


def test_the_weight_is_chosen_on_validation() -> None:
    fair = job(0, 0.80, 0.01)
    accurate = job(0, 0.84, 0.04, **{"test/disparity": 0.09})
    unfair = job(0, 0.86, 0.10)
    assert best_or_fairest([fair, accurate, unfair], 0.05) is accurate
    assert best_or_fairest([accurate, unfair], 0.02) is accurate  # the fairest of them


def test_the_area_takes_the_best_setting_within_each_gap() -> None:
    jobs = [job(0, 0.80, 0.02), job(0, 0.84, 0.10), job(1, 0.90, 0.0)]
    areas = areas_of(jobs)
    # Of the 31 gaps from 0 to 0.15: 4 below 0.02 leave nobody, 16 the first, 11 the second.
    assert areas["0"] == pytest.approx((4 * NOBODY + 16 * 0.80 + 11 * 0.84) / 31)
    assert areas["1"] == pytest.approx(0.90)


def test_a_row_counts_what_held_and_what_was_certified() -> None:
    jobs = [
        job(0, 0.84, 0.03, **{"certify/certified": 1.0, "certify/exceeds": 0.01}),
        job(1, 0.84, 0.06, **{"certify/certified": 1.0, "certify/exceeds": 0.01}),
        job(2, 0.82, 0.04, **{"certify/certified": 0.0, "certify/exceeds": 0.01}),
    ]
    row = bound_row("ours", jobs, jobs, 0.05, "1.0")
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[1:3] == ["0.05", "ours"]
    assert cells[3].startswith("2/3 [0.09, 0.99]")
    assert cells[4] == "2; 1 held"
    assert cells[5].startswith("0.060")
    assert cells[6].startswith("0.833")
    assert cells[7].startswith("-0.017")
    assert cells[8] == ""


def test_another_row_is_compared_on_the_repetitions_that_it_has() -> None:
    certified = [
        job(r, accuracy, 0.03, **{"certify/certified": 1.0, "certify/exceeds": 0.01})
        for r, accuracy in ((0, 0.80), (1, 0.90), (2, 0.50))
    ]
    row = bound_row("other", [job(1, 0.91, 0.04), job(0, 0.83, 0.04)], certified, 0.05, "1.0")
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[4:6] == ["", ""]
    assert cells[8].startswith("+0.020")


def test_of_each_repetition_the_certified_choice_is_taken_or_the_closest() -> None:
    def found(replicate: int, accuracy: float, chosen: float, exceeds: float):
        return job(
            replicate,
            accuracy,
            0.03,
            **{"certify/certified": 1.0, "certify/chosen": chosen, "certify/exceeds": exceeds},
        )

    first = [found(0, 0.80, 0.0, -0.03), found(0, 0.84, 1.0, -0.01)]
    second = [found(1, 0.82, 0.0, 0.02), found(1, 0.81, 0.0, 0.01)]
    taken = chosen_or_closest([*first, *second])
    assert [one["test/accuracy"] for one in taken] == [0.84, 0.81]
    assert [one["certify/certified"] for one in taken] == [1.0, 0.0]


def test_what_rows_can_certify_is_told_in_the_sweeps_words(tmp_path: Path) -> None:
    output = tmp_path / "output.txt"
    told = "90 rows are kept to certify: a gap can be shown to be within about 0.3 at best."
    output.write_text(f"{told}\n2 jobs: 2 students in 1 stack.\n")
    assert certifiable(output) == [told]
    sweep = {"certifiable": [told]}
    assert said({"sweeps": {"compas_certified": sweep}}) == [f"- COMPAS: {told}"]


def test_the_figure_and_every_section_are_written(tmp_path: Path) -> None:
    swept = {"command": "fairkd -m", "seconds": 9.0, "refused": []}
    study = {
        "replicates": 2,
        "sweeps": {
            name: {**swept, "jobs": [job(r, 0.8 + r / 100, 0.05, {"constraint.weight": "1"})
                                     for r in (0, 1)]}
            for name in ("penalty", "hsic")
        },
    }  # fmt: skip
    draw(study, tmp_path / "frontier.png")
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
    assert "| hsic |" in frontier(study)
    heat = {"distillation.temperature": "4", "distillation.temperature_scaling": "none"}
    odds = {f"{m}/equalized_odds_difference/sex": 0.1 for m in ("student", "control", "teacher")}
    jobs = [job(r, 0.8, 0.2 + r / 1000, heat, **odds) for r in range(3)]
    told = temperature({"replicates": 3, "sweeps": {"adult": {**swept, "jobs": jobs}}})
    assert "| selection rate | none | 4 | +0.031 ± 0.002 * |" in told
    known = {"data.imperfect.known_groups": "0.05"}
    told = missing(
        {"replicates": 1, "sweeps": {"known rows": {**swept, "jobs": [job(0, 0.8, 0.04, known)]}}}
    )
    assert "| known rows | 5% | 0.800 | 0.040 | 1/1" in told


def test_a_jobs_numbers_are_read_from_the_sweeps_table() -> None:
    line = {"seed": "3", "disparity": "d/sex", "constraint.weight": "0.5", "job": "0"}
    numbers = ("accuracy", "disparity")
    for split in ("test", "validation"):
        line |= {f"{split}/{m}{n}": "0.5" for m in ("", "control/", "teacher/") for n in numbers}
    found = _numbers({**line, "certify/certified": "1.0", "certify/exceeds": ""})
    assert found["varied"] == {"constraint.weight": "0.5"}
    assert found["certify/certified"] == 1.0
    assert "certify/exceeds" not in found


def test_names_of_sweeps_are_distinct() -> None:
    for sweeps in (study_sweeps.BOUNDS, study_sweeps.FRONTIER, study_sweeps.MISSING):
        names = [sweep.name for sweep in sweeps]
        assert len(names) == len(set(names))
