"""Workers: the processes that run jobs.

base.py: who a worker is and what it does with one job. supervisor.py, horse.py: the two processes of a `Worker`.
board.py: what they share. plan.py: what the supervisor decides. care.py: leases, reaping, promotion, nudging.
"""

from __future__ import annotations

from rq.defaults import DEFAULT_RESULT_TTL

from .base import BaseWorker, DequeueStrategy, WorkerStatus
from .classes import Worker
from .simple import SimpleWorker

__all__ = ['DEFAULT_RESULT_TTL', 'BaseWorker', 'DequeueStrategy', 'SimpleWorker', 'Worker', 'WorkerStatus']
