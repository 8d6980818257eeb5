"""What the processes of a sweep import, and how they are spared half of the time that it takes."""

import gc
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from omegaconf import DictConfig, OmegaConf

from fairkd.sweeps.pool import ignore_interrupts


def needed(config: DictConfig) -> list[str]:
    """The modules that a job of this configuration imports sooner or later."""
    tracking = str(OmegaConf.select(config, "tracking._target_")).rpartition(".")[0]
    ours = [tracking] if tracking.startswith("fairkd.") else []
    return ["fairkd.sweeps.ahead", *ours]


def load(modules: Iterable[str]) -> None:
    """Import what stays in use until the process ends.

    The garbage collector would look through all of it again and again, a second in all; it waits
    meanwhile, and does not look at what was there by then ever again.
    """
    missing = [module for module in modules if module not in sys.modules]
    if not missing:
        return
    gc.disable()
    try:
        for module in missing:
            import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def prepare_process(modules: Sequence[str]) -> None:
    """Make a new process ready: Ctrl-C is its parent's business, and imports take seconds."""
    ignore_interrupts()
    load(modules)
