"""What all jobs of one process share: data sets, the store, tracking, what was measured once."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from fairkd.data.dataset import Dataset
    from fairkd.errors import FairkdError
    from fairkd.job import Job
    from fairkd.keeping import Keeper, Memory
    from fairkd.store import Store
    from fairkd.tracking.interface import Tracking

_MOST_DATASETS = 8


class Workshop:
    """Shared by the jobs of a process, so that the second job finds the first one's tools.

    Attributes:
        failures: models that are known to fail, by kind and key, and why.
    """

    def __init__(self) -> None:
        self.failures: dict[tuple[str, str], FairkdError] = {}
        self._memory: Memory | None = None
        self._stores: dict[Path, Store] = {}
        self._trackings: dict[str, Tracking] = {}
        self._datasets: OrderedDict[str, Dataset] = OrderedDict()  # the last ones
        self._in_use: WeakValueDictionary[str, Dataset] = WeakValueDictionary()
        self._settings: dict[str, object] = {}

    @property
    def memory(self) -> "Memory":
        """What jobs have read and measured."""
        from fairkd.keeping import Memory

        if self._memory is None:
            self._memory = Memory()
        return self._memory

    def store(self, root: Path | str) -> "Store":
        """The store in a folder: one object, so that a forced entry is computed once a command."""
        from fairkd.store import Store

        place = Path(root).absolute()
        if place not in self._stores:
            self._stores[place] = Store(place)
        return self._stores[place]

    def keeper(self, job: "Job", store: "Store") -> "Keeper":
        """A job's view of the store."""
        from fairkd.job import FORCES
        from fairkd.keeping import Keeper

        return Keeper(store, FORCES[job.force], self.memory, self.failures)

    def tracking(self, section: object, make: "Callable[[], Tracking]") -> "Tracking":
        """The tracking store of a resolved section, prepared once."""
        from fairkd.experiment import prepare

        key = _key(section)
        if key not in self._trackings:
            made = make()
            prepare(made)
            self._trackings[key] = made
        return self._trackings[key]

    def dataset(self, section: Mapping[str, Any], load: "Callable[[], Dataset]") -> "Dataset":
        """The data set of a resolved section, loaded once for all that use it at a time."""
        key = _key(section)
        found = self._in_use.get(key)
        if found is None:
            found = self._in_use[key] = load()
        self._datasets[key] = found
        self._datasets.move_to_end(key)
        if len(self._datasets) > _MOST_DATASETS:
            self._datasets.popitem(last=False)
        return found

    def settings(self, section: object, make: Callable[[], object]) -> object:
        """What a resolved section of values makes; these never change, so jobs may share them."""
        key = _key(section)
        if key not in self._settings:
            self._settings[key] = make()
        return self._settings[key]


def _key(section: object) -> str:
    return json.dumps(section, sort_keys=True, default=str)
