"""The workflow file and the make target of docs/ci.md."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
(WORKFLOW,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/ci.md").read_text(), re.M | re.S)


def test_the_page_shows_the_workflow_of_this_repository() -> None:
    assert (ROOT / ".github/workflows/fairness.yml").read_text() == WORKFLOW


def test_the_workflow_is_one() -> None:
    found = yaml.safe_load(WORKFLOW)
    assert set(found) == {"name", True, "permissions", "jobs"}  # YAML 1.1 reads on as true
    assert set(found[True]) == {"pull_request", "workflow_dispatch"}
    assert found["permissions"] == {"contents": "read"}
    assert list(found["jobs"]) == ["check", "pages"]
    for job in found["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        for step in job["steps"]:
            assert len({"uses", "run"} & set(step)) == 1
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/x@v1"))


def test_every_test_in_a_browser_is_run_and_its_pictures_are_kept() -> None:
    steps = yaml.safe_load(WORKFLOW)["jobs"]["pages"]["steps"]
    (tests,) = [step for step in steps if "pytest" in step.get("run", "")]
    words = shlex.split(tests["run"])
    assert words[:3] == ["pytest", "-m", ""]
    in_a_browser = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"\(.*\bbrowser\b", file.read_text())
    }
    assert set(words[3:]) == in_a_browser
    (kept,) = [step["with"]["path"] for step in steps if "upload" in step.get("uses", "")]
    assert tests["env"] == {"FAIRKD_SCREENSHOTS": f"${{{{ github.workspace }}}}/{kept.strip('/')}"}


def test_the_check_in_it_is_one(fairkd: Any, tracked: list[str]) -> None:
    job = yaml.safe_load(WORKFLOW)["jobs"]["check"]
    (text,) = [step["run"] for step in job["steps"] if "fairkd check" in step.get("run", "")]
    words = shlex.split(text.replace("\\\n", " "))
    place = words.index(">>")
    assert words[place + 1 :] == ["$GITHUB_STEP_SUMMARY"]
    assert words[:3] == ["fairkd", "check", "sweep=ci"]
    given = [{"threshold=0.05": "threshold=1"}.get(word, word) for word in words[3:place]]
    ended = fairkd("check", "sweep=s", *given)
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith("### Check: a condition does not hold\n")
    assert "test/disparity &lt;= 0.08" in ended.out


def test_the_make_target() -> None:
    words = ["RUN=ab12", "HOLDS=test/disparity<=0.05 test/accuracy>=0.83", "ARGS=bounds=true"]
    ended = subprocess.run(
        ["make", "--no-print-directory", "-n", "check", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shlex.split(ended.stdout.splitlines()[-1])[1:] == [
        *("check", "run=ab12", "test/disparity<=0.05", "test/accuracy>=0.83", "bounds=true")
    ]
