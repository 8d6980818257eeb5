"""Compute a part of a job, or take it from the store: models, their outputs, their evaluations."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from fairkd.data.dataset import SPLITS, Dataset
from fairkd.errors import FairkdError
from fairkd.evaluation.certificate import Certificate
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.identity import REVISIONS
from fairkd.models.answers import Answers
from fairkd.models.features import ModelOutputs
from fairkd.store import Content, Entry, Store, content_key
from fairkd.training.distil import Trained
from fairkd.training.fit import Fitted
from fairkd.training.inference import outputs_of
from fairkd.training.modules import DivergedError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Restores(Protocol):
    """Makes a model again from its kept weights; a `Recipe` does."""

    def restored(self, state: Mapping[str, Tensor]) -> nn.Module:
        """The model with these weights."""


Failures = Mapping[tuple[str, str], FairkdError]
"""Models that cannot be had, by kind and key, and why."""

_FRESH = "fresh"

_SHARED = ("teacher", "control", "outputs")
_OWN = ("student", "compressed")
_DOING = {"compressed": "compressing"}
_DERIVED = (
    *("outputs", "evaluation", "predictions", "validation", "cost"),
    *("scores", "membership"),
)
_MOST = 32
_MOST_OF_KIND = {
    "outputs": 4,  # features of every row can be large
    _FRESH: 1024,  # a stack, until its jobs have taken their students
    "layers": 1024,  # names alone, of every student of a stack
}


class Memory:
    """What the jobs of one process have in common, so that it is read and measured once.

    It holds the most recently used results of each kind and forgets the others. A memory belongs to
    one thread.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, OrderedDict[Hashable, Any]] = {}
        self._renewed: set[Hashable] = set()

    def recall(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """The remembered result; made, and remembered, where there is none."""
        known = self._kinds.setdefault(kind, OrderedDict())
        if key in known:
            known.move_to_end(key)
            found: T = known[key]
            return found
        made = make()
        # Making it may have made the memory forget.
        known = self._kinds.setdefault(kind, OrderedDict())
        known[key] = made
        if len(known) > _MOST_OF_KIND.get(kind, _MOST):
            known.popitem(last=False)
        return made

    def renew(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """`recall`, but the first time nothing that was known before is used."""
        if (kind, key) not in self._renewed:
            self._kinds.get(kind, OrderedDict()).pop(key, None)
            self._renewed.add((kind, key))
        return self.recall(kind, key, make)

    def take(self, kind: str, key: Hashable) -> Any:
        """The remembered result, handed over and forgotten; ``None`` where there is none."""
        return self._kinds.get(kind, OrderedDict()).pop(key, None)

    def forget(self, kinds: Collection[str]) -> None:
        """Forget every result of some kinds."""
        for kind in kinds:
            self._kinds.pop(kind, None)


@dataclass(frozen=True)
class Keeper:
    """The store, and which kinds of entries are computed anew although they are there.

    Attributes:
        store: where everything is kept.
        forced: kinds; each entry of them is recomputed once in the store object's life.
        memory: what other jobs of this process have read or computed already. A remembered entry
            is not read from the store again.
        failures: models that are known to fail.
    """

    store: Store
    forced: Collection[str] = ()
    memory: Memory = field(default_factory=Memory)
    failures: Failures = field(default_factory=dict)

    def has(self, kind: str, key: str) -> bool:
        """Whether there is an entry that need not be computed; only its manifest is looked at."""
        pending = kind in self.forced and (kind, key) not in self.store.made
        return not pending and self.store.holds(kind, key)

    def kept(self, kind: str, key: str) -> Entry | None:
        """The entry, unless it is to be computed."""
        return self.store.current(kind, key, force=kind in self.forced)

    def put(self, kind: str, key: str, content: Content) -> None:
        """Keep what was computed now."""
        self.store.renew(kind, key, content)

    def put_model(self, kind: str, key: str, trained: Trained) -> None:
        """Keep a model that was trained elsewhere, and remember it as trained now."""
        self.put(kind, key, _model_content(trained))
        self.memory.recall(_FRESH, (self.store.root, kind, key), lambda: trained)

    def keep(self, kind: str, key: str, make: Callable[[], Content]) -> tuple[Entry, bool]:
        """The entry, and whether it was computed now."""
        entry, computed = self.store.get_or_make(kind, key, make, force=kind in self.forced)
        if computed and kind in self.forced and kind in _SHARED:
            self.memory.forget(_DERIVED)  # it was derived from the entry that this one replaces
        return entry, computed

    def recall(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """What the process remembers; a forced kind is made once although it is remembered.

        Args:
            kind: what sort of result.
            key: what it depends on; the store need not be part of it.
            make: reads or computes it.
        """
        whole = (self.store.root, key)
        if kind in self.forced:
            return self.memory.renew(kind, whole, make)
        return self.memory.recall(kind, whole, make)

    def model(
        self,
        kind: str,
        key: str,
        recipe: Restores,
        train: Callable[[], Trained],
        called: str | None = None,
        doing: str | None = None,
    ) -> Trained:
        """A trained model: trained now, or built again with the kept weights.

        Teachers and controls, which many jobs share, are remembered.

        Args:
            kind: ``teacher``, ``control``, ``student`` or ``compressed``.
            key: of its weights.
            recipe: builds it.
            train: trains it.
            called: what the log calls it; its kind if not given.
            doing: what the log calls training it.
        """
        if (kind, key) in self.failures:
            raise self.failures[kind, key]
        fresh: list[Trained] = []

        def kept() -> Trained:
            ahead: Trained | None = self.memory.take(_FRESH, (self.store.root, kind, key))
            if ahead is not None:
                fresh.append(ahead)
                return replace(ahead, reused=True)
            entry, _ = self.keep(kind, key, make)
            return replace(fresh[0], reused=True) if fresh else _restored(entry, recipe)

        def make() -> Content:
            log.info("%s: %s.", called or kind, doing or _DOING.get(kind, "training"))
            try:
                trained = train()
            except ToldError:
                raise  # by the model that it needed first
            except DivergedError as error:
                raise diverged(called or kind, error) from error
            fresh.append(trained)
            return _model_content(trained)

        remembered = kept() if kind in _OWN else self.recall(kind, key, kept)
        return fresh[0] if fresh else remembered

    def weights(self, kind: str, key: str) -> dict[str, Tensor] | None:
        """A model's kept weights, if they are still there."""
        entry = self.store.get(kind, key)
        return None if entry is None else entry.tensors()

    def outputs(
        self, model_key: str, model: nn.Module, dataset: Dataset, layers: Sequence[str]
    ) -> dict[str, ModelOutputs]:
        """A model's logits, and the outputs of some layers, for every row of every split.

        Those of a model that only answers are its state, and kept as that.
        """
        if isinstance(model, Answers):
            return {split: outputs_of(model, dataset, split, layers) for split in SPLITS}
        key = content_key(
            {"model": model_key, "layers": sorted(layers), "revision": REVISIONS["outputs"]}
        )

        def make() -> Content:
            named: dict[str, Tensor] = {}
            for split in SPLITS:
                outputs = outputs_of(model, dataset, split, layers)
                named[f"{split}.logits"] = outputs.logits
                named |= {f"{split}.feature.{n}": f for n, f in outputs.features.items()}
            return Content(tensors=named, about={"model": model_key, "layers": list(layers)})

        def kept() -> dict[str, ModelOutputs]:
            tensors = self.keep("outputs", key, make)[0].tensors()
            return {
                split: ModelOutputs(
                    tensors[f"{split}.logits"],
                    {name: tensors[f"{split}.feature.{name}"] for name in layers},
                )
                for split in SPLITS
            }

        return self.recall("outputs", key, kept)

    def evaluation(
        self, model_key: str, settings: EvaluationSettings, make: Callable[[], Evaluation]
    ) -> Evaluation:
        """A model's measurement on test under the given settings."""
        key = content_key(
            {
                "model": model_key,
                "settings": asdict(settings),
                "revision": REVISIONS["evaluation"],
            }
        )

        def kept() -> Evaluation:
            entry, _ = self.keep("evaluation", key, lambda: Content(record=make().to_json()))
            return Evaluation.from_json(entry.record)

        return self.recall("evaluation", key, kept)


class ToldError(DivergedError):
    """The same, with the model's name."""


def diverged(called: str, error: DivergedError) -> DivergedError:
    """The same refusal with the model's name, and where its settings are."""
    if called.startswith("teacher"):
        section = ".".join(["teacher"] * (called.count("'s teacher") + 1) + ["trainer"])
    elif called in ("control", "student"):
        section = "trainer"
    else:
        section = "compression, and trainer"
    return ToldError(f"{called}: {error} Its settings are under {section}.")


def _model_content(trained: Trained) -> Content:
    return Content(
        tensors=trained.model.state_dict(),
        record=asdict(trained.fitted),
        about={
            "model": type(trained.model).__name__,
            "seconds": trained.seconds,
            "steps": trained.steps,
            "together": trained.together,
        },
    )


def _restored(entry: Entry, recipe: Restores) -> Trained:
    model = recipe.restored(entry.tensors())
    plain = entry.record
    certificate = plain.get("certificate")
    fitted = Fitted(
        plain["history"],
        plain["best_epoch"],
        None if certificate is None else Certificate.from_json(certificate),
    )
    about = entry.about
    return Trained(model.eval(), fitted, about["seconds"], about["steps"], reused=True)


def told(trained: Trained) -> str:
    """How a model came to be, in a few words."""
    fitted = trained.fitted
    if trained.steps == 0 and not trained.reused:
        return f"made in {trained.seconds:.1f} s" if trained.seconds else "given, and not trained"
    best = f"best epoch {fitted.kept_epoch + 1} of {fitted.epochs}"
    if fitted.retrained:
        best += ", its last layer retrained"
    if trained.reused:
        return f"reused from the store, {best}"
    if trained.together > 1:
        return f"trained in a stack of {trained.together}, {best}"
    return f"trained in {trained.seconds:.1f} s, {best}"
