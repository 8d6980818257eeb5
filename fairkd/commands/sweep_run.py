"""The run that a sweep has of its own in tracking, above those of its jobs."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from fairkd.commands.planned import Planned
from fairkd.record import parameters
from fairkd.sweeps.outcome import SEED_KEYS, varied_keys
from fairkd.sweeps.trial import Searching
from fairkd.tracking.interface import SWEEP_PARENT, Run, Tracking


class Described(NamedTuple):
    """How a sweep's own run is listed."""

    name: str
    data: str
    parameters: dict[str, object]


def of_grid(planned: Sequence[Planned]) -> Described:
    """A grid: under each varied key and each seed, its values."""
    flat = [parameters(p.job.config) for p in planned]
    grid: dict[str, object] = {
        key: ",".join(dict.fromkeys(str(values.get(key)) for values in flat))
        for key in [*varied_keys(flat), *SEED_KEYS]
    }
    data = planned[0].job.dataset.name
    return Described(f"sweep·{data}·{len(planned)} jobs", data, grid)


def of_search(search: Searching, planned: Sequence[Planned]) -> Described:
    """A search: under each key that it varies, from where to where."""
    seeds = parameters(planned[0].job.config)
    found = {**search.texts, **{key: seeds.get(key) for key in SEED_KEYS}}
    data = planned[0].job.dataset.name
    return Described(f"search·{data}·{search.n_trials} trials", data, found)


def parent_run(
    tracking: Tracking, sweep_id: str, described: Described
) -> AbstractContextManager[Run]:
    """The sweep's own run: that of an earlier attempt, or a new one."""
    found = tracking.parent_of(sweep_id)
    if found is not None:
        return tracking.resume(found)
    tags = {SWEEP_PARENT: sweep_id, "fairkd.data": described.data}
    return tracking.start(described.name, described.parameters, tags)
