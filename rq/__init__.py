"""Packhorse: a job queue on Redis, with RQ's names. `Queue(connection=Redis()).enqueue(f, x)`, then `rq worker`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import distributions, utils
from .job import Callback, Retry, cancel_job, get_current_job, requeue_job
from .queue import Queue
from .version import VERSION

if TYPE_CHECKING:
    from .rate_limit import RateLimit
    from .repeat import Repeat
    from .webhook import Webhook
    from .worker import SimpleWorker, SpawnWorker, Worker

__all__ = [
    'VERSION',
    'Callback',
    'Queue',
    'RateLimit',
    'Repeat',
    'Retry',
    'SimpleWorker',
    'SpawnWorker',
    'Webhook',
    'Worker',
    'cancel_job',
    'get_current_job',
    'requeue_job',
    'utils',
]

__version__ = VERSION

# Imported at their first use: who only enqueues, as every web process does, is spared the worker's half of the package.
_LATER = {
    'RateLimit': 'rate_limit',
    'Repeat': 'repeat',
    'SimpleWorker': 'worker',
    'SpawnWorker': 'worker',
    'Webhook': 'webhook',
    'Worker': 'worker',
}

# What `import rq` alone makes reachable in RQ as well: `rq.registry.FailedJobRegistry`.
_MODULES = {
    'callbacks', 'connections', 'cron', 'cron_job_registry', 'cron_scheduler_registry', 'decorators', 'executions',
    'group', 'logutils', 'rate_limit', 'registry', 'repeat', 'scheduler', 'suspension', 'webhook', 'worker',
    'worker_registration',
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LATER:
        found = globals()[name] = getattr(import_module(f'rq.{_LATER[name]}'), name)
        return found
    if name in _MODULES:
        return import_module(f'rq.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


distributions.notice(__path__[0])
