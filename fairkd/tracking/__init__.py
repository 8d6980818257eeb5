"""Runs: what a job was asked, what it measured, and where to see it.

`Tracking` and `Run` describe what the rest of fairkd may ask for. Importing this package imports no
MLflow; the file that does, ``mlflow_tracking``, is imported by whoever configures it.
"""

import os

from fairkd.tracking.interface import JOB_KEY as JOB_KEY
from fairkd.tracking.interface import SWEEP_ID as SWEEP_ID
from fairkd.tracking.interface import SWEEP_PARENT as SWEEP_PARENT
from fairkd.tracking.interface import Run as Run
from fairkd.tracking.interface import Tracking as Tracking
from fairkd.tracking.none import NoTracking as NoTracking
from fairkd.tracking.slug import metric_name as metric_name
from fairkd.tracking.slug import slug as slug

for name, value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",  # half a minute; its own 7 try for several minutes
}.items():
    os.environ.setdefault(name, value)  # MLflow reads them when it is imported
