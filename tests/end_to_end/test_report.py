"""A report as a person sees it: figures drawn, tables that sort and filter, nothing fetched."""

import math
from pathlib import Path
from typing import Any

import pytest

SIZES = {"wide": (1280, False, False), "phone": (390, False, False), "dark": (1280, True, False)}


@pytest.fixture
def report(fairkd: Any, place: Any) -> Path:
    """Of a sweep over two temperatures and two weights, each twice."""
    from fairkd.commands.dispatch import dispatch

    words = ("distillation.temperature=1,4", "constraint.weight=0,0.5", "replicate=0,1")
    assert fairkd("-m", *words, "sweep.id=looked_at").code == 0
    assert dispatch(["report", "sweep=looked_at", "out=report.html", "threshold=0.1"]) == 0
    return Path(place.folder) / "report.html"


@pytest.mark.slow
def test_a_report_in_a_browser(browser: Any, report: Path) -> None:
    for name, (width, dark, printed) in SIZES.items():
        page = browser.open(report, width=width, dark=dark, printed=printed)
        page.wait_until("document.documentElement.classList.contains('drawn')")
        figures = page.evaluate("document.querySelectorAll('figure').length")
        assert figures >= 5
        drawn = "[...document.querySelectorAll('.plot')].filter(one => one.querySelector('svg'))"
        assert page.evaluate(f"{drawn}.length") == figures
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(f"report-{name}", whole=True)
        assert page.errors == []
        assert [
            one for one in page.requests if not one.startswith(("file:", "data:", "blob:"))
        ] == []
        page.close()


@pytest.mark.slow
def test_tables_sort_and_filter(browser: Any, report: Path) -> None:
    page = browser.open(report)
    cells = "[...document.querySelectorAll('#configurations tbody tr:not([hidden])')]"
    headings = "[...document.querySelectorAll('#configurations th')]"
    column = f"{headings}.findIndex(one => one.innerText.trim() === 'accuracy')"
    values = f"{cells}.map(row => Number(row.cells[{column}].dataset.value))"
    for direction in (1, -1):
        page.click_on(f"#configurations th:nth-child({page.evaluate(column) + 1}) button")
        found = page.evaluate(values)
        assert len(found) == 4
        assert not any(map(math.isnan, found))
        assert found == sorted(found, key=lambda value, way=direction: way * value)
    jobs = cells.replace("configurations", "jobs")
    assert page.evaluate(f"{jobs}.length") == 8
    page.evaluate(
        "(() => { const input = document.querySelector('#jobs input');"
        " input.value = 'T4 w0.5'; input.dispatchEvent(new Event('input')); })()"
    )
    shown = page.evaluate(f"{jobs}.map(row => row.cells[0].innerText)")
    assert len(shown) == 2
    assert all("T4" in name and "w0.5" in name for name in shown)
    assert page.evaluate("document.querySelector('#jobs output').value") == "2 of 8 rows"
    assert page.errors == []
    page.close()


@pytest.mark.slow
def test_a_report_on_paper(browser: Any, report: Path) -> None:
    page = browser.open(report, width=794, dark=True, printed=True)
    page.wait_until("document.documentElement.classList.contains('drawn')")
    seen = "getComputedStyle(document.querySelector('{}')).{}"
    assert page.evaluate(seen.format("nav", "display")) == "none"
    assert page.evaluate(seen.format("body", "backgroundColor")) == "rgb(255, 255, 255)"
    assert page.evaluate(seen.format("body", "color")) == "rgb(0, 0, 0)"
    page.screenshot("report-printed", whole=True)
    assert page.errors == []
    page.close()
