from collections.abc import Callable, Mapping

import pytest

from fairkd.record import Headline
from fairkd.sweeps.outcome import Outcome
from fairkd.tracking.slug import metric_name

Make = Callable[..., Outcome]
GAP = Headline("demographic_parity_difference", "sex")


@pytest.fixture
def make() -> Make:
    """An outcome from its numbers; validation equals test unless given."""

    def build(
        number: int,
        accuracy: float = 0.8,
        disparity: float = 0.1,
        *,
        varied: Mapping[str, object] | None = None,
        seed: int = 0,
        seeds: Mapping[str, int] | None = None,
        validation: tuple[float, float] | None = None,
        control: tuple[float, float] = (0.86, 0.17),
        teacher: tuple[float, float] = (0.85, 0.18),
        headline: Headline = GAP,
        own_interval: tuple[float, float] | None = None,
    ) -> Outcome:
        varied = {} if varied is None else varied
        metrics = {"test/accuracy": accuracy, "test/disparity": disparity}
        on_validation = validation or (accuracy, disparity)
        metrics |= {
            "validation/accuracy": on_validation[0],
            "validation/disparity": on_validation[1],
        }
        for model, values in {"control": control, "teacher": teacher}.items():
            metrics[f"test/{model}/accuracy"] = values[0]
            name = metric_name("test", model, headline.metric, headline.block)
            metrics[name] = values[1]
        if own_interval is not None:
            low, high = own_interval
            metrics |= {"test/disparity_low": low, "test/disparity_high": high}
        return Outcome(
            number=number,
            name=f"adult·{number}",
            configuration=f"{sorted(varied.items())}",
            varied=varied,
            seeds=seeds or {"seed": seed, "teacher.seed": seed, "data.seed": seed},
            metrics=metrics,
            headline=headline,
            control_validation={"accuracy": control[0] + 1, "disparity": control[1] + 1},
            teacher_validation={"accuracy": teacher[0] + 2, "disparity": teacher[1] + 2},
            run_id=f"run{number}",
            reused=False,
        )

    return build
