"""The browser that other tests look through sees what is there, and what went wrong."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = """<!doctype html><meta charset="utf-8"><title>t</title>
<style>
  body { background: white } @media (prefers-color-scheme: dark) { body { background: black } }
  @media print { #screen { display: none } }
</style>
<p id="screen">Only on screens</p>
<button onclick="document.body.append('pressed ' + innerWidth)">Press</button>
<button onclick="console.error('went', 3)">Complain</button>
<button onclick="setTimeout(() => nowhere.there)">Raise</button>
<img src="missing.png">"""


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    return file


def test_it_reads_clicks_and_hears_complaints(browser, page_file):
    page = browser.open(page_file, width=1000)
    assert "Only on screens" in page.text
    page.click("Press")
    page.wait_for("pressed 1000")
    missing = list(page.errors)
    assert len(missing) == 1
    assert missing[0].endswith("missing.png")
    page.click("Complain")
    page.click("Raise")
    page.wait_until("new Promise(done => setTimeout(() => done(true), 50))")
    assert page.errors[1] == "went 3"
    assert "nowhere is not defined" in page.errors[2]
    assert [url.rpartition("/")[2] for url in page.requests] == ["page.html", "missing.png"]
    page.close()


def test_a_text_that_never_comes_is_an_error(browser, page_file):
    page = browser.open(page_file)
    with pytest.raises(Exception, match=r"Waited 0 s for 'nothing like it'(?s:.*)Only on screens"):
        page.wait_for("nothing like it", seconds=0.2)
    page.close()


@pytest.mark.parametrize(
    ("dark", "colour"), [(False, "rgb(255, 255, 255)"), (True, "rgb(0, 0, 0)")]
)
def test_a_reader_may_prefer_dark_colours(browser, page_file, dark, colour):
    page = browser.open(page_file, dark=dark)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colour
    page.close()


def test_paper_and_phones(browser, page_file):
    page = browser.open(page_file, printed=True)
    assert "Only on screens" not in page.text
    page.close()
    page = browser.open(page_file, width=390, height=844)
    assert page.evaluate("devicePixelRatio") == 2
    page.close()


def test_pictures_are_kept(browser, page_file):
    page = browser.open(page_file, width=800, height=600)
    file = page.screenshot("harness")
    assert file.read_bytes().startswith(b"\x89PNG")
    assert page.evaluate("innerHeight") == 600
    page.close()
