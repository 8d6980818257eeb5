"""Refuse data that cannot work, and imperfect data that something chosen would misread."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from fairkd import checks
from fairkd.commands.checking.values import Section
from fairkd.data.group_spec import RareGroups, block_names
from fairkd.data.imperfect import Imperfect
from fairkd.data.splitting import Splitting
from fairkd.errors import ConfigError
from fairkd.identity import FITTED_AT_ONCE, LEARNERS, is_given

_LARGEST_FRACTION = 0.9
_TERMS = "fairkd.distillation."
BY_LIKELIEST_CLASS = {
    f"{_TERMS}decoupled.Decoupled",
    f"{_TERMS}debiased.DebiasedHint",
    f"{_TERMS}debiased.EarlyReadout",
    f"{_TERMS}margin.MarginWeighted",
}
"""Terms that go by a label's likeliest class: the recorded one, however it is corrected."""
SHARES_OF_CELLS = {f"{_TERMS}fair_features.FairFeatures"}
"""Terms that divide by the mass of every class and group, and are not linear in it."""
SHARES_OF_GROUPS = {f"{_TERMS}group_robust.GroupRobust"}
"""Terms that divide by the mass of every group alone."""
_FAIRNESS = "fairkd.fairness."
DEPENDENCE = {
    f"{_FAIRNESS}kernels.HSIC",
    f"{_FAIRNESS}kernels.MMD",
    f"{_FAIRNESS}wasserstein.Wasserstein",
    f"{_FAIRNESS}mutual_information.PrejudiceRemover",
    f"{_FAIRNESS}chi_square.ChiSquare",
    f"{_FAIRNESS}fair_mixup.FairMixup",
}
"""Measures of dependence that take memberships for shares from 0 to 1."""
LABEL_FREE = ("selection_rate",)
"""Statistics that read no label."""
_OWN_TABLE = "fairkd.data.own_table.load_table"


def check_data(data: Section) -> None:
    """Check the section ``data``."""
    if "seed" in data:
        checks.whole("data.seed", data["seed"], most=checks.LARGEST_SEED)
    for name in ("validation_fraction", "test_fraction", "certify_fraction"):
        if data.get(name) is not None:
            checks.number(f"data.{name}", data[name], above=0.0, most=_LARGEST_FRACTION)
    as_features = data.get("use_groups_as_features", False)
    if not isinstance(as_features, bool):
        raise ConfigError(
            f"data.use_groups_as_features={checks.as_typed(as_features)} is not known; accepted: "
            "true, false."
        )
    if not _lacks_more_than_groups(data):
        block_names(data["groups"])
    if "rare_groups" in data:
        RareGroups.of(data["rare_groups"])
    if "split" in data:
        Splitting.of(data["split"])
    if "imperfect" in data:
        _imperfect(data)


def _lacks_more_than_groups(data: Section) -> bool:
    """Whether a table of the user's own has no path or label yet, which its loader asks for."""
    return data.get("_target_") == _OWN_TABLE and None in (data["path"], data["label"])


def check_readers(values: Section) -> None:
    """Refuse what would misread weighted, softly labelled or imperfect training rows.

    Args:
        values: the whole configuration, checked section by section.

    Raises:
        ConfigError: naming the key of the rows' property and of its reader.
    """
    if values["data"].get("soft_labels"):
        _refuse_for_soft(
            values, f"data.soft_labels={checks.as_typed(values['data']['soft_labels'])}"
        )
    if values["data"].get("weights") is not None:
        _refuse_learners(values, f"data.weights={values['data']['weights']}", "weighs")
    if "imperfect" not in values["data"]:
        return
    flaws = _imperfect(values["data"])
    if flaws.group_flip_rate > 0:
        key = f"data.imperfect.group_flip_rate={flaws.group_flip_rate:g}"
        _refuse_terms(values, SHARES_OF_CELLS | SHARES_OF_GROUPS, key, "divides by groups' rows")
        _refuse_balance(values, key)
        _refuse_mitigations(values, key, "groups")
        _refuse_dependence(values, key, "groups")
        _refuse_learners(values, key)
    if flaws.label_flip_rate > 0:
        key = f"data.imperfect.label_flip_rate={flaws.label_flip_rate:g}"
        _refuse_terms(values, BY_LIKELIEST_CLASS, key, "goes by the recorded class")
        _refuse_terms(values, SHARES_OF_CELLS, key, "divides by classes' rows")
        _refuse_balance(values, key)
        _refuse_classifiers(values, key)
        _refuse_mitigations(values, key, "labels")
        given = {name for name, term in _dependence(values) if term.get("given") == "label"}
        _refuse_dependence(values, key, "labels", only=given)
        _refuse_learners(values, key)
    if flaws.label_smoothing > 0:
        _refuse_for_soft(values, f"data.imperfect.label_smoothing={flaws.label_smoothing:g}")


def _refuse_for_soft(values: Section, key: str) -> None:
    """Refuse what misreads labels that are spread over classes."""
    _refuse_terms(values, SHARES_OF_CELLS, key, "would mix the classes that it tells apart")
    _refuse_classifiers(values, key)
    _refuse_statistics(values, key)


def _undone(key: str) -> str:
    """The override that sets what ``key=value`` names back."""
    name = key.partition("=")[0]
    return name + {"data.soft_labels": "=[]", "data.weights": "=null"}.get(name, "=0")


def _imperfect(data: Section) -> Imperfect:
    as_features = bool(data.get("use_groups_as_features", False))
    return Imperfect.of(data["imperfect"], use_groups_as_features=as_features)


def _refuse_terms(values: Section, targets: set[str], key: str, why: str) -> None:
    for place, term in _terms(values):
        if term.get("_target_") in targets:
            raise ConfigError(
                f"{key} cannot be used beside {place}, which {why}; choose another distillation, "
                f"or set {_undone(key)}."
            )


def _refuse_balance(values: Section, key: str) -> None:
    for place, teacher in _teachers(values):
        balance = teacher.get("balance") or {}
        if balance.get("by") is not None and balance.get("rows") == "train":
            raise ConfigError(
                f"{key} gives training rows negative weights, which {place}.balance.rows=train "
                f"cannot use; set {place}.balance.rows=validation, or {_undone(key)}."
            )


def _dependence(values: Section) -> Iterator[tuple[str, Section]]:
    """The constraints that are measures of dependence, by name."""
    for name, term in values["constraint"]["terms"].items():
        if term.get("_target_") in DEPENDENCE:
            yield name, term


def _refuse_dependence(
    values: Section, key: str, what: str, only: Container[str] | None = None
) -> None:
    for name, _ in _dependence(values):
        if only is None or name in only:
            raise ConfigError(
                f"{key} gives {what} negative shares, which constraint={name} cannot use; choose a "
                f"bound (constraint=lagrangian), or set {_undone(key)}."
            )


def _refuse_learners(values: Section, key: str, does: str = "corrects") -> None:
    if values["baseline"].get("_target_") in LEARNERS:
        raise ConfigError(
            f"{key} {does} training rows in a way that Fairlearn's reductions cannot use; choose "
            f"baseline=threshold_optimizer, or set {_undone(key)}."
        )


def _refuse_mitigations(values: Section, key: str, what: str) -> None:
    for name in values["mitigation"]["terms"]:
        raise ConfigError(
            f"{key} gives {what} negative shares, which mitigation={name} cannot use; choose a "
            f"constraint instead, or set {_undone(key)}."
        )


def _refuse_classifiers(values: Section, key: str) -> None:
    for place, teacher in _teachers(values):
        if FITTED_AT_ONCE in _targets(teacher["model"]):
            raise ConfigError(
                f"{key} makes labels soft, and {place} is a classifier of scikit-learn, which "
                f"learns from classes alone; choose another teacher, or set "
                f"{_undone(key)}."
            )


def _refuse_statistics(values: Section, key: str) -> None:
    for name, term in values["constraint"]["terms"].items():
        statistic = term.get("statistic")
        if statistic is not None and statistic not in LABEL_FREE:
            raise ConfigError(
                f"{key} spreads labels over classes, and constraint.terms.{name} would take "
                f"{statistic} of that; set {_undone(key)}, or choose "
                "selection_rate."
            )


def _terms(values: Section) -> Iterator[tuple[str, Section]]:
    """Every distillation term, the student's and those of teachers that are taught."""
    lessons = [("distillation", values["distillation"])]
    lessons += [
        (f"{place}.distillation", teacher["distillation"])
        for place, teacher in _teachers(values)
        if "teacher" in teacher
    ]
    for place, lesson in lessons:
        for name, term in lesson["terms"].items():
            yield f"{place}.terms.{name}", term


def _teachers(values: Section) -> Iterator[tuple[str, Section]]:
    """The teacher, its own teacher and so on, but for what is not trained here."""
    place, teacher = "teacher", values["teacher"]
    while teacher is not None and not is_given(teacher):
        yield place, teacher
        place, teacher = f"{place}.teacher", teacher.get("teacher")


def _targets(value: Any) -> Iterator[str]:
    """Every ``_target_`` within."""
    if isinstance(value, Mapping):
        if isinstance(value.get("_target_"), str):
            yield value["_target_"]
        for item in value.values():
            yield from _targets(item)
