"""What a job leaves: its record, kept in the store and written into a tracked run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fairkd.evaluation.certificate import Certificate
from fairkd.evaluation.evaluation import (
    Evaluation,
    encoded,
    evaluations_from_json,
    evaluations_to_json,
    number,
)
from fairkd.evaluation.flipped import Flipped
from fairkd.evaluation.held import Held
from fairkd.evaluation.scores import Scores
from fairkd.evaluation.trio import Trio
from fairkd.tracking.slug import metric_name

GROUP_METRICS_LIMIT = 200
"""Above so many per-group values a run holds them in its tables alone."""

_NOT_PARAMETERS = ("paths", "tracking", "sweep", "force", "dry_run")


HOLDS, CERTIFIED = "fairkd.holds", "fairkd.certified"
"""Tags of a run, yes or no: of its final model on test, and of its student on certifying rows."""


@dataclass(frozen=True)
class Headline:
    """The one disparity that runs are compared by.

    Attributes:
        metric: its name in the record (``demographic_parity_difference``).
        block: of which group block.
    """

    metric: str
    block: str

    @property
    def name(self) -> str:
        """Its full name among an evaluation's metrics."""
        return f"{self.metric}/{self.block}"


@dataclass(frozen=True)
class JobRecord:
    """Everything measured in one job.

    Attributes:
        trio: teacher, control and student on test, and the further models.
        histories: each trained model's rows by epoch; a baseline has none.
        best_epochs: the same models' kept epochs, counted from 0.
        seconds: each model's training time.
        headline: what ``test/disparity`` is.
        bounds: how each constraint's bound stands, by its name.
        certificate: what certifying rows say of the student; ``None`` where nothing was to be
            certified.
        scores: how the scores on test lie, of each model that decides by them.
        flipped: the rows of test that the final model decides otherwise than teacher or control.
        membership: of each trained model, what its losses tell of which rows trained it.
    """

    trio: Trio
    histories: Mapping[str, list[dict[str, float]]]
    best_epochs: Mapping[str, int]
    seconds: Mapping[str, float]
    headline: Headline
    bounds: Mapping[str, Held] = field(default_factory=dict)
    certificate: Certificate | None = None
    scores: Mapping[str, Scores] = field(default_factory=dict)
    flipped: Flipped | None = None
    membership: Mapping[str, Evaluation] = field(default_factory=dict)

    @property
    def headline_bounds(self) -> list[Held]:
        """The bounds on the headline."""
        return [bound for bound in self.bounds.values() if bound.name == self.headline.name]

    def disparity(self, model: str, split: str) -> float:
        """A model's headline disparity on ``validation`` or ``test``; NaN where undefined."""
        trio, name = self.trio, self.headline.name
        known = trio.validation[model] if split == "validation" else trio.evaluations[model].metrics
        if name in known:
            return known[name]
        return next(bound.values[split][model] for bound in self.headline_bounds)

    def disparity_interval(self, model: str) -> tuple[float, float] | None:
        """The interval of a model's headline disparity on test; ``None`` where there is none."""
        name = self.headline.name
        if name in self.trio.evaluations[model].intervals:
            return self.trio.evaluations[model].intervals[name]
        known = (bound.intervals for bound in self.headline_bounds)
        return next((intervals[model] for intervals in known if model in intervals), None)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values for standard JSON."""
        return {
            "trio": self.trio.to_json(),
            "histories": {name: _columns(rows) for name, rows in self.histories.items()},
            "best_epochs": dict(self.best_epochs),
            "seconds": dict(self.seconds),
            "headline": asdict(self.headline),
            "bounds": {name: bound.to_json() for name, bound in self.bounds.items()},
            "certificate": None if self.certificate is None else asdict(self.certificate),
            "scores": {name: scores.to_json() for name, scores in self.scores.items()},
            "flipped": None if self.flipped is None else self.flipped.to_json(),
            "membership": evaluations_to_json(self.membership),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "JobRecord":
        """The record that `to_json` gave, every float with the same bits.

        Raises:
            DataError: an evaluation in it is not one.
        """
        return cls(
            trio=Trio.from_json(plain["trio"]),
            histories={name: _rows(columns) for name, columns in plain["histories"].items()},
            best_epochs=plain["best_epochs"],
            seconds=plain["seconds"],
            headline=Headline(**plain["headline"]),
            bounds={name: Held.from_json(bound) for name, bound in plain["bounds"].items()},
            certificate=_certificate(plain["certificate"]),
            scores={name: Scores.from_json(scores) for name, scores in plain["scores"].items()},
            flipped=None if plain["flipped"] is None else Flipped.from_json(plain["flipped"]),
            membership=evaluations_from_json(plain["membership"]),
        )

    def metrics(self) -> dict[str, float]:
        """The run's final metrics, under the names of a tracked run.

        The headline is that of the job's final model: the student, or the last further one.
        """
        final = self.trio.final
        found = self.compared(final)
        interval = self.disparity_interval(final)
        if interval is not None:
            found |= dict(zip(("test/disparity_low", "test/disparity_high"), interval, strict=True))
        found["validation/accuracy"] = self.trio.validation[final]["accuracy"]
        found["validation/disparity"] = self.disparity(final, "validation")
        found |= self._of_bounds()
        for model in self.trio.models:
            found |= self._of_model(model)
        for model in ("student", *self.trio.further):
            start = ("test", "transfer") if model == "student" else ("test", model, "transfer")
            for changes in self.trio.changes(model).values():
                for name, value in changes.metrics.items():
                    if not self._is_of_group(name):
                        found[metric_name(*start, *_parts(name))] = value
            for name, ratio in self.trio.cost_ratios(model).items():
                found[metric_name(*start, f"{name}_ratio_to_teacher")] = ratio
        return found

    def _of_bounds(self) -> dict[str, float]:
        """Whether the bounds hold on test, and what is certified of them."""
        found: dict[str, float] = {}
        for bound in self.bounds.values():
            for model, value in bound.values["test"].items():
                if bound.name not in self.trio.evaluations[model].metrics:
                    found[metric_name("test", model, bound.metric, bound.block)] = value
        if self.certificate is not None:
            found["certify/certified"] = float(self.certificate.certified)
            found["certify/exceeds"] = self.certificate.chosen.exceeds
            found["certify/rows"] = float(self.certificate.rows)
            for name, upper in self.certificate.chosen.upper.items():
                found[metric_name("certify", "upper", name)] = upper
        return found

    def compared(self, model: str) -> dict[str, float]:
        """What models are compared by, of one of them: accuracy, gap, its change, and bounds.

        Its bounds (``test/holds``) are left out where `holds_for` is ``None``.
        """
        gap = self.disparity(model, "test")
        found = {
            "test/accuracy": self.trio.evaluations[model].metrics["accuracy"],
            "test/disparity": gap,
            "test/disparity_change": gap - self.disparity("control", "test"),
        }
        holds = self.holds_for(model)
        return found if holds is None else {**found, "test/holds": float(holds)}

    @property
    def holds(self) -> bool | None:
        """Whether the final model keeps every bound on test, as `holds_for`."""
        return self.holds_for(self.trio.final)

    def holds_for(self, model: str) -> bool | None:
        """Whether a model keeps every bound on test.

        ``None`` without bounds above 0, and where one is undefined and no other is broken.
        """
        verdicts = [bound.holds(model) for bound in self.bounds.values() if bound.threshold > 0]
        if False in verdicts:
            return False
        return None if not verdicts or None in verdicts else True

    def tags(self) -> dict[str, str]:
        """What runs are filtered by: ``fairkd.holds`` and ``fairkd.certified``, yes or no."""
        known = {
            HOLDS: self.holds,
            CERTIFIED: None if self.certificate is None else self.certificate.certified,
        }
        return {
            name: "yes" if value else "no" for name, value in known.items() if value is not None
        }

    def _of_model(self, model: str) -> dict[str, float]:
        measured = dict(self.trio.evaluations[model].metrics)
        if model in self.membership:
            told = self.membership[model]
            measured |= {name: told.metrics[name] for name in told.intervals}
        if sum(map(self._is_of_group, measured)) > GROUP_METRICS_LIMIT:
            measured = {name: v for name, v in measured.items() if not self._is_of_group(name)}
        found = {
            metric_name("test", model, *_parts(name)): value for name, value in measured.items()
        }
        for rule, matched in self.trio.matched.items():
            if model not in matched.evaluations:
                continue
            at_rule = matched.evaluations[model].metrics
            for name in ("accuracy", self.headline.name):
                if name in at_rule:
                    found[metric_name("test", model, rule, *_parts(name))] = at_rule[name]
            found[f"test/{model}/{rule}/threshold"] = matched.thresholds.thresholds[model]
        for name, value in self.trio.costs[model].numbers().items():
            found[f"test/{model}/{name}"] = value
        return found

    def _is_of_group(self, name: str) -> bool:
        """Whether a metric is of one cell (``<metric>/<block>.<cell>``) and not of a block."""
        parts = _parts(name)
        return len(parts) == 2 and parts[1] not in self.trio.transfers


def parameters(config: Mapping[str, Any]) -> dict[str, object]:
    """A resolved configuration, flat, under the dotted keys a user types."""
    kept = {name: value for name, value in config.items() if name not in _NOT_PARAMETERS}
    return dict(_flat(kept, ""))


def _certificate(plain: Mapping[str, Any] | None) -> Certificate | None:
    return None if plain is None else Certificate.from_json(plain)


def _columns(rows: list[dict[str, float]]) -> dict[str, list[float | str | None]]:
    """A history with each name once; ``None`` where a row has no value."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: encoded([row.get(name) for row in rows]) for name in names}


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, float]]:
    per_row = zip(*columns.values(), strict=True)
    return [
        {
            name: number(value) if isinstance(value, str) else value
            for name, value in zip(columns, values, strict=True)
            if value is not None
        }
        for values in per_row
    ]


def _parts(name: str) -> list[str]:
    """A measured name as metric and, if it has one, block or group (which may hold a slash)."""
    return name.split("/", maxsplit=1)


def _flat(value: object, key: str) -> "list[tuple[str, object]]":
    if isinstance(value, Mapping) and value:
        return [
            pair
            for name, item in value.items()
            for pair in _flat(item, f"{key}.{name}" if key else str(name))
        ]
    if isinstance(value, list):
        return [(key, "[" + ",".join(str(item) for item in value) + "]")]
    return [(key, value)]
