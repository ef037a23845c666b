"""Workers: the processes that run jobs.

base.py: who a worker is and what it does with one job. supervisor.py, horse.py: the two processes of a `Worker`.
board.py: what they share. plan.py: what the supervisor decides. care.py: leases, reaping, promotion, nudging.
"""

from __future__ import annotations

from rq.defaults import DEFAULT_RESULT_TTL

from .base import BaseWorker, logger
from .chain import SHUTDOWN_SIGNAL, _signames, signal_name
from .classes import RandomWorker, RoundRobinWorker, SimpleWorker, Worker
from .heroku import HerokuWorker
from .modes import DequeueStrategy, WorkerStatus
from .spawn import SpawnWorker

__all__ = [
    'DEFAULT_RESULT_TTL',
    'SHUTDOWN_SIGNAL',
    'BaseWorker',
    'DequeueStrategy',
    'HerokuWorker',
    'RandomWorker',
    'RoundRobinWorker',
    'SimpleWorker',
    'SpawnWorker',
    'Worker',
    'WorkerStatus',
    '_signames',
    'logger',
    'signal_name',
]
