"""Which workers are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.defaults import RQ_KEY_PREFIX
from rq.store import keys
from rq.store import worker as store
from rq.utils import missing_keys, split_list

if TYPE_CHECKING:
    from redis import Redis

    from rq.queue import Queue

__all__ = [
    'MAX_KEYS',
    'REDIS_WORKER_KEYS',
    'RQ_KEY_PREFIX',
    'WORKERS_BY_QUEUE_KEY',
    'clean_worker_registry',
    'get_keys',
    'register',
    'unregister',
]

REDIS_WORKER_KEYS = keys.workers()
WORKERS_BY_QUEUE_KEY = keys.workers_of('%s')
MAX_KEYS = 1000  # asked about in one trip


def get_keys(queue: Queue | None = None, connection: Redis | None = None) -> set[str]:
    """Keys of the registered workers, of one queue or of all. Raises ValueError without a queue and a connection."""
    if queue is not None:
        return set(store.known(queue.connection, queue.name))
    if connection is None:
        raise ValueError('"Queue" or "connection" argument is required')
    return set(store.known(connection))


def clean_worker_registry(queue: Queue) -> None:
    """Takes workers out of the sets whose record has expired. One that comes back in that instant stays registered."""
    for some in split_list(sorted(get_keys(queue)), MAX_KEYS):
        for key in missing_keys(queue.connection, some):
            store.retire(queue.connection, keys.worker_name(key), '', [queue.name])


def register(worker: Any, pipeline: Any = None) -> None:
    """Puts a worker into the sets of registered ones. `Worker.register_birth` makes it known, lease and all."""
    store.enlist(worker.connection if pipeline is None else pipeline, worker.name, worker.queue_names())


def unregister(worker: Any, pipeline: Any = None) -> None:
    """Takes a worker out of the sets of registered ones, in one step."""
    store.strike_off(worker.connection if pipeline is None else pipeline, worker.name, worker.queue_names())
