"""Cron: functions that are enqueued again and again, every so many seconds or at the times of a cron string.

A cron file calls `register`; `rq cron FILE` runs a `CronScheduler` with it. Run two for safety: each slot is enqueued once.
"""

from __future__ import annotations

from rq.utils import NOT_JSON_SERIALIZABLE

from .config import register
from .config import waiting as _job_data_registry
from .control import get_cron_job_history_key, get_cron_job_ids, get_paused, pause, resume, run_now
from .job import CronJob
from .scheduler import CronScheduler, create_cron

__all__ = [
    'NOT_JSON_SERIALIZABLE',
    'CronJob',
    'CronScheduler',
    '_job_data_registry',
    'create_cron',
    'get_cron_job_history_key',
    'get_cron_job_ids',
    'get_paused',
    'pause',
    'register',
    'resume',
    'run_now',
]
