from collections.abc import Callable, Mapping

import pytest

from fairkd.record import Headline
from fairkd.sweeps.outcome import Outcome

GAP = Headline("demographic_parity_difference", "sex")
Make = Callable[..., Outcome]


@pytest.fixture
def make() -> Make:
    """A job's outcome: the student's accuracy and gap on test, and everything around them."""

    def build(
        number: int,
        accuracy: float = 0.84,
        gap: float = 0.03,
        *,
        varied: Mapping[str, object] | None = None,
        seed: int = 0,
        validation: tuple[float, float] | None = None,
        control: tuple[float, float] = (0.85, 0.17),
        teacher: tuple[float, float] = (0.86, 0.18),
        own_interval: tuple[float, float] | None = None,
        headline: Headline = GAP,
        final: str = "student",
        ratios: Mapping[str, float] | None = None,
    ) -> Outcome:
        on_validation = validation or (accuracy, gap)
        start = "test/transfer" if final == "student" else f"test/{final}/transfer"
        shrunk = {"parameters": 0.04} if ratios is None else ratios
        metrics = {
            "test/accuracy": accuracy,
            "test/disparity": gap,
            "validation/accuracy": on_validation[0],
            "validation/disparity": on_validation[1],
            "test/control/accuracy": control[0],
            f"test/control/{headline.name}": control[1],
            "test/teacher/accuracy": teacher[0],
            f"test/teacher/{headline.name}": teacher[1],
            **{f"{start}/{name}_ratio_to_teacher": ratio for name, ratio in shrunk.items()},
        }
        if own_interval is not None:
            metrics |= dict(
                zip(("test/disparity_low", "test/disparity_high"), own_interval, strict=True)
            )
        return Outcome(
            number=number,
            name=f"adult·{number}",
            configuration=f"{dict(varied or {})} {final}",
            varied=varied or {},
            seeds={"data.seed": seed, "teacher.seed": seed, "seed": seed},
            metrics=metrics,
            headline=headline,
            control_validation={"accuracy": control[0], "disparity": control[1]},
            teacher_validation={"accuracy": teacher[0], "disparity": teacher[1]},
            run_id=f"run{number}",
            reused=False,
            final=final,
        )

    return build
