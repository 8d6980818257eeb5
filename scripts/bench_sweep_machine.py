"""What a benchmark ran on."""

import os
import platform
import re
from pathlib import Path
from typing import Any

import psutil
import torch


def machine() -> dict[str, Any]:
    """Cores, processor, memory, versions, and how busy the machine was."""
    return {
        "cores": cores(),
        "processor": processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def cores() -> int:
    """Cores that this process may use; two threads of one core count once."""
    physical = psutil.cpu_count(logical=False) or 1
    allowed = getattr(os, "sched_getaffinity", None)
    return min(physical, len(allowed(0))) if allowed is not None else physical


def processor() -> str:
    """The processor's model, as the system names it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        found = re.search(r"^model name\s*: (.+)$", information.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()
