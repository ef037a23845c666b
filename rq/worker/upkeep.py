"""What a worker does for itself besides running jobs, by RQ's names: signs of life, maintenance, counters, the end."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from rq.exceptions import StopRequested
from rq.group import Group
from rq.registry import clean_registries
from rq.store import worker as store
from rq.suspension import is_suspended
from rq.utils import now, utcformat
from rq.worker_registration import clean_worker_registry

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from datetime import datetime

    from redis import Redis

    from rq.queue import Queue

__all__ = ['Upkeep']

# Seconds between looks for the end of a suspension.
LOOK = 0.5


@cache
def _titles() -> Callable[[str], None] | None:
    try:
        from setproctitle import setproctitle  # type: ignore[import-not-found]
    except ImportError:
        return None
    return setproctitle  # type: ignore[no-any-return]


class Upkeep:
    """The part of BaseWorker that RQ's users override or call for what surrounds the jobs."""

    if TYPE_CHECKING:
        last_heartbeat: datetime | None
        _birth_fields: Callable[[], dict[str, Any]]
        _retire: Callable[[], None]
        set_state: Callable[..., None]
        is_horse: Any
        _loop: Any

    name: str
    connection: Redis
    queues: list[Queue]
    worker_ttl: int
    maintenance_interval: int
    log: logging.Logger
    shutdown_requested_date: datetime | None
    _exc_handlers: list[Any]

    # RQ's, for those who override them; ours waits 0.1 to 5 s between tries (invariant I12).
    exponential_backoff_factor = 2.0
    max_connection_wait_time = 60.0
    last_cleaned_at: datetime | None = None
    redis_server_version: tuple[int, int, int] | None = None
    # Due jobs are promoted by every worker: no process of its own does it.
    scheduler: Any = None
    _stop_requested = False

    # --- signs of life

    @property
    def dequeue_timeout(self) -> int:
        """Seconds for which it waits for a job before it looks after itself: 15 less than worker_ttl."""
        return max(1, self.worker_ttl - 15)

    @property
    def connection_timeout(self) -> int:
        """Seconds after which RQ takes its server for dead: 10 more than dequeue_timeout."""
        return self.dequeue_timeout + 10

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """A sign of life for readers; its record lives `timeout` seconds from now (else worker_ttl + 60).

        Its lease, by which others know that it lives, is renewed apart from this.
        """
        self.last_heartbeat = now()
        where = self.connection if pipeline is None else pipeline
        store.beat(where, self.name, utcformat(self.last_heartbeat), timeout or self.worker_ttl + 60)

    def serialize(self) -> dict[str, Any]:
        """The fields of its record that tell who it is."""
        fields = self._birth_fields()
        return {name: fields[name] for name in fields if name not in ('state', 'incarnation', 'code')}

    def procline(self, message: str) -> None:
        """Shows what it does in the list of processes, where `setproctitle` is installed."""
        show = _titles()
        if show is not None:
            show(f'rq:worker:{self.name}: {message}')

    def _warn_of_eviction(self) -> None:
        policy = store.evicts(self.connection)
        if policy:
            told = (
                'Worker %s: this server forgets jobs or results when it is full (maxmemory-policy %s): set noeviction'
            )
            self.log.warning(told, self.name, policy)

    # --- maintenance

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Whether maintenance_interval has passed since the last time; True before the first."""
        if self.last_cleaned_at is None:
            return True
        return now() - self.last_cleaned_at > timedelta(seconds=self.maintenance_interval)

    def run_maintenance_tasks(self) -> None:
        """Cleans the registries of its queues. What dead workers left is every living one's duty, a few times a minute."""
        self.clean_registries()
        self.clean_group_registries()
        self.last_cleaned_at = now()

    def clean_group_registries(self) -> None:
        """Takes jobs that are stored no more out of their groups."""
        Group.clean_registries(self.connection)

    def clean_registries(self) -> None:
        """Drops what has expired from the registries of its queues, and workers whose record has."""
        for queue in self.queues:
            clean_registries(queue, self._exc_handlers)
            clean_worker_registry(queue)
        self.last_cleaned_at = now()

    def check_for_suspension(self, burst: bool) -> None:
        """Waits while all work is suspended. Raises StopRequested in burst mode, and when told to stop meanwhile."""
        told = False
        while True:
            self.heartbeat()
            if not is_suspended(self.connection):
                break
            if burst:
                self.log.info('Suspended in burst mode, exiting. Run `rq resume` to let workers go on')
                raise StopRequested
            if not told:
                self.log.info('Worker suspended, run `rq resume` to let it go on')
                self.set_state('suspended')
                told = True
            time.sleep(LOOK)
            if self._stop_requested or (self._loop is not None and self._loop.stop.told):
                raise StopRequested
        if told:
            self.set_state('idle')

    # --- counters

    def increment_successful_job_count(self, pipeline: Any = None) -> None:
        """One more job that finished, in its record."""
        store.count_job(self.connection if pipeline is None else pipeline, self.name, 'successful_job_count')

    def increment_failed_job_count(self, pipeline: Any = None) -> None:
        """One more job that failed, in its record."""
        store.count_job(self.connection if pipeline is None else pipeline, self.name, 'failed_job_count')

    def increment_total_working_time(self, job_execution_time: timedelta, pipeline: Any) -> None:
        """So much more time worked, in its record."""
        store.add_field(pipeline, self.name, 'total_working_time', job_execution_time.total_seconds())

    # --- the end

    def set_shutdown_requested_date(self) -> None:
        """Writes when it was told to stop."""
        when = self.shutdown_requested_date or now()
        store.set_fields(self.connection, self.name, {'shutdown_requested_date': utcformat(when)})

    def stop_scheduler(self) -> None:
        """Ends the scheduler that somebody has put into `scheduler`; ours need none."""
        if self.scheduler is not None:
            self.scheduler.stop()

    def teardown(self) -> None:
        """Signs off, unless this is the process that runs jobs."""
        if not self.is_horse:
            if self._loop is not None:
                self._loop.close()
                self._loop = None
            self.stop_scheduler()
            self._retire()

    def handle_warm_shutdown_request(self) -> None:
        """Says that it was told to stop; HerokuWorker tells its horse."""
        self._say('Warm shut down requested')

    def _say(self, line: str) -> None:
        if self._speaker is None:
            self.log.info(line)
        else:  # a signal handler may call this, in the middle of another log line
            self._speaker(line)

    _speaker: Callable[[str], None] | None = None
