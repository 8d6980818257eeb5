"""Compute a part of a job, or take it from the store: models, their outputs, their evaluations."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass

from torch import Tensor, nn

from fairkd.data.dataset import SPLITS, Dataset
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.identity import REVISIONS
from fairkd.models.features import ModelOutputs
from fairkd.store import Content, Entry, Store, content_key
from fairkd.training.distil import Recipe, Trained
from fairkd.training.fit import Fitted
from fairkd.training.inference import outputs_on
from fairkd.training.modules import DivergedError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keeper:
    """The store, and which kinds of entries are computed anew although they are there.

    Attributes:
        store: where everything is kept.
        forced: kinds; each entry of them is recomputed once in the store object's life.
    """

    store: Store
    forced: Collection[str] = ()

    def keep(self, kind: str, key: str, make: Callable[[], Content]) -> tuple[Entry, bool]:
        """The entry, and whether it was computed now."""
        return self.store.get_or_make(kind, key, make, force=kind in self.forced)

    def model(self, kind: str, key: str, recipe: Recipe, train: Callable[[], Trained]) -> Trained:
        """A trained model: trained now, or built again with the kept weights.

        Args:
            kind: ``teacher``, ``control`` or ``student``.
            key: of its weights.
            recipe: builds it.
            train: trains it.
        """
        fresh: list[Trained] = []

        def make() -> Content:
            log.info("%s: training.", kind)
            try:
                trained = train()
            except DivergedError as error:
                section = "teacher.trainer" if kind == "teacher" else "trainer"
                raise DivergedError(f"{kind}: {error} Its settings are under {section}.") from error
            fresh.append(trained)
            return Content(
                tensors=trained.model.state_dict(),
                record=asdict(trained.fitted),
                about={
                    "model": type(trained.model).__name__,
                    "seconds": trained.seconds,
                    "steps": trained.steps,
                },
            )

        entry, _ = self.keep(kind, key, make)
        trained = fresh[0] if fresh else _restored(entry, recipe)
        log.info("%s: %s.", kind, _told(trained))
        return trained

    def weights(self, kind: str, key: str) -> dict[str, Tensor] | None:
        """A model's kept weights, if they are still there."""
        entry = self.store.get(kind, key)
        return None if entry is None else entry.tensors()

    def outputs(
        self, model_key: str, model: nn.Module, dataset: Dataset, layers: Sequence[str]
    ) -> dict[str, ModelOutputs]:
        """A model's logits, and the outputs of some layers, for every row of every split."""
        key = content_key(
            {"model": model_key, "layers": sorted(layers), "revision": REVISIONS["outputs"]}
        )

        def make() -> Content:
            named: dict[str, Tensor] = {}
            for split in SPLITS:
                outputs = outputs_on(model, dataset.splits[split], layers)
                named[f"{split}.logits"] = outputs.logits
                named |= {f"{split}.feature.{n}": f for n, f in outputs.features.items()}
            return Content(tensors=named, about={"model": model_key, "layers": list(layers)})

        tensors = self.keep("outputs", key, make)[0].tensors()
        return {
            split: ModelOutputs(
                tensors[f"{split}.logits"],
                {name: tensors[f"{split}.feature.{name}"] for name in layers},
            )
            for split in SPLITS
        }

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
        entry, _ = self.keep("evaluation", key, lambda: Content(record=make().to_json()))
        return Evaluation.from_json(entry.record)


def _restored(entry: Entry, recipe: Recipe) -> Trained:
    model = recipe.initial()
    model.load_state_dict(entry.tensors())
    fitted = Fitted(entry.record["history"], entry.record["best_epoch"])
    about = entry.about
    return Trained(model.eval(), fitted, about["seconds"], about["steps"], reused=True)


def _told(trained: Trained) -> str:
    best = f"best epoch {trained.fitted.best_epoch + 1} of {len(trained.fitted.history)}"
    if trained.reused:
        return f"reused from the store, {best}"
    return f"trained in {trained.seconds:.1f} s, {best}"
