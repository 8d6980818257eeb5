import subprocess
import sys


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, fairkd.tracking;"
        "print([m for m in ('mlflow', 'torch', 'pandas', 'pytorch_lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
