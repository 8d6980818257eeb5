"""What stands in the tables of a report."""

import math
from dataclasses import replace

import pytest

from fairkd.errors import TrackingError
from fairkd.reporting.report.assemble import Wanted, report_of
from fairkd.reporting.report.comparison import compared
from fairkd.reporting.report.configurations import (
    configurations_table,
    estimate_cell,
    points_cell,
)
from fairkd.reporting.report.document import Cell, Table
from fairkd.reporting.report.flipped import flipped_table
from fairkd.reporting.report.groups import groups_table
from fairkd.reporting.report.jobs import jobs_table
from fairkd.reporting.report.paper import paper_table
from fairkd.reporting.report.raw import LONGEST, raw_cell
from fairkd.reporting.runs import FoundRuns
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.summary import summarise

REPEATED = Estimate(0.8391, 0.01, 0.8351, 0.8431, "repetitions", 4, 4)


def test_numbers_with_their_intervals():
    assert estimate_cell(REPEATED).text == "0.839 ± 0.004"
    own = Estimate(-0.006, math.nan, -0.0124, 0.0004, "test rows", 1, 1)
    assert points_cell(own).text == "-0.6 [-1.2, 0.0]"
    assert points_cell(own).value == -0.6
    nothing = Estimate(math.nan, math.nan, math.nan, math.nan, "none", 0, 2)
    assert estimate_cell(nothing).text == "undefined"
    partly = replace(REPEATED, defined=3)
    assert estimate_cell(partly).text == "0.839 ± 0.004 (3 of 4)"
    assert points_cell(partly).text == "+83.9 ± 0.4 (3 of 4)"


def test_a_row_that_is_undefined_in_a_repetition_is_not_said_to_be_within(make):
    gaps = {0: (0.01, math.nan), 1: (0.04, 0.04)}
    jobs = [
        make(2 * w + seed, gap=gap, varied={"constraint.weight": w}, seed=seed)
        for w, of in gaps.items()
        for seed, gap in enumerate(of)
    ]
    summary = summarise(jobs)
    for threshold in (0.05, 0.02):  # the second row is chosen, and then the closest
        found = compared(summary.rows, list(summary.labels.values()), threshold, ())
        assert found.subject is not None
        assert found.subject.varied == {"constraint.weight": 1}
        table = configurations_table(found, "configurations", 0.95)
        partly = next(row for row in table.rows if row[1].text == "0")
        gap, *within = (
            partly[table.headings.index(name)].text
            for name in (
                "gap",
                f"within {threshold:g} on validation",
                f"within {threshold:g} on test",
            )
        )
        assert (gap, within) == ("0.010 (1 of 2)", ["undefined", "undefined"])
        assert "(k of n): the number is undefined in the other repetitions." in table.caption
        assert "0.010 (1 of 2)" in [
            cell.text for row in paper_table(found, "paper", 0.95).rows for cell in row
        ]


def test_a_column_is_numeric_if_all_that_it_tells_are_numbers():
    rows = ((Cell(""), raw_cell("4")), (raw_cell("a"), raw_cell("0.5")))
    table = Table("t", "", "", ("x", "y"), rows)
    assert table.numeric == (False, True)


def test_every_comparison_has_its_tables(kept, measured, configured):
    for weight in range(2):
        kept.add(f"w{weight}", measured(seed=weight), configured(weight=weight))
    report, _ = report_of(kept, FoundRuns(tuple(kept.runs)), Wanted(0.9, figures=False))
    # Nothing is repeated, so no difference can be tested.
    assert [table.name for table in report.tables] == ["configurations", "groups", "jobs"]
    configurations, groups, jobs = report.tables
    assert [len(table.rows) for table in report.tables] == [2, 6, 2]
    (place,) = configurations.marked
    (job,) = jobs.marked
    assert configurations.rows[place][1].text == jobs.rows[job][1].text  # the weight
    assert [cell.text for cell in jobs.rows[job]][-1] == f"run{job}"
    assert "[" in groups.rows[0][3].text


def test_groups_of_three_classes_and_an_empty_group(measured):
    record = measured(classes=("a", "b", "c"), cells=("f", "m", "x"), empty=("x",))
    table = groups_table(record.trio, "sex", "groups")
    assert {"selected of a", "selected of b", "selected of c"} <= set(table.headings)
    of_empty = [row for row in table.rows if row[0].text == "x"]
    assert {cell.text for row in of_empty for cell in row[3:]} == {"undefined"}
    assert {row[1].text for row in of_empty} == {"0"}


def test_flipped_rows_are_the_harmful_ones_first_and_those_against_the_control():
    text = (
        "row,label,kind,reference,age\n"
        "7,yes,harmful,teacher,50\n"
        "3,no,harmful,control,30\n"
        "8,no,beneficial,teacher,31\n"
        "9,no,beneficial,control,31\n"
    )
    table = flipped_table(text, "flipped", 3, "student")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["3", "no", "harmful", "control", "30"],
        ["7", "yes", "harmful", "teacher", "50"],
        ["9", "no", "beneficial", "control", "31"],
    ]
    assert "1 more are in flipped.csv" in table.caption
    assert "wrongly by the student (harmful)" in table.caption
    of_baseline = flipped_table(text, "flipped", 4, "threshold_optimizer")
    assert "more are in" not in of_baseline.caption
    assert "wrongly by the threshold_optimizer model (harmful)" in of_baseline.caption


def test_raw_values_of_any_kind_are_shown():
    long = "x" * 200_000  # more than the csv module reads
    text = (
        f'row,kind,reference,note,note\n3,harmful,control,NA,"{long}"\n4,harmful,control,"a\nb",\n'
    )
    table = flipped_table(text, "flipped", 5, "student")
    assert table.headings == ("row", "kind", "reference", "note", "note")
    assert [[cell.text for cell in row[3:]] for row in table.rows] == [
        ["NA", f"{'x' * LONGEST}… (200,000 characters)"],
        ["a\nb", ""],
    ]
    none = flipped_table("row,kind,reference\n", "flipped", 5, "student")
    assert none.rows == ()
    assert none.caption.endswith("changed most. There are none.")


@pytest.mark.parametrize("text", ["", "row,label\n1,yes\n", 'kind,reference\n"a'])
def test_a_damaged_table_of_flipped_rows_gets_a_sentence(text):
    with pytest.raises(TrackingError, match=r"flipped.csv of the run is damaged \("):
        flipped_table(text, "flipped", 5, "student")


@pytest.mark.parametrize(
    ("text", "value"), [("4", 4.0), ("-.5e-1", -0.05), ("+3.", 3.0), ("00123", 123.0)]
)
def test_what_is_written_as_a_number_is_one(text, value):
    assert raw_cell(text) == Cell(text, value)


@pytest.mark.parametrize("text", ["1_000", "inf", "nan", "1e999", " 4", "\u0664", "0x1", "", "-"])
def test_everything_else_is_text(text):
    assert raw_cell(text) == Cell(text)


def test_jobs_without_a_seed_have_an_empty_cell(make):
    table = jobs_table([make(0)], [])
    assert table.headings == (
        "name",
        "data.seed",
        "teacher.seed",
        "seed",
        "accuracy",
        "gap",
        "run",
    )
    assert table.marked == frozenset()


def test_comparisons_that_do_not_mix(kept, measured, configured):
    for place, name in enumerate(("arrests", "iris")):
        data = {"_target_": f"fairkd.data.{name}.load_{name}", "name": name}
        kept.add(name, measured(seed=place), configured(data=data))
    report, _ = report_of(kept, FoundRuns(tuple(kept.runs)), Wanted())
    gap = "demographic_parity_difference by sex on"
    assert [finding.comparison for finding in report.findings] == [
        f"{gap} load_arrests",
        f"{gap} load_iris",
    ]
    assert report.notes[0] == "These are 2 comparisons that do not mix."
    names = [table.name for table in report.tables] + [figure.name for figure in report.figures]
    assert len(set(names)) == len(names)
    assert {"configurations-1", "configurations-2", "jobs"} <= set(names)
    assert report.tables[0].title == f"Configurations ({report.findings[0].comparison})"
