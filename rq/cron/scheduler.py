"""CronScheduler: enqueues cron jobs when they are due. Any number may run with the same file; each slot is enqueued once."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import RedisError

from rq import cron_job_registry, cron_scheduler_registry
from rq.defaults import DEFAULT_RESULT_TTL
from rq.exceptions import SchedulerNotFound
from rq.logutils import setup_loghandlers
from rq.queue import Queue
from rq.serializers import resolve_serializer
from rq.store import cron as store
from rq.store import keys
from rq.store.replies import Trouble, classify
from rq.utils import decode_redis_hash, now, str_to_date, utcformat

from .config import OURS, run_config, taken, what_was_set
from .job import CronJob, enqueue_for
from .slots import Due, due_intervals, due_times, jitter_of, micros, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from redis import Redis

__all__ = ['CronScheduler', 'create_cron']

# Seconds between two looks: nothing is later than that, nor is a request to run now.
LOOK_EVERY = 1.0
# Seconds; the record lives 120 s after the last one.
HEARTBEAT_EVERY = 30.0
# RQ's longest sleep.
LONGEST_SLEEP = 60
# After a time was asked of Redis it is counted on from here; a look never waits longer than this past a slot.
JUST_AFTER = 0.002


class CronScheduler:
    """Cron jobs and a loop that enqueues them: `register` or `load_config_from_file`, then `start`.

    The clock is that of Redis. A slot is enqueued at most a second late, and never early.
    """

    __module__ = 'rq.cron'

    def __init__(self, connection: Redis, logging_level: str | int = logging.INFO, name: str = '') -> None:
        self.connection = connection
        self._cron_jobs: list[CronJob] = []
        self.hostname = socket.gethostname()
        self.pid = os.getpid()
        self.name = name or f'{self.hostname}:{self.pid}:{uuid4().hex[:6]}'
        self.config_file = ''
        self.created_at = now()
        self.serializer: Any = resolve_serializer(None)
        self.queue_class: Any = Queue
        self.log = logging.getLogger('rq.cron')
        setup_loghandlers(logging_level, name='rq.cron')
        self._stop_requested = False
        self._ours: dict[str, Any] = {}  # what a file says that the `register` of a subclass may not take
        self._begun: set[int] = set()  # ids of the cron jobs whose life has begun here
        self._complaints: dict[int, str] = {}  # what has been said of a cron job, so that it is said once
        self._clock = (0, 0.0)  # Redis time (us) and the monotonic clock when it was asked
        self._heartbeat_at = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CronScheduler) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    # --- what it has to do

    def register(  # RQ's signature, and ours by keyword
        self,
        func: Callable[..., Any],
        queue_name: str,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        interval: int | None = None,
        cron: str | None = None,
        job_timeout: int | None = None,
        result_ttl: int = DEFAULT_RESULT_TTL,
        ttl: int | None = None,
        failure_ttl: int | None = None,
        meta: dict[Any, Any] | None = None,
        webhooks: Sequence[Any] | None = None,
        name: str = '',
        *,
        tz: str | tzinfo | None = None,
        misfire: str = 'skip',
        jitter: float = 0,
        on_lost: str | None = None,
        durable: str | None = None,
    ) -> CronJob:
        """A cron job of this scheduler. Raises ValueError for what cannot be meant (see CronJob)."""
        job = CronJob(
            queue_name, func, args=args, kwargs=kwargs, interval=interval, cron=cron, job_timeout=job_timeout,
            result_ttl=result_ttl, ttl=ttl, failure_ttl=failure_ttl, meta=meta, webhooks=webhooks, name=name,
            **{'tz': tz, 'misfire': misfire, 'jitter': jitter, 'on_lost': on_lost, 'durable': durable, **self._ours},
        )  # fmt: skip
        job._twin = sum(other.name == job.name and other._same(job) for other in self._cron_jobs)
        self._cron_jobs.append(job)
        when = f'every {interval} seconds' if interval else f'with cron schedule {cron!r}'
        self.log.info('Registered %r to run on %s %s', job.func_name, queue_name, when)
        return job

    def load_config_from_file(self, config_path: str) -> None:
        """Registers what a cron file registers (see `run_config` for paths and errors).

        A registration that cannot be meant is logged as an error and left out; the others count.
        """
        self.config_file = config_path
        self.log.info('Loading cron configuration from %s', config_path)
        run_config(config_path)
        count = 0
        for told in taken():
            try:
                self._ours = {name: told.pop(name) for name in OURS if name in told}
                self.register(**what_was_set(told))
                count += 1
            except Exception as error:  # noqa: BLE001  # a subclass's `register` is somebody's own
                func = told['func']
                self.log.error('Left out of %s: %s: %s', config_path, getattr(func, '__name__', func), error)
        self._ours = {}
        self.log.info('Successfully registered %d cron jobs from %r', count, config_path)

    def get_jobs(self) -> list[CronJob]:
        """Its cron jobs."""
        return self._cron_jobs

    # --- what it does

    def enqueue_jobs(self) -> list[CronJob]:
        """Enqueues what is due by Redis time; the cron jobs of which it enqueued something. One round trip, one more a slot.

        One that cannot be enqueued is logged as an error and does not keep the others from it. Raises redis-py's errors.
        """
        at, states = store.look(self.connection, [(job.name, job.definition) for job in self._cron_jobs])
        self._clock = at, time.monotonic()
        enqueued = []
        for job, state in zip(self._cron_jobs, states, strict=True):
            try:
                if self._serve(job, state, at):
                    enqueued.append(job)
                    self._complaints.pop(id(job), None)
            except RedisError as error:
                if classify(error) is Trouble.TRANSIENT:
                    raise
                self._complain(job, error)  # a full server, a key of a wrong type, a queue that is not allowed
            except Exception as error:  # noqa: BLE001  # what a job is made of is somebody's own
                job._refused_run = state.run
                self._complain(job, error)
        return enqueued

    def _complain(self, job: CronJob, error: Exception) -> None:
        words = f'{type(error).__name__}: {error}'
        if self._complaints.get(id(job)) != words:
            self.log.error('%s cannot be enqueued: %s', job.name, words)
            self._complaints[id(job)] = words

    def _serve(self, job: CronJob, state: store.State, at: int) -> bool:
        if id(job) not in self._begun:
            job._life_begins(at, state)
            if job._times is not None and job.misfire != 'skip' and state.last is None:
                store.begin(self.connection, job.name, job.definition, at)
            self._begun.add(id(job))
        if state.enqueued and state.last is not None:
            job.latest_enqueue_time = moment(state.last)
        ran = False
        if job._wants_run(state):
            ran = self._enqueue(job, store.Slot(job.name, job.definition, run=state.run), at)
        due = self._due(job, state, at)
        if state.paused or not due.slots:
            job.next_enqueue_time = moment(due.next)
            return ran
        if due.left_out:
            self.log.warning(
                '%s: more than %d slots were missed, only the newest are caught up', job.name, len(due.slots)
            )
        gap = int(job.interval * 1e6) if job.interval else 1
        following = [slot for slot, _ in due.slots[1:]] + [due.next]
        for (slot, when), after in zip(due.slots, following, strict=True):
            try:
                ran |= self._enqueue(job, store.Slot(job.name, job.definition, slot, when, gap), at)
            except RedisError:
                raise  # it is still due at the next look
            except Exception:
                job.next_enqueue_time = moment(due.next)
                raise
            job.next_enqueue_time = moment(after)
        return ran

    @staticmethod
    def _due(job: CronJob, state: store.State, at: int) -> Due:
        every_one, delay = job.misfire == 'all', (job.name, job.jitter)
        if job._times is not None:
            cursor = micros(job.next_enqueue_time) if job.next_enqueue_time else at
            return due_times(job._times, cursor, at, every_one, delay)
        return due_intervals(int((job.interval or 0) * 1e6), state, at, every_one, delay)

    def _enqueue(self, job: CronJob, slot: store.Slot, at: int) -> bool:
        """Whether we were the first."""
        answer, made = enqueue_for(job, self.connection, slot, self.queue_class, serializer=self.serializer)
        if answer != b'QUEUED':
            return False
        job.latest_enqueue_time = moment(at)
        self.log.info('Enqueued job %s to queue %s (%s)', job.name, job.queue_name, made.id)
        return True

    def calculate_sleep_interval(self) -> float:
        """Seconds until the next slot is due, 60 at most."""
        slots = [(job, micros(job.next_enqueue_time)) for job in self._cron_jobs if job.next_enqueue_time]
        if not slots:
            return LONGEST_SLEEP
        soonest = min(slot + jitter_of(job.name, slot, job.jitter) for job, slot in slots)
        return max(0.0, min(LONGEST_SLEEP, (soonest - self._now()) / 1e6))

    def _now(self) -> int:
        """Redis time (us), counted on from the last look; this process's own before the first."""
        at, clock = self._clock
        return at + int((time.monotonic() - clock) * 1e6) if at else micros(now())

    # --- running

    def start(self) -> None:
        """Runs until SIGINT or SIGTERM. Raises redis-py's errors if there is no server to begin with; later it waits for it."""
        self._stop_requested = False
        self.log.info('CronScheduler %s: starting...', self.name)
        restore = self._install_signal_handlers()
        try:
            self.register_birth()
            self._work()
            self._goodbye()
            self.log.info('CronScheduler %s: shutdown complete', self.name)
        finally:
            restore()

    def _work(self) -> None:
        away = False
        while not self._stop_requested:
            try:
                changed = self.enqueue_jobs()
                if changed or time.monotonic() - self._heartbeat_at >= HEARTBEAT_EVERY:
                    self.heartbeat()
                if away:
                    self.log.info('CronScheduler %s: Redis is back', self.name)
                away = False
            except (RedisError, OSError) as error:
                if not away:
                    self.log.error('CronScheduler %s: Redis is away, going on when it is back: %s', self.name, error)
                away = True
            # What could not be enqueued is still due: that is no reason to ask all the time.
            patient = away or self._complaints
            self._sleep(LOOK_EVERY if patient else min(LOOK_EVERY, self.calculate_sleep_interval() + JUST_AFTER))

    def _sleep(self, seconds: float) -> None:
        if not self._stop_requested:
            time.sleep(seconds)

    def _goodbye(self) -> None:
        try:
            self.register_death()
        except (RedisError, OSError) as error:
            self.log.warning('CronScheduler %s: stays on the list for two minutes: %s', self.name, error)

    def _install_signal_handlers(self) -> Callable[[], None]:
        """What puts the handlers back that were there. Outside of the main thread there are none to install."""
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        before = {number: signal.signal(number, self._request_stop) for number in (signal.SIGINT, signal.SIGTERM)}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

        return restore

    def _request_stop(self, signum: int, frame: Any) -> None:
        self.log.info('CronScheduler %s: received shutdown signal %d', self.name, signum)
        self._stop_requested = True

    # --- as readers see it

    @property
    def key(self) -> str:
        """The key of its record."""
        return keys.cron_scheduler(self.name)

    @property
    def last_heartbeat(self) -> datetime | None:
        """When it was last heard of; None when it has stopped. One round trip."""
        at = store.last_heartbeat(self.connection, self.name)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def to_dict(self) -> dict[str, Any]:
        """Its record."""
        return {
            'hostname': self.hostname,
            'pid': str(self.pid),
            'name': self.name,
            'created_at': utcformat(self.created_at),
            'config_file': self.config_file,
            'cron_jobs': json.dumps([job.to_dict() for job in self._cron_jobs]),
        }

    def restore(self, raw_data: dict[Any, Any]) -> None:
        """Takes over a record from Redis. What cannot be read is logged and left out."""
        told = decode_redis_hash(raw_data, decode_values=True)
        self.hostname = told.get('hostname', '')
        self.pid = int(told.get('pid') or 0)
        self.config_file = told.get('config_file', '')
        if told.get('created_at'):
            self.created_at = str_to_date(told['created_at'])
        try:
            self._cron_jobs = [CronJob.from_dict(data) for data in json.loads(told.get('cron_jobs') or '[]')]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._cron_jobs = []
            self.log.error('Failed to restore cron jobs: %s', error)

    def save(self, pipeline: Any = None) -> None:
        """Writes its record."""
        store.show(self.connection if pipeline is None else pipeline, self.name, self.to_dict())

    def register_birth(self) -> None:
        """Readers see it from now on. Names of schedulers that died without a word are dropped."""
        self.log.info('CronScheduler %s: registering birth...', self.name)
        store.beat(self.connection, self.name, now().timestamp(), self.to_dict())
        cron_scheduler_registry.cleanup(self.connection)
        cron_job_registry.remove_stale_entries(self.connection)
        self._heartbeat_at = time.monotonic()

    def register_death(self, pipeline: Any = None) -> None:
        """Readers do not see it any more."""
        self.log.info('CronScheduler %s: registering death...', self.name)
        cron_scheduler_registry.unregister(self, pipeline)

    def heartbeat(self) -> None:
        """It is alive, and this is what it knows of its cron jobs."""
        if store.beat(self.connection, self.name, now().timestamp(), self.to_dict()):
            self.log.info('CronScheduler %s: re-registered in scheduler registry', self.name)
        self._heartbeat_at = time.monotonic()

    @classmethod
    def fetch(cls, name: str, connection: Redis) -> CronScheduler:
        """A scheduler to look at. Raises SchedulerNotFound."""
        (raw,) = store.fetch_schedulers(connection, [name])
        if not raw:
            raise SchedulerNotFound(f'CronScheduler with name {name!r} not found')
        return cls._restored(name, connection, raw)

    @classmethod
    def all(cls, connection: Redis, cleanup: bool = True) -> list[CronScheduler]:
        """The schedulers that have a record; with `cleanup` only those heard of in the last two minutes. Two round trips."""
        if cleanup:
            names = cron_scheduler_registry.living(connection)
        else:
            names = cron_scheduler_registry.get_keys(connection)
        found = zip(names, store.fetch_schedulers(connection, names), strict=True)
        return [cls._restored(name, connection, raw) for name, raw in found if raw]

    @classmethod
    def _restored(cls, name: str, connection: Redis, raw: dict[bytes, bytes]) -> CronScheduler:
        scheduler = cls(connection=connection, name=name)
        scheduler.restore(raw)
        return scheduler


def create_cron(connection: Redis) -> CronScheduler:
    """A scheduler with everything that `rq.cron.register` has noted. Raises ValueError for what cannot be meant."""
    scheduler = CronScheduler(connection)
    for told in taken():
        scheduler.register(**what_was_set(told))
    return scheduler
