"""Servers that do not answer, and servers that do, over real sockets."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_server import check_reachable
from fairkd.tracking.mlflow_tracking import MlflowTracking


@contextmanager
def answering(code: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_refused_connection_is_one_sentence_at_once(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    free_port: Callable[[], int],
) -> None:
    uri = f"http://user:secret@127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(TrackingError) as raised:
        MlflowTracking(uri, locks=tmp_path / "locks").prepare()
    assert time.monotonic() - started < 5
    sentence = str(raised.value)
    assert sentence.startswith("The tracking server http://127.0.0.1:")
    assert "secret" not in sentence
    assert "does not answer (Connection refused); check that it runs" in sentence
    assert "tracking.uri" in sentence
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_a_silent_server_is_given_the_users_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "0.3")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(TrackingError, match=r"does not answer \(no answer in 0\.3 s\)"):
            check_reachable(f"http://127.0.0.1:{port}")
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("code", [200, 401, 404, 405, 500])
def test_any_answer_will_do(code: int) -> None:
    with answering(code) as uri:
        check_reachable(uri)


def test_only_addresses_are_tried() -> None:
    check_reachable("databricks")


def test_a_name_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(TrackingError, match="does not answer"):
        check_reachable("http://tracking.invalid:5000")
