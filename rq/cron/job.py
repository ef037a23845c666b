"""CronJob: a function, a queue, and when."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeGuard

from rq.defaults import DEFAULT_RESULT_TTL
from rq.job.checks import policy
from rq.queue import Queue
from rq.queue.options import durability
from rq.store import cron as store
from rq.store import keys
from rq.store.durable import confirm
from rq.utils import NOT_JSON_SERIALIZABLE, now, safe_json_dumps, str_to_date, utcformat
from rq.webhook import Webhook

from .slots import MISFIRE, micros
from .times import Times, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from rq.job import Job

__all__ = ['CronJob', 'enqueue_for']

OPTIONS = ('job_timeout', 'result_ttl', 'ttl', 'failure_ttl', 'meta', 'webhooks', 'on_lost', 'durable')
# What an interval job has as its next time while it has none.
NEVER = datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001  # RQ's
# Seconds: one round trip is not much faster.
SHORTEST = 0.001
# Slots between which the shortest distance is looked for.
LOOKED_AT = 100


class _ForSlot:
    """Mixed into a queue class: what it enqueues goes in by the script for slots. `answer` is the script's."""

    slot: store.Slot
    answer: Any = None

    def _enqueue_async_job(self, job: Job, pipeline: Any = None, at_front: bool = False, unique: bool = False) -> Job:
        queue: Any = self
        entry = queue._entry(job, at_front, unique)
        self.answer = store.enqueue_slot(queue.connection, queue.name, entry, self.slot)
        confirm(queue.connection, {entry.durable} if self.answer == b'QUEUED' else ())
        return job


@lru_cache(maxsize=8)
def _queue_class(base: type[Queue]) -> Any:
    return type('SlotQueue', (_ForSlot, base), {})


def enqueue_for(
    job: CronJob, connection: Redis, slot: store.Slot, queue_class: Any = Queue, **options: Any
) -> tuple[Any, Job]:
    """The script's answer for a slot, and the job, which is queued if that is b'QUEUED'. `options`: of the queue."""
    if job.func is None:
        raise ValueError('CronJob has no function to enqueue. It may have been created for monitoring purposes.')
    queue = _queue_class(queue_class)(job.queue_name, connection=connection, **options)
    queue.slot = slot
    given = {'timeout' if name == 'job_timeout' else name: value for name, value in job.job_options.items()}
    if 'meta' in given:
        given['meta'] = dict(given['meta'])  # a job may change its own
    made = queue.enqueue_call(job.func, args=job.args, kwargs=job.kwargs, **given)
    return queue.answer, made


class CronJob:
    """A function that is enqueued every `interval` seconds or at the times of a `cron` string, one of the two.

    Raises ValueError for what cannot be meant. Ours: `tz` (name or tzinfo, local time without), `misfire` (what becomes
    of slots that were missed while no scheduler ran: 'skip', 'once', 'all'), `jitter` (seconds by which slots are spread).
    """

    __module__ = 'rq.cron'

    def __init__(  # RQ's signature, and ours by keyword
        self,
        queue_name: str,
        func: Callable[..., Any] | None = None,
        func_name: str | None = None,
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
    ) -> None:
        if func is None and not func_name:
            raise ValueError('Either func or func_name must be provided')
        self.func = func
        self.func_name: str = func_name or _name_of(func)
        self.name = name or self.func_name
        self.args = args or ()
        self.kwargs = kwargs or {}
        self.interval = interval
        self.cron = cron
        self.queue_name = queue_name
        self.next_enqueue_time: datetime | None = None
        self.latest_enqueue_time: datetime | None = None
        values = (job_timeout, result_ttl, ttl, failure_ttl, meta, webhooks, policy(on_lost), durability(durable))
        self.job_options: dict[str, Any] = {
            option: value for option, value in zip(OPTIONS, values, strict=True) if value is not None
        }
        self.tz, self.misfire, self.jitter = tz, misfire, jitter
        self._twin = 0  # which one of several that are the same in all
        self._times = self._checked_times()
        self._check_rest()
        self._made = now()
        if self._times is not None:
            self.next_enqueue_time = self._times.after(self._made)
        self._first_next = self.next_enqueue_time
        self._refused_run: str | None = None

    def _checked_times(self) -> Times | None:
        if self.interval and self.cron:
            raise ValueError('Cannot specify both interval and cron parameters')
        if not self.interval and not self.cron:
            raise ValueError('Must specify either interval or cron parameter')
        where = zone(self.tz)
        return Times(self.cron, where) if self.cron else None

    def _check_rest(self) -> None:
        if self._times is None and not (_is_number(self.interval) and self.interval >= SHORTEST):
            raise ValueError(f'interval={self.interval!r}: give a number of seconds')
        if self.misfire not in MISFIRE:
            raise ValueError(f'misfire={self.misfire!r}: give one of {", ".join(map(repr, MISFIRE))}')
        if not _is_number(self.jitter) or not 0 <= self.jitter < self._apart():
            raise ValueError(
                f'jitter={self.jitter!r}: give seconds, fewer than two slots are apart ({self._apart():g})'
            )

    def _apart(self) -> float:
        """Seconds between two slots at least."""
        if self._times is None:
            return float(self.interval or 0)
        if not self.jitter:
            return 1
        slots = [self._times.after(now())]
        while len(slots) < LOOKED_AT:
            slots.append(self._times.after(slots[-1]))
        return min((later - earlier).total_seconds() for earlier, later in pairwise(slots))

    def _same(self, other: CronJob) -> bool:
        return self.definition.partition('-')[0] == other.definition.partition('-')[0]

    @property
    def definition(self) -> str:
        """What tells cron jobs of one name apart: function, queue, times, arguments as far as JSON has them."""
        told = [self.func_name, self.queue_name, self.interval, self.cron, str(self.tz or '')]
        text = json.dumps([*told, safe_json_dumps(list(self.args)), safe_json_dumps(self.kwargs)])
        digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]
        return f'{digest}-{self._twin}' if self._twin else digest

    @property
    def job_history_key(self) -> str:
        """The key under which the ids of its jobs are."""
        return keys.cron_history(self.name)

    def get_job_ids(self, connection: Redis, start: int = 0, end: int = -1) -> list[str]:
        """Ids of the jobs it made, newest first. One round trip."""
        return store.history(connection, self.name, start, end)

    def enqueue(self, connection: Redis) -> Job:
        """The job, enqueued now whatever the clock says. Raises ValueError for one that was read from Redis."""
        _, made = enqueue_for(self, connection, store.Slot(self.name, self.definition, run=store.ALWAYS))
        return made

    # --- its times, by the clock of this process

    def get_next_enqueue_time(self) -> datetime:
        """The time after the latest one; without one, the first time from now on."""
        if self._times is not None:
            return self._times.after(self.latest_enqueue_time or now())
        if self.latest_enqueue_time is None:
            return NEVER
        return self.latest_enqueue_time + timedelta(seconds=self.interval or 0)

    def should_run(self) -> bool:
        """Whether it is due: an interval job that has not run is."""
        if self.latest_enqueue_time is None and self._times is None:
            return True
        return self.next_enqueue_time is not None and now() >= self.next_enqueue_time

    def set_enqueue_time(self, time: datetime) -> None:
        """It was enqueued at a time; the next one follows from it."""
        self.latest_enqueue_time = time
        self.next_enqueue_time = self.get_next_enqueue_time()

    # --- as readers see it

    def to_dict(self) -> dict[str, Any]:
        """What is kept in Redis of it, for readers; `from_dict` turns it back, without the function."""
        told: dict[str, Any] = {
            'func_name': self.func_name,
            'name': self.name,
            'queue_name': self.queue_name,
            'args': safe_json_dumps(self.args) if self.args else None,
            'kwargs': safe_json_dumps(self.kwargs) if self.kwargs else None,
            'interval': self.interval,
            'cron': self.cron,
            'latest_enqueue_time': utcformat(self.latest_enqueue_time) if self.latest_enqueue_time else None,
            'next_enqueue_time': utcformat(self.next_enqueue_time) if self.next_enqueue_time else None,
        }
        for option, value in self.job_options.items():
            if option == 'webhooks':
                value = [webhook.to_dict() if hasattr(webhook, 'to_dict') else webhook for webhook in value]
            told[option] = safe_json_dumps(value) if option in ('meta', 'webhooks') else value
        ours = {'tz': str(self.tz) if self.tz else None, 'misfire': self.misfire, 'jitter': self.jitter}
        return told | {name: value for name, value in ours.items() if value not in (None, 'skip', 0)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CronJob:
        """A cron job to look at. What it does not understand it leaves out. Raises KeyError, ValueError, TypeError."""
        plain = (
            'func_name',
            'interval',
            'cron',
            'job_timeout',
            'ttl',
            'failure_ttl',
            'on_lost',
            'durable',
            'name',
            'tz',
            'misfire',
            'jitter',
        )
        given = {name: data[name] for name in plain if data.get(name) is not None}
        if data.get('result_ttl') is not None:
            given['result_ttl'] = data['result_ttl']
        for name in ('args', 'kwargs', 'meta', 'webhooks'):
            if data.get(name) is not None:
                given[name] = _from_json(data[name])
        if isinstance(given.get('webhooks'), list):
            given['webhooks'] = [Webhook.from_dict(told) for told in given['webhooks']]
        if isinstance(given.get('args'), list):
            given['args'] = tuple(given['args'])
        job = cls._readable(data['queue_name'], given)
        for name in ('latest_enqueue_time', 'next_enqueue_time'):
            if data.get(name):
                setattr(job, name, str_to_date(data[name]))
        return job

    @classmethod
    def _readable(cls, queue_name: str, given: dict[str, Any]) -> CronJob:
        try:
            return cls(queue_name, **given)
        except ValueError:
            # Another RQ's cron string that is none to us, or a zone that this machine does not know, can be shown.
            job = cls(queue_name, **given | {'tz': None, 'jitter': 0, 'misfire': 'skip'} | _replaced(given))
            job.cron, job.interval, job._times = given.get('cron'), given.get('interval'), None
            return job

    # --- for the scheduler

    def _life_begins(self, at: int, state: store.State) -> None:
        """Takes up the work at a Redis time (us): from then on no slot is missed, and earlier ones as `misfire` says."""
        if state.last is None and not state.ran:
            self._refused_run = state.run  # asked of another definition, before there was this one
        if self._times is None or self.next_enqueue_time != self._first_next:
            return  # somebody has set it by hand
        offset = at - micros(now())  # this process's clock may be wrong
        self.next_enqueue_time = self._times.after(self._made + timedelta(microseconds=offset))
        if self.misfire != 'skip' and state.last is not None:
            missed = self._times.after(datetime.fromtimestamp(state.last // 1_000_000, UTC))
            self.next_enqueue_time = min(missed, self.next_enqueue_time)

    def _wants_run(self, state: store.State) -> bool:
        return bool(state.run) and state.run not in (state.ran, self._refused_run)


def _name_of(func: Any) -> str:
    if isinstance(func, str):
        return func
    module, name = getattr(func, '__module__', None), getattr(func, '__name__', None)
    if not callable(func) or not name:
        raise ValueError(f'func={func!r}: give a function')
    return f'{module}.{name}'


def _replaced(given: dict[str, Any]) -> dict[str, Any]:
    return {name: known for name, known in (('cron', '@yearly'), ('interval', 1)) if given.get(name)}


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _from_json(text: Any) -> Any:
    if not isinstance(text, str) or text == NOT_JSON_SERIALIZABLE:
        return text
    return json.loads(text)
