"""The sweeps behind docs/fairness.md, in the words of the command line."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sweep:
    """One multirun.

    Attributes:
        name: of its folder, and of its part of the page.
        words: that describe its jobs, without repetitions.
        most_replicates: fewer repetitions than the study has; ``None`` for all.
        also: further disparities than the headline, read from tracked runs; empty tracks nothing.
    """

    name: str
    words: tuple[str, ...]
    most_replicates: int | None = None
    also: tuple[str, ...] = ()


# Rows that certify are kept apart for every method, so that all train on the same ones.
_KEPT = "data.certify_fraction=0.2"
_DATA: dict[str, tuple[tuple[str, ...], str]] = {
    "adult": (
        ("experiment=quickstart", "data.groups=[sex,race,sex+race]"),
        "sex,race,sex+race",
    ),
    "compas": (
        ("experiment=quickstart", "data=compas", "data.groups=[race,sex]", "trainer.max_epochs=40"),
        "race",
    ),
    "law_school": (("experiment=quickstart", "data=law_school", "data.groups=[race,sex]"), "race"),
}
_BOTH = "selection_rate,equalized_odds"
_TIGHT = "0.05,0.02"
_BASELINES = ("constraint=none", _KEPT)


AIMED_AT = 0.05


def _tightened(data: tuple[str, ...]) -> Sweep:
    """How far below the threshold to aim, where rows leave a choice: 0.05 by sex."""
    return Sweep(
        "adult_tightened",
        (*data, "constraint=lagrangian", "constraint.confidence=0.95", "constraint.by=sex",
         "constraint.statistic=selection_rate", f"constraint.threshold={AIMED_AT}",
         "constraint.tighten=1,1.5,2"),
    )  # fmt: skip


def _bounds() -> list[Sweep]:
    found = []
    for name, (data, by) in _DATA.items():
        dual = (f"constraint.by={by}", f"constraint.statistic={_BOTH}")
        alike = (f"baseline.by={by}", f"baseline.threshold={_TIGHT}")
        found += [
            Sweep(
                f"{name}_certified",
                (*data, "constraint=lagrangian", "constraint.confidence=0.95", *dual,
                 f"constraint.threshold={_TIGHT}"),
            ),
            *([_tightened(data)] if name == "adult" else []),
            Sweep(
                f"{name}_penalty",
                (*data, "constraint=penalty", _KEPT, *dual, "constraint.weight=0.25,0.5,1,2"),
                most_replicates=6,  # four weights each
            ),
            Sweep(
                f"{name}_reductions",
                (*data, *_BASELINES, "baseline=exponentiated_gradient", *alike,
                 f"baseline.statistic={_BOTH}"),
                most_replicates=5,  # each fits some 20 to 50 learners
            ),
            Sweep(
                f"{name}_thresholds",
                (*data, *_BASELINES, "baseline=threshold_optimizer", *alike,
                 "baseline.statistic=selection_rate"),
                most_replicates=6,  # searched for anew at every threshold
            ),
            Sweep(
                f"{name}_odds_thresholds",
                (*data, *_BASELINES, "baseline=threshold_optimizer", f"baseline.by={by}",
                 "baseline.statistic=equalized_odds", "baseline.threshold=0"),
                most_replicates=6,
            ),
        ]  # fmt: skip
    return found


BOUNDS = _bounds()

_SEX = ("experiment=quickstart",)
_WEIGHTS = "0.05,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.85,1,1.5,2"
_THRESHOLDS = "0.005,0.01,0.02,0.03,0.04,0.05,0.06,0.08,0.1,0.12,0.14,0.16"
FRONTIER = [
    Sweep("penalty", (*_SEX, "constraint=penalty", f"constraint.weight={_WEIGHTS}")),
    Sweep("lagrangian", (*_SEX, "constraint=lagrangian", f"constraint.threshold={_THRESHOLDS}")),
    Sweep("hsic", (*_SEX, "constraint=hsic", "constraint.weight=1,2,4,7,10,15,20,30,40,60,80,120")),
    Sweep(
        "adversarial",
        (*_SEX, "constraint=none", "mitigation=adversarial",
         "mitigation.weight=0.05,0.1,0.2,0.3,0.5,0.7,1,1.4,2,3,5,8"),
    ),
    Sweep("reweighing", (*_SEX, "constraint=none", "mitigation=reweighing")),
    Sweep(
        "exponentiated_gradient",
        (*_SEX, "constraint=none", "baseline=exponentiated_gradient",
         f"baseline.threshold={_THRESHOLDS}"),
    ),
    Sweep(
        "threshold_optimizer",
        (*_SEX, "constraint=none", "baseline=threshold_optimizer",
         f"baseline.threshold={_THRESHOLDS}"),
    ),
]  # fmt: skip

_HEAT = ("distillation.temperature=1,2,4,8,16", "distillation.temperature_scaling=squared,none")
TEMPERATURE = [
    Sweep(
        name,
        (*data, "constraint=none", *_HEAT),
        also=(f"equalized_odds_difference/{by.split(',')[0]}",),
    )
    for name, (data, by) in _DATA.items()
]

_KNOWN = "data.imperfect.known_groups=1,0.2,0.05,0.01"
MISSING = [
    Sweep("known rows", (*_SEX, "constraint=lagrangian", _KNOWN)),
    Sweep(
        "proxy",
        (*_SEX, "constraint=lagrangian", "data.imperfect.known_groups=0.2,0.05,0.01",
         "data.imperfect.proxy=logistic_regression"),
    ),
    Sweep("DRO without groups", (*_SEX, "constraint=none", "mitigation=cvar_dro,chi2_dro")),
]  # fmt: skip
