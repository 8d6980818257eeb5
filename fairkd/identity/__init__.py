"""Under which keys what was computed is kept: what each part depends on, and nothing more."""

from fairkd.identity.keys import LEARNERS as LEARNERS
from fairkd.identity.keys import JobKeys as JobKeys
from fairkd.identity.keys import Surroundings as Surroundings
from fairkd.identity.keys import job_keys as job_keys
from fairkd.identity.producers import REVISIONS as REVISIONS
from fairkd.identity.teachers import FITTED_AT_ONCE as FITTED_AT_ONCE
from fairkd.identity.teachers import is_given as is_given
