"""Time the commands that only print, from a warm disk cache: they load neither torch nor MLflow."""

import statistics
import subprocess
import sys
import time

COMMANDS = (["--help"], ["--version"], ["--cfg", "job"], ["data", "list"], ["data=nothing"])
REPEATS = 5


def seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "fairkd", *arguments], stdout=subprocess.DEVNULL, check=False,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


def main() -> None:
    print("start-up, median seconds (at most 1.5)")
    for arguments in COMMANDS:
        seconds(arguments)
        taken = statistics.median(seconds(arguments) for _ in range(REPEATS))
        print(f"  fairkd {' '.join(arguments):<14} {taken:.2f}")


if __name__ == "__main__":
    main()
