"""One job that is composed and checked, run as Hydra runs it, without composing it again."""

from collections.abc import Callable
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import configure_log, run_job
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from fairkd.commands.configuration import PRIMARY
from fairkd.commands.precheck import Composed, hydra_started


def run_composed(job: Composed, task: Callable[[DictConfig], Any]) -> None:
    """Run a job in its folder, with its logs, its ``.hydra`` and Hydra's callbacks.

    `hydra.main` composes a plain command's configuration twice, a third of a second each.

    Raises:
        Exception: whatever the task raised.
    """
    config = job.hydra
    config.hydra.mode = RunMode.RUN
    with hydra_started():
        callbacks = Callbacks(config)
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        callbacks.on_run_start(config=config, config_name=PRIMARY)
        result = run_job(
            hydra_context=HydraContext(GlobalHydra.instance().config_loader(), callbacks),
            task_function=task,
            config=config,
            job_dir_key="hydra.run.dir",
            job_subdir_key=None,
        )
        callbacks.on_run_end(config=config, config_name=PRIMARY, job_return=result)
        _ = result.return_value  # raises what the task raised
