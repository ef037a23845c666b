"""RQScheduler: RQ's way to have due jobs queued. With us every supervisor does that; this is for programs that name it.

It takes RQ's locks, so that of RQ's schedulers and ours one serves a queue, and moves due jobs by the script that
supervisors use: if both do, each job moves once.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import RedisError

from rq.defaults import DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT, DEFAULT_SCHEDULER_FALLBACK_PERIOD
from rq.exceptions import SchedulerNotFound
from rq.logutils import setup_loghandlers
from rq.queue import Queue
from rq.registry import ScheduledJobRegistry
from rq.serializers import resolve_serializer
from rq.store import enqueue as enqueue_store
from rq.store import keys
from rq.store import scheduler as store
from rq.utils import decode_redis_hash, now, parse_names, str_to_date, utcformat

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from redis import Redis

__all__ = ['SCHEDULER_KEY_TEMPLATE', 'SCHEDULER_LOCKING_KEY_TEMPLATE', 'RQScheduler', 'SchedulerStatus', 'run']

SCHEDULER_KEY_TEMPLATE = keys.scheduler('%s')
SCHEDULER_LOCKING_KEY_TEMPLATE = keys.scheduler_lock('%s')
# Seconds that locks and record outlive the last heartbeat, besides the interval. RQ's.
PATIENCE = 60
# Jobs that one script moves.
MOST = 1000


class SchedulerStatus(str, Enum):
    """What a scheduler does."""

    STARTED = 'started'
    WORKING = 'working'
    STOPPED = 'stopped'


class RQScheduler:
    """Queues the due jobs of the queues whose locks it holds: `acquire_locks`, `enqueue_scheduled_jobs`, or `work`."""

    Status = SchedulerStatus

    def __init__(  # RQ's signature
        self,
        queues: Any,
        connection: Redis,
        interval: int = 1,
        logging_level: str | int = logging.INFO,
        date_format: str = DEFAULT_LOGGING_DATE_FORMAT,
        log_format: str = DEFAULT_LOGGING_FORMAT,
        serializer: Any = None,
        name: str | None = None,
    ) -> None:
        many = isinstance(queues, Iterable) and not isinstance(queues, str | Queue)
        self._queue_names = set(parse_names(queues if many else [queues]))
        self._connection = connection
        self.interval = interval
        self.name = name or uuid4().hex
        self.hostname = socket.gethostname()
        self.pid = 0
        self.created_at = now()
        self.last_heartbeat: datetime | None = None
        self.lock_acquisition_time: datetime | None = None
        self.serializer = resolve_serializer(serializer)
        self._acquired_locks: set[str] = set()
        self._scheduled_job_registries: list[ScheduledJobRegistry] = []
        self._stop_requested = False
        self._status = SchedulerStatus.STOPPED
        self._process: BaseProcess | None = None
        self.log = logging.getLogger('rq.scheduler')
        setup_loghandlers(logging_level, date_format, log_format, name='rq.scheduler')

    @property
    def connection(self) -> Redis:
        """Its client."""
        return self._connection

    @property
    def key(self) -> str:
        """The key of its record."""
        return keys.scheduler(self.name)

    @classmethod
    def get_locking_key(cls, name: str) -> str:
        """The key of the lock of a queue."""
        return keys.scheduler_lock(name)

    @property
    def status(self) -> SchedulerStatus:
        """What it does."""
        return self._status

    @property
    def acquired_locks(self) -> set[str]:
        """Names of the queues whose locks it holds."""
        return self._acquired_locks

    @property
    def should_reacquire_locks(self) -> bool:
        """Whether to try again for the locks that others hold: every two minutes."""
        if self._acquired_locks >= self._queue_names:
            return False
        if self.lock_acquisition_time is None:
            return True
        return now() - self.lock_acquisition_time > timedelta(seconds=DEFAULT_SCHEDULER_FALLBACK_PERIOD)

    @property
    def _ttl(self) -> int:
        return int(self.interval) + PATIENCE

    # --- locks

    def acquire_locks(self, auto_start: bool = False) -> set[str]:
        """The queues that are locked for it now and were not before; with `auto_start` a process begins to serve them."""
        names = sorted(self._queue_names)
        mine, new = store.lock(self.connection, self.name, names, self._ttl)
        for name in sorted(new):
            self.log.info('Acquired scheduler lock for %s', name)
        if mine:
            self.save()  # by its record supervisors tell that the locks are of one of ours
        self._acquired_locks = mine
        self.lock_acquisition_time = now()
        self.prepare_registries(mine)
        if mine and auto_start and not self._process:
            self.start()
        return new

    def release_locks(self) -> None:
        """Gives its locks up; those that others took meanwhile stay."""
        store.unlock(self.connection, self.name, sorted(self._acquired_locks))
        self._acquired_locks = set()

    def prepare_registries(self, queue_names: Iterable[str] | None = None) -> None:
        """Notes the registries that it serves: of these queues, or of those whose locks it holds."""
        names = sorted(self._acquired_locks if queue_names is None else queue_names)
        self._scheduled_job_registries = [
            ScheduledJobRegistry(name, connection=self.connection, serializer=self.serializer) for name in names
        ]

    def heartbeat(self) -> None:
        """Renews its record and its locks; one that another scheduler has taken is gone."""
        self.last_heartbeat = now()
        self.save()
        names = sorted(self._acquired_locks)
        self._acquired_locks, _ = store.lock(self.connection, self.name, names, self._ttl)

    # --- work

    def enqueue_scheduled_jobs(self) -> None:
        """Queues what is due, by Redis time, in the queues whose locks it holds."""
        before, self._status = self._status, SchedulerStatus.WORKING
        names = sorted(self._acquired_locks)
        moved = MOST
        while names and moved >= MOST:
            moved = enqueue_store.promote_due(self.connection, names, MOST).moved
        self._status = before

    def work(self) -> None:
        """Runs until `request_stop`, which SIGINT and SIGTERM call. While there is no server it waits for it."""
        if threading.current_thread() is threading.main_thread():
            self._install_signal_handlers()
        self._stop_requested = False
        self.register_birth()
        away = False
        while not self._stop_requested:
            try:
                self._serve()
                away = False
            except (RedisError, OSError) as error:
                if not away:
                    self.log.error('Scheduler %s: Redis is away, going on when it is back: %s', self.name, error)
                away = True
            if not self._stop_requested:
                time.sleep(self.interval)
        self.stop()
        self.register_death()
        self.log.info('Scheduler with PID %d has stopped', os.getpid())

    def _serve(self) -> None:
        if self.should_reacquire_locks:
            self.acquire_locks()
        self.enqueue_scheduled_jobs()
        self.heartbeat()

    def start(self) -> BaseProcess:
        """A process of its own that works."""
        from multiprocessing import get_context

        self._status = SchedulerStatus.STARTED
        process = get_context('fork').Process(target=run, args=(self,), name='Scheduler')
        self._process = process
        process.start()
        return process

    def stop(self) -> None:
        """Gives up its locks."""
        self.log.info('Scheduler stopping, releasing locks for %s...', ', '.join(sorted(self._acquired_locks)))
        self.release_locks()
        self._status = SchedulerStatus.STOPPED

    def request_stop(self, signum: int | None = None, frame: Any = None) -> None:
        """`work` ends after what it is doing."""
        self._stop_requested = True

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    # --- its record

    def register_birth(self) -> None:
        """Readers see it from now on."""
        self.pid = os.getpid()
        self.created_at = self.last_heartbeat = now()
        self._status = SchedulerStatus.STARTED
        self.save()

    def register_death(self) -> bool:
        """Whether it had a record, which is gone now."""
        return store.forget(self.connection, self.name)

    def to_dict(self) -> dict[str, str]:
        """Its record."""
        return {
            'name': self.name,
            'hostname': self.hostname,
            'pid': str(self.pid or os.getpid()),
            'queues': ','.join(sorted(self._queue_names)),
            'created_at': utcformat(self.created_at),
            'last_heartbeat': utcformat(self.last_heartbeat or self.created_at),
        }

    def save(self, pipeline: Any = None) -> None:
        """Writes its record."""
        store.show(self.connection if pipeline is None else pipeline, self.name, self.to_dict(), self._ttl)

    def restore(self, raw_data: dict[Any, Any]) -> None:
        """Takes over a record from Redis."""
        told = decode_redis_hash(raw_data, decode_values=True)
        self.hostname = told.get('hostname', '')
        self.pid = int(told.get('pid') or 0)
        self._queue_names = {name for name in told.get('queues', '').split(',') if name}
        if told.get('created_at'):
            self.created_at = str_to_date(told['created_at'])
        if told.get('last_heartbeat'):
            self.last_heartbeat = str_to_date(told['last_heartbeat'])

    @classmethod
    def fetch(cls, name: str, connection: Redis) -> RQScheduler:
        """A scheduler to look at. Raises SchedulerNotFound."""
        raw = store.fetch(connection, name)
        if not raw:
            raise SchedulerNotFound(f'Scheduler with name {name!r} not found')
        scheduler = cls([], connection, name=name)
        scheduler.restore(raw)
        return scheduler


def run(scheduler: RQScheduler) -> None:
    """What the process of `RQScheduler.start` does."""
    queues = ', '.join(sorted(scheduler._queue_names))
    scheduler.log.info('Scheduler for %s started with PID %d', queues, os.getpid())
    scheduler.work()
