"""Measure what a job trained: its models side by side, and what is tried instead of them."""

import logging
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import TypeVar

from fairkd.baselines.baseline import MEASURED, Fit, Given, Row
from fairkd.baselines.rows_kept import from_entry, to_content
from fairkd.evaluation.compression import Cost, architecture, cost, latency
from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.row_draws import SharedDraws
from fairkd.evaluation.scores import Scores
from fairkd.evaluation.trio import Trio, chosen_by, measure_trio
from fairkd.evaluation.truth import Truth
from fairkd.job import Job
from fairkd.keeping import Keeper
from fairkd.models.answers import Answers
from fairkd.models.features import ModelOutputs
from fairkd.privacy.membership import membership
from fairkd.store import Content
from fairkd.training.distil import Trained
from fairkd.training.inference import outputs_on

log = logging.getLogger(__name__)

_T = TypeVar("_T")
Predicted = Mapping[str, Mapping[str, Predictions]]
"""Predictions by split and model."""


def predicted(
    job: Job,
    keeper: Keeper,
    trained: Mapping[str, Trained],
    teacher_outputs: Mapping[str, ModelOutputs],
) -> Predicted:
    """What every trained model says about validation and test."""
    splits = job.dataset.splits
    drawn = keeper.recall("draws", None, SharedDraws)
    truths = {
        split: keeper.recall(
            "truth",
            (job.keys.teacher, split),
            partial(Truth.of, splits[split], job.dataset.blocks, job.dataset.classes, drawn),
        )
        for split in MEASURED
    }

    def predict(name: str, split: str) -> Predictions:
        known = teacher_outputs[split] if name == "teacher" else None
        logits = (known or outputs_on(trained[name].model, splits[split])).logits
        return Predictions.from_logits(logits, truths[split])

    return {
        split: {
            name: _shared(job, keeper, "predictions", name, split, partial(predict, name, split))
            for name in trained
        }
        for split in truths
    }


def baseline_of(job: Job, keeper: Keeper, predictions: Predicted) -> Fit | None:
    """The baseline's decisions, kept under what they depend on."""
    baseline = job.baseline
    if baseline is None or job.keys.baseline is None:
        return None
    final = ["student", *job.compression][-1]
    given = Given(job.dataset, predictions, final, job.evaluation)
    name = baseline.rows[-1]

    def make() -> Content:
        log.info("%s: fitting.", name)
        return to_content(baseline.fit(given))

    entry, computed = keeper.keep("baseline", job.keys.baseline, make)
    fit = from_entry(entry)
    how = f"fitted in {fit.seconds:.1f} s" if computed else "reused from the store"
    facts = "".join(f", {fact.replace('_', ' ')} {value:g}" for fact, value in fit.facts.items())
    log.info("%s: %s%s.", name, how, facts)
    return fit


def with_rows(predictions: Predicted, rows: Mapping[str, Row]) -> Predicted:
    """The same, with those of a baseline's rows beside them."""
    return {
        split: {
            **of_models,
            **{
                name: row.predictions(split, of_models["student"].truth)
                for name, row in rows.items()
            },
        }
        for split, of_models in predictions.items()
    }


def measured(
    job: Job,
    keeper: Keeper,
    trained: Mapping[str, Trained],
    predictions: Predicted,
    rows: Mapping[str, Row],
) -> Trio:
    """All models on test, at thresholds chosen on validation where a choice is asked for.

    What belongs to teacher and control is measured once for all jobs of the process.
    """
    settings = job.evaluation
    keys = {"teacher": job.keys.teacher, "control": job.keys.control}
    shared = partial(_shared, job, keeper)
    repeats = settings.latency_repeats

    def priced(name: str) -> Cost:
        model, example = trained[name].model, job.dataset.splits["test"].rows(slice(1)).floats
        n_threads = job.student.settings.threads
        same = (architecture(model), example.shape, example.dtype, repeats, n_threads)
        timed = keeper.recall("latency", same, partial(latency, model, example, repeats))
        return cost(model, example, timed)

    def measure(name: str) -> Evaluation:
        make = partial(evaluate, predictions["test"][name], settings)
        # The student's measurements are the job's own; the others' serve every job beside them.
        return keeper.evaluation(keys[name], settings, make) if name in keys else make()

    def choose(name: str) -> dict[str, float]:
        make = partial(chosen_by, predictions["validation"][name], settings)
        return shared("validation", name, repr(settings), make)

    costs = {name: shared("cost", name, repeats, partial(priced, name)) for name in trained}
    costs |= {name: row.cost or costs[row.adjusts or "student"] for name, row in rows.items()}
    return measure_trio(
        predictions["validation"],
        predictions["test"],
        costs,
        settings,
        measure,
        choose,
    )


def scores_of(job: Job, keeper: Keeper, predictions: Predicted) -> dict[str, Scores]:
    """How the scores on test lie, of every model that decides by them."""
    return {
        name: _shared(job, keeper, "scores", name, "test", partial(Scores.of, said))
        for name, said in predictions["test"].items()
        if said.decisions is None
    }


def memberships(
    job: Job,
    keeper: Keeper,
    trained: Mapping[str, Trained],
    teacher_outputs: Mapping[str, ModelOutputs],
    predictions: Predicted,
) -> dict[str, Evaluation]:
    """What the losses of every model that was trained tell of which rows trained it."""
    dataset, confidence = job.dataset, job.evaluation.confidence
    rows = dataset.splits["train"]
    # Teachers and controls serve jobs that are told other things of the training rows' groups.
    told = dataset.told_groups
    truth = keeper.recall(
        "truth",
        (job.keys.teacher, told),
        partial(Truth.of, rows, dataset.blocks, dataset.classes),
    )

    def measure(name: str) -> Evaluation:
        known = teacher_outputs["train"] if name == "teacher" else None
        said = Predictions.from_logits(
            (known or outputs_on(trained[name].model, rows)).logits, truth
        )
        return membership(said, predictions["test"][name], confidence)

    of = (told, confidence)
    return {
        name: _shared(job, keeper, "membership", name, of, partial(measure, name))
        for name, model in trained.items()
        if not isinstance(model.model, Answers)  # nobody knows which rows trained it
    }


def _shared(
    job: Job, keeper: Keeper, kind: str, name: str, of: Hashable, make: Callable[[], _T]
) -> _T:
    """Something of one model: of teacher and control once for all jobs of the process."""
    keys = {"teacher": job.keys.teacher, "control": job.keys.control}
    return keeper.recall(kind, (keys[name], of), make) if name in keys else make()
