"""``fairkd ui``: MLflow's pages over the tracked runs, and where to look first."""

import os
import sys
from collections.abc import Sequence

from fairkd.commands.asking import UsageError, asked

HOST = "127.0.0.1"
USAGE = f"""\
fairkd ui [port=5000]

Serves MLflow's pages at http://{HOST}:PORT until Ctrl-C, and prints for each experiment the address
where its runs stand with the columns that matter.

  tracking.uri=URI            the tracking store (else $MLFLOW_TRACKING_URI, else ./mlflow.db)
  tracking.experiment=NAME    print the address of this experiment alone
"""
_HIGHEST_PORT = 65535


def ui(words: Sequence[str]) -> int:
    """Run ``fairkd ui ...``; it becomes MLflow's server, unless the store has one already.

    Raises:
        UsageError: the words are not what the command accepts.
        TrackingError: there is no tracking store, or it cannot be reached.
    """
    if {"-h", "--help"} & set(words):
        print(USAGE, end="")
        return 0
    values = asked(words, ("port",), ("tracking.uri", "tracking.experiment"))
    port = values.get("port", "5000")
    if not port.isdecimal() or not 0 < int(port) <= _HIGHEST_PORT:
        raise UsageError(f"port={port} is not a port; accepted: 1 to {_HIGHEST_PORT}.")

    from fairkd.tracking.mlflow_database import is_server, resolve_uri
    from fairkd.tracking.mlflow_reading import MlflowReading

    uri = resolve_uri(values.get("tracking.uri"))
    server = uri.rstrip("/") if is_server(uri) else f"http://{HOST}:{port}"
    pages = MlflowReading(uri, values.get("tracking.experiment")).pages()
    for name, page in pages.items():
        print(f"{name}: {server}/{page}")
    if not is_server(uri):
        print("Ctrl-C stops.", flush=True)
        command = ["mlflow", "ui", "--host", HOST, "--port", port, "--backend-store-uri", uri]
        os.execv(sys.executable, [sys.executable, "-m", *command])
    return 0
