"""Runs that MLflow finds by a condition, however many, and what they hold."""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_database import reaching
from fairkd.tracking.reading import Input, TrackedJob

PAGE = 1000
"""The most runs, or experiments, that are asked for at once."""


def searched(
    client: MlflowClient, uri: str, experiments: Sequence[str], condition: str
) -> Iterator[Run]:
    """Runs that are not in the trash and fulfil a condition in MLflow's words, the newest first.

    Args:
        client: of the tracking store.
        uri: of the tracking store, for sentences.
        experiments: the ids of those to look in.
        condition: empty for all runs.

    Raises:
        TrackingError: the store cannot be reached, or the condition is not one.
    """
    token: str | None = None
    while experiments:
        with _asking(uri, condition):
            page = client.search_runs(
                list(experiments),
                condition,
                run_view_type=ViewType.ACTIVE_ONLY,
                max_results=PAGE,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
        yield from page
        token = page.token
        if not token:
            return


def seen(run: Run, experiment: str) -> TrackedJob:
    """A run of an experiment with this name."""
    return TrackedJob(
        run_id=run.info.run_id,
        name=run.info.run_name or run.info.run_id,
        status=run.info.status,
        experiment=experiment,
        started=run.info.start_time or 0,
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags=dict(run.data.tags),
        artifacts=run.info.artifact_uri,
        inputs=_inputs(run),
    )


@contextmanager
def not_collecting() -> Iterator[None]:
    """Put off looking for garbage: a run is a thousand objects that are all in use, and going
    through those of hundreds again and again takes as long as reading them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _asking(uri: str, condition: str) -> Iterator[None]:
    try:
        with reaching(uri, "search for runs"):
            yield
    except TrackingError as error:
        cause = error.__cause__
        if isinstance(cause, MlflowException) and cause.error_code == "INVALID_PARAMETER_VALUE":
            raise TrackingError(
                f"query={condition} is not a condition that MLflow understands: "
                f"{str(cause).splitlines()[0]} Write it like \"tags.`fairkd.data` = 'adult' "
                'and metrics.`test/accuracy` > 0.8".'
            ) from error
        raise


def _inputs(run: Run) -> tuple[Input, ...]:
    return tuple(
        Input(one.dataset.name, one.dataset.digest, _rows(one.dataset.profile))
        for one in (run.inputs.dataset_inputs if run.inputs else ())
    )


def _rows(profile: str | None) -> int | None:
    """What `TrackedRun.log_input` wrote; other programs write other profiles."""
    try:
        return int(json.loads(profile or "{}")["num_rows"])
    except (ValueError, LookupError, TypeError):
        return None
