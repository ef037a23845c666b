"""Jobs. `Job` is in model.py, what can be done to one in lifecycle.py, running it in perform.py."""

from __future__ import annotations

import rq.distributions  # noqa: F401 - RQ's `rq` begins with its `job`: the first of us to learn that it is mixed with ours
from rq.callbacks import Callback
from rq.defaults import CALLBACK_TIMEOUT, UNSERIALIZABLE_RETURN_VALUE_PAYLOAD
from rq.store.states import JobStatus

from .dependency import Dependency
from .ids import JOB_ID_PATTERN, parse_job_id, validate_job_id
from .model import UNEVALUATED, Job
from .perform import get_current_job
from .retry import Retry
from .shortcuts import cancel_job, requeue_job

__all__ = [
    'CALLBACK_TIMEOUT',
    'JOB_ID_PATTERN',
    'UNEVALUATED',
    'UNSERIALIZABLE_RETURN_VALUE_PAYLOAD',
    'Callback',
    'Dependency',
    'Job',
    'JobStatus',
    'Retry',
    'cancel_job',
    'get_current_job',
    'parse_job_id',
    'requeue_job',
    'validate_job_id',
]
