"""The command by which MLflow serves a student, as it is shown to a person."""

import shlex

HOST = "127.0.0.1"
PORT = 5001


def serve_line(model: str, tracking_uri: str | None = None) -> str:
    """A line for a shell, on this machine alone; text from data is quoted.

    Args:
        model: the model's URI (``runs:/<id>/student``, ``models:/<name>/<version>``).
        tracking_uri: without a password; ``None`` where whoever reads the line knows it.
    """
    words = ["mlflow", "models", "serve", "-m", model, "--env-manager", "local"]
    line = shlex.join([*words, "--host", HOST, "--port", str(PORT)])
    if tracking_uri is None:
        return line
    return f"MLFLOW_TRACKING_URI={shlex.quote(tracking_uri)} {line}"
