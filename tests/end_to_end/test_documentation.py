"""Every command of the documentation is run, as written, in the order a reader meets them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = ["README.md", *(f"docs/{page.name}" for page in sorted((REPOSITORY / "docs").glob("*.md")))]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """Every block of a language, with the page it stands on."""
    return [
        (page, code)
        for page in PAGES
        for found, code in BLOCK.findall((REPOSITORY / page).read_text())
        if found == language
    ]


def commands() -> list[tuple[str, str]]:
    """Every command of every shell block, with the page it stands on; a text may span lines."""
    found = []
    for page, code in blocks("sh"):
        command = ""
        for line in code.splitlines():
            command += line if not command else f"\n{line}"
            if command.count("'") % 2 == 0:
                found.append((page, command))
                command = ""
        assert not command, f"{page}: a quote is left open: {command}"
    return [(page, command) for page, command in found if command]


PLAIN = [(page, line) for page, line in commands() if not line.startswith("make ")]
MAKE = [line for _, line in commands() if line.startswith("make ")]
SERVES = re.compile(r"mlflow models serve .*--port (\d+)")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all commands, so that they find each other's results, as a reader's would."""
    return tmp_path_factory.mktemp("reader")


@pytest.fixture(scope="module")
def servers() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """What a reader would leave running in another terminal until they are done."""
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for server in running:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def surroundings() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}


def run(command: list[str] | str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command] if isinstance(command, str) else command,
        cwd=folder,
        env=surroundings(),
        text=True,
        capture_output=True,
        timeout=3600,
    )


def test_there_are_commands_and_pages_to_test():
    assert len(PLAIN) > 15
    assert {"make run", "make test", "make ui"} <= set(MAKE)


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        text = (REPOSITORY / page).read_text()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert ((REPOSITORY / page).parent / target).exists(), f"{page} links to {target}"


def test_every_page_is_linked_once_from_the_readme():
    links = re.findall(r"\]\((docs/[^)#]+\.md)", (REPOSITORY / "README.md").read_text())
    assert sorted(links) == [page for page in PAGES if page != "README.md"]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(("page", "command"), PLAIN, ids=[line for _, line in PLAIN])
def test_command(
    page: str, command: str, workspace: Path, servers: list["subprocess.Popen[bytes]"]
):
    serves = SERVES.match(command)
    if serves:
        server = subprocess.Popen(
            command.split(), cwd=workspace, env=surroundings(), start_new_session=True
        )
        servers.append(server)
        ping = f"http://127.0.0.1:{serves[1]}/ping"
        assert answer_of(urllib.request.Request(ping), server) == "\n"
        return
    done = run(command, workspace)
    assert done.returncode == 0, f"{page}: {command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_python_blocks(workspace: Path):
    assert run("fairkd experiment=debug", workspace).returncode == 0
    for page, code in blocks("python"):
        done = run([sys.executable, "-c", code], workspace)
        assert done.returncode == 0, f"{page}\n{done.stderr}"
        assert done.stdout


@pytest.mark.slow
@pytest.mark.data
def test_make_run_test_and_ui_in_a_fresh_copy(tmp_path: Path, free_port: Callable[[], int]):
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], REPOSITORY)
    copy = tmp_path / "fairkd"
    for name in listed.stdout.splitlines():
        if (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, copy / name)
    done = run("make run", copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "selection-rate gap" in done.stdout
    done = run("make test", copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)
    assert "fairkd" in _page_served_by_make_ui(copy, free_port())


def _page_served_by_make_ui(folder: Path, port: int) -> str:
    """Start ``make ui``, ask its REST interface for the experiments, and stop it."""
    environment = {**os.environ, "PORT": str(port)}
    server = subprocess.Popen(["make", "ui"], cwd=folder, env=environment, start_new_session=True)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search",
        data=b'{"max_results": 10}',
        headers={"Content-Type": "application/json"},
    )
    try:
        return answer_of(request, server)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def answer_of(request: urllib.request.Request, server: "subprocess.Popen[bytes]") -> str:
    """What a server that was just started answers, as soon as it does."""
    for _ in range(240):
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{request.full_url} did not answer within two minutes")
