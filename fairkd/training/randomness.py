"""Keep one job's randomness from reaching another."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block with every global generator at ``seed``, then put them back as they were.

    Orders and initial values that fairkd draws come from generators of their own; this is for what
    only the global ones serve: the initial weights of torch's layers, and dropout.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


@contextmanager
def deterministic() -> Iterator[None]:
    """Run a block with torch's deterministic kernels only, then restore the mode.

    Torch would also fill every new tensor with NaN, to show who reads what was never written: that
    is a check for kernels, not for models, and a fifth of a small model's time.
    """
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    checks: Any = torch.utils.deterministic  # its switch is no ordinary attribute
    fill = checks.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by CUDA at its first use
    torch.use_deterministic_algorithms(True)
    checks.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        checks.fill_uninitialized_memory = fill


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run a block with that many threads per operation, then restore the number.

    The order of additions inside an operation depends on the number of threads, and so do the last
    bits of a result: it is part of a configuration, not of the machine's mood.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
