"""A process that is stopped while it makes the database leaves nothing that stops the next one."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PREPARE = """
import sys
from fairkd.tracking.mlflow_tracking import MlflowTracking
print("begun", flush=True)
MlflowTracking(f"sqlite:///{sys.argv[1]}/mlflow.db", locks=f"{sys.argv[1]}/locks").prepare()
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("seed", range(4))
def test_a_stopped_migration_is_done_again(tmp_path: Path, how: signal.Signals, seed: int) -> None:
    command = [sys.executable, "-c", PREPARE, str(tmp_path)]
    begun = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert begun.stdout is not None
    begun.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.05, 1.5))
    begun.send_signal(how)
    begun.wait()
    begun.stdout.close()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locks", "mlflow.db"]
