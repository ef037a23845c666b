"""Packhorse: a job queue on Redis, with RQ's names. `Queue(connection=Redis()).enqueue(f, x)`, then `rq worker`."""

from __future__ import annotations

from .job import Retry, cancel_job, get_current_job, requeue_job
from .queue import Queue
from .version import VERSION
from .worker import SimpleWorker, Worker

__all__ = ['VERSION', 'Queue', 'Retry', 'SimpleWorker', 'Worker', 'cancel_job', 'get_current_job', 'requeue_job']

__version__ = VERSION
