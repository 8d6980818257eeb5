"""fairkd in Python: `FairDistiller` and its constraints, without Hydra or MLflow."""

from fairkd.estimator.constraints import AccuracyParity as AccuracyParity
from fairkd.estimator.constraints import DemographicParity as DemographicParity
from fairkd.estimator.constraints import EqualizedOdds as EqualizedOdds
from fairkd.estimator.constraints import EqualOpportunity as EqualOpportunity
from fairkd.estimator.constraints import PredictiveEquality as PredictiveEquality
from fairkd.estimator.distiller import FairDistiller as FairDistiller
