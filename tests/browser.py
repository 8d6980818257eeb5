"""A headless Chromium, driven over a pipe in the DevTools protocol: what a person would see.

Nothing but Python is needed beside the browser itself. The protocol is described at
https://chromedevtools.github.io/devtools-protocol/.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

SETTING = "FAIRKD_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # root has none, and the pages are our own
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)
SECONDS = 30.0
# The browser reads its commands from descriptor 3 and answers on 4.
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
# The smallest visible elements whose whole text is the given one, in the order of the page.
FIND = """
(text) => [...document.querySelectorAll('body *')].filter(element => {
  const box = element.getBoundingClientRect();
  return (element.innerText || '').trim() === text && box.width && box.height
    && ![...element.children].some(child => (child.innerText || '').trim() === text);
})
"""


def executable() -> str | None:
    """Where a Chromium is: what $FAIRKD_BROWSER names, or the first of the usual names."""
    given = os.environ.get(SETTING)
    return shutil.which(given) if given else next(filter(None, map(shutil.which, NAMES)), None)


class BrowserError(Exception):
    """The browser is gone, silent, or refuses a command."""


class Browser:
    """One browser process; `open` gives pages.

    Args:
        program: the executable.
        profile: an empty folder for its profile.
        screenshots: the folder that pages put their pictures into.
    """

    def __init__(self, program: str, profile: Path, screenshots: Path) -> None:
        self.screenshots = screenshots
        self._number = 0
        self._unread = b""
        self._pages: dict[str, Page] = {}
        theirs, self._write = os.pipe()
        self._read, answers = os.pipe()
        # Above the numbers that they are copied to.
        given = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs, answers)]
        command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LAUNCH, *map(str, given), *command],
            pass_fds=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for end in (theirs, answers, *given):
            os.close(end)

    def open(
        self,
        address: str | Path,
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        printed: bool = False,
    ) -> "Page":
        """A page in a tab of its own, once its documents are loaded.

        Args:
            address: a URL or a file.
            width: of the window in CSS pixels; below 600 it is a phone's.
            height: of the window.
            dark: whether the reader prefers dark colours.
            printed: whether it is shown as on paper.
        """
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        asked = {"targetId": target, "flatten": True}
        session = self.call("Target.attachToTarget", asked)["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        phone = width < 600
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1}
        page.call("Emulation.setDeviceMetricsOverride", {**size, "mobile": phone})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = {"media": "print" if printed else "", "features": [scheme]}
        page.call("Emulation.setEmulatedMedia", media)
        url = address.absolute().as_uri() if isinstance(address, Path) else address
        page.go(url)
        return page

    def call(
        self, method: str, values: dict[str, Any] | None = None, session: str | None = None
    ) -> dict[str, Any]:
        """What the browser answers to a command.

        Raises:
            BrowserError: it refuses, ended, or does not answer.
        """
        self._number += 1
        asked: dict[str, Any] = {"id": self._number, "method": method, "params": values or {}}
        if session is not None:
            asked["sessionId"] = session
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        for answer in self._messages(SECONDS):
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                found: dict[str, Any] = answer["result"]
                return found
            page = self._pages.get(answer.get("sessionId", ""))
            if page is not None and "method" in answer:
                page.note(answer["method"], answer["params"])
        raise BrowserError(f"The browser did not answer {method} within {SECONDS:.0f} s.")

    def close(self) -> None:
        """End the browser."""
        with suppress(BrowserError, OSError):
            self.call("Browser.close")
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def _messages(self, seconds: float) -> Iterator[dict[str, Any]]:
        until = time.monotonic() + seconds
        while True:
            while b"\0" in self._unread:
                message, _, self._unread = self._unread.partition(b"\0")
                yield json.loads(message)
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                return
            more = os.read(self._read, 1 << 20)
            if not more:
                raise BrowserError(f"The browser ended with {self._process.wait(timeout=10)}.")
            self._unread += more


class Page:
    """One tab.

    Attributes:
        errors: what its console reported as an error, uncaught exceptions and failed requests.
        requests: the URLs that it asked for.
    """

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._browser = browser
        self._session = session
        self._target = target

    def call(self, method: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the tab answers to a command of the protocol."""
        return self._browser.call(method, values, self._session)

    def go(self, url: str) -> None:
        """Show another address.

        Raises:
            BrowserError: there is nothing to show.
        """
        failed = self.call("Page.navigate", {"url": url}).get("errorText")
        if failed:
            raise BrowserError(f"{url}: {failed}")
        self._wait(lambda: self.evaluate("document.readyState") == "complete", url, SECONDS)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, plain.

        Raises:
            BrowserError: it raised.
        """
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        found = self.call("Runtime.evaluate", asked)
        if "exceptionDetails" in found:
            raise BrowserError(_raised(found["exceptionDetails"]))
        return found["result"].get("value")

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return str(self.evaluate("document.body.innerText"))

    def wait_for(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until a text can be read on the page.

        Raises:
            BrowserError: it never could; with what could be read instead.
        """
        self._wait(lambda: text in self.text, f"'{text}'", seconds)

    def wait_until(self, expression: str, seconds: float = SECONDS) -> None:
        """Wait until a JavaScript expression is true.

        Raises:
            BrowserError: it never was.
        """
        self._wait(lambda: bool(self.evaluate(expression)), expression, seconds)

    def wait_idle(self, quiet: float = 1.0, seconds: float = SECONDS) -> None:
        """Wait until the page has asked for nothing for a while."""
        until = time.monotonic() + seconds
        asked, since = -1, time.monotonic()
        while time.monotonic() < until and time.monotonic() - since < quiet:
            self.evaluate("1")
            if len(self.requests) != asked:
                asked, since = len(self.requests), time.monotonic()
            time.sleep(0.1)

    def click(self, text: str, place: int = 0) -> None:
        """Click on what carries exactly this text; of several, on the one at a place."""
        self._wait(lambda: self._number_of(text) > place, f"'{text}' to click on", SECONDS)
        self._press(f"({FIND})({json.dumps(text)})[{place}]")

    def click_on(self, selector: str, place: int = 0) -> None:
        """Click on what a CSS selector finds."""
        found = f"document.querySelectorAll({json.dumps(selector)})"
        self.wait_until(f"{found}.length > {place}")
        self._press(f"{found}[{place}]")

    def hover(self, selector: str, place: int = 0) -> None:
        """Move the mouse over what a CSS selector finds."""
        found = f"document.querySelectorAll({json.dumps(selector)})"
        self.wait_until(f"{found}.length > {place}")
        self._mouse("mouseMoved", **self._centre(f"{found}[{place}]"))

    def screenshot(self, name: str, *, whole: bool = False) -> Path:
        """Keep a picture of the window, or of the whole page, as ``<name>.png``."""
        asked: dict[str, Any] = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            asked["clip"] = {**size, "scale": 1}
        picture = base64.b64decode(self.call("Page.captureScreenshot", asked)["data"])
        self._browser.screenshots.mkdir(parents=True, exist_ok=True)
        file = self._browser.screenshots / f"{name}.png"
        file.write_bytes(picture)
        return file

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def note(self, event: str, values: dict[str, Any]) -> None:
        """Remember an event of the tab, if it is one to remember."""
        if event == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(_raised(values["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and values["type"] in ("error", "assert"):
            said = [str(one.get("value", one.get("description", ""))) for one in values["args"]]
            self.errors.append(" ".join(said))
        elif event == "Log.entryAdded" and values["entry"]["level"] == "error":
            entry = values["entry"]
            self.errors.append(f"{entry['text']} {entry.get('url', '')}".strip())

    def _number_of(self, text: str) -> int:
        return int(self.evaluate(f"({FIND})({json.dumps(text)}).length"))

    def _press(self, element: str) -> None:
        centre = self._centre(element)
        self._mouse("mouseMoved", **centre)
        for kind in ("mousePressed", "mouseReleased"):
            self._mouse(kind, **centre, button="left", clickCount=1)

    def _centre(self, element: str) -> dict[str, float]:
        found: dict[str, float] = self.evaluate(
            f"(() => {{ const element = {element}; element.scrollIntoViewIfNeeded();"
            " const box = element.getBoundingClientRect();"
            " return {x: box.x + box.width / 2, y: box.y + box.height / 2}; })()"
        )
        return found

    def _mouse(self, kind: str, **values: Any) -> None:
        self.call("Input.dispatchMouseEvent", {"type": kind, **values})

    def _wait(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                raise BrowserError(
                    f"Waited {seconds:.0f} s for {what}; the page reads:\n{self.text}\n"
                    f"and its console: {self.errors}"
                )
            time.sleep(0.1)


def _raised(details: dict[str, Any]) -> str:
    return str(details.get("exception", {}).get("description") or details["text"])
