import inspect
from pathlib import Path

import pandas as pd
import pytest

from fairkd.tracking import NoTracking, Run, Tracking
from fairkd.tracking.mlflow_run import TrackedRun
from fairkd.tracking.mlflow_tracking import MlflowTracking
from fairkd.tracking.none import NoRun


def test_no_tracking_takes_everything_and_finds_nothing(tmp_path: Path) -> None:
    tracking: Tracking = NoTracking()
    tracking.prepare()
    with tracking.start("a", {"x": 1}, {}, parent="p") as run:
        run.log_metrics({"a": 1.0}, step=1)
        run.log_table(pd.DataFrame(), "t.csv")
        run.log_file(tmp_path / "absent")
    assert (tracking.reap(), tracking.find("k"), tracking.supersede("k")) == ([], None, [])
    assert (tracking.finished("s"), tracking.finished(None), tracking.parent_of("s")) == (
        {},
        {},
        None,
    )
    with tracking.resume("r") as run:
        run.log_params({"x": 1})
    assert "tracking=none" in tracking.describe(run.run_id)
    assert list(tmp_path.iterdir()) == []


def test_errors_pass_through() -> None:
    with pytest.raises(KeyError), NoTracking().start("a", {}, {}):
        raise KeyError


@pytest.mark.parametrize(
    ("interface", "implementation"),
    [(Run, NoRun), (Run, TrackedRun), (Tracking, NoTracking), (Tracking, MlflowTracking)],
)
def test_signatures_are_those_of_the_interface(interface: type, implementation: type) -> None:
    methods = [name for name in vars(interface) if not name.startswith("_") and name != "run_id"]
    assert len(methods) >= 6
    for name in methods:
        ours = inspect.signature(getattr(implementation, name)).parameters
        assert ours == inspect.signature(getattr(interface, name)).parameters, name
