"""What the processes of a sweep import, and when."""

import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from fairkd.sweeps.process import needed


def said_by_a_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("config", "modules"),
    [
        ({"tracking": {"_target_": "fairkd.tracking.none.NoTracking"}}, ["fairkd.tracking.none"]),
        ({"tracking": {"_target_": "mine.Tracking"}}, []),  # its own errors come with the jobs
        ({"tracking": "of another application"}, []),
        ({}, []),
    ],
)
def test_a_tracking_of_ours_is_needed(config: dict[str, object], modules: list[str]) -> None:
    assert needed(OmegaConf.create(config)) == ["fairkd.sweeps.ahead", *modules]


def test_processes_are_started_before_anything_heavy_is_imported() -> None:
    code = """
import sys
import fairkd.commands.train, fairkd.sweeps.launching, fairkd.sweeps.warm
import hydra_plugins.fairkd_sweeps.launcher, hydra_plugins.fairkd_sweeps.sweeper
print([name for name in ("torch", "pandas", "sklearn", "mlflow") if name in sys.modules])
"""
    assert said_by_a_process(code) == "[]"


def test_what_was_loaded_is_left_alone_and_the_rest_is_collected() -> None:
    code = """
import gc, weakref
from fairkd.sweeps.process import load
load(["wave"])
frozen = gc.get_freeze_count()
class Ring: pass
ring = Ring()
ring.itself = ring
seen = weakref.ref(ring)
load(["wave"])
del ring
gc.collect()
print(frozen > 0, gc.get_freeze_count() <= frozen, gc.isenabled(), seen())
"""
    assert said_by_a_process(code) == "True True True None"
