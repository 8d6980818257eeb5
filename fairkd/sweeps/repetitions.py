"""Repetitions of one configuration: which of them are different models, and what they vary.

A model is trained anew only where a seed that it depends on changes. While ``seed`` alone is swept
the teacher is one model, and its number repeated is not a repetition of it.
"""

from collections.abc import Iterable, Mapping, Sequence

from fairkd.sweeps.outcome import SEED_KEYS, Model, Outcome

SEEDS_OF: Mapping[Model, tuple[str, ...]] = {
    "student": SEED_KEYS,
    "control": ("data.seed", "seed"),
    "teacher": ("data.seed", "teacher.seed"),
}
"""The seeds that each model depends on."""

_WORDS = {"data.seed": "data split", "teacher.seed": "teacher", "seed": "student"}


def distinct(outcomes: Iterable[Outcome], model: Model = "student") -> list[Outcome]:
    """One outcome of one configuration for each combination of the seeds a model depends on.

    Of several with equal seeds, which hold the same model, the one of the lowest job number; in the
    order of job numbers.
    """
    first: dict[tuple[int | None, ...], Outcome] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.number):
        first.setdefault(tuple(outcome.seeds.get(key) for key in SEEDS_OF[model]), outcome)
    return list(first.values())


def what_varies(repetitions: Sequence[Outcome]) -> str:
    """What repetitions of one configuration vary, and what a statement about them depends on.

    Args:
        repetitions: distinct in their seeds, as `distinct` gives them.
    """
    if len(repetitions) < 2:
        return "conditional on one data split, teacher and student seed"
    seeds = {key: [outcome.seeds.get(key) for outcome in repetitions] for key in SEED_KEYS}
    varying = [key for key in SEED_KEYS if len(set(seeds[key])) > 1]
    fixed = [key for key in SEED_KEYS if key not in varying]
    words = _listed([_WORDS[key] for key in varying])
    text = f"{words} vary together" if len(varying) > 1 else f"only the {words} varies"
    if fixed:
        text += f": conditional on one {_listed(_fixed_words(fixed))}"
    if any(len(set(seeds[key])) < len(repetitions) for key in varying):
        text += "; repetitions share seeds, so their intervals may be too narrow"
    return text


def _fixed_words(fixed: Sequence[str]) -> list[str]:
    """A teacher trained on several splits is several models: only its seed is one."""
    teacher = "teacher" if "data.seed" in fixed else "teacher seed"
    words = {"data.seed": "data split", "teacher.seed": teacher, "seed": "student seed"}
    return [words[key] for key in fixed]


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
