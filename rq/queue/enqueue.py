"""The part of Queue that puts jobs in: enqueue -> enqueue_call -> enqueue_job -> _enqueue_job, as RQ's subclasses expect."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rq.exceptions import DuplicateJobError, InvalidJobDependency
from rq.job import Job, JobStatus, checks
from rq.job.call import reference
from rq.job.checks import seconds
from rq.store import enqueue as store
from rq.store import group as group_store
from rq.store.durable import confirm, durably
from rq.utils import now

from .dependents import Dependents
from .inline import run_inline
from .options import EnqueueArgs, EnqueueData, durability, take_options, take_own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from redis import Redis

    from rq.types import FunctionReferenceType

__all__ = ['Enqueueing', 'due_at']


def due_at(datetime: datetime) -> float:
    """The epoch at which a job for this time is due, rounded up to a millisecond: never early. Raises TypeError."""
    if not hasattr(datetime, 'timestamp'):
        raise TypeError(f'A datetime is needed to schedule a job, not {datetime!r}')
    due = math.ceil(round(datetime.timestamp() * 1e6) / 1e3) / 1e3
    return int(due) if due == int(due) else due


# Fields of a hash that mean nothing where the job runs in its caller's process.
NOT_INLINE = {'retries_left', 'repeats_left'}

_PLACES = {b'QUEUED': JobStatus.QUEUED, b'DEFERRED': JobStatus.DEFERRED, b'RATE_LIMITED': JobStatus.RATE_LIMITED}


def _note_place(job: Job, answer: Any) -> None:
    """Tells the job where it went. Raises InvalidJobDependency where it would wait for itself."""
    if answer == b'CYCLE':
        raise InvalidJobDependency(f'Job {job.id} would wait for a job that waits for it; nothing was enqueued')
    if not isinstance(answer, bytes):  # a pipeline, which knows later
        job._status = JobStatus.DEFERRED if job._dependency_ids else JobStatus.RATE_LIMITED
        return
    job._status = _PLACES.get(answer, job._status)
    if job._status is JobStatus.QUEUED and job.enqueued_at is None:
        job.enqueued_at = now()


def _check_unique(unique: bool, job_id: str | None, depends_on: Any, rate_limit: Any) -> None:
    if not unique:
        return
    if not job_id:
        raise ValueError('unique=True requires an explicit job_id')
    if depends_on:
        raise ValueError('unique=True is not supported with job dependencies')
    if rate_limit is not None:
        raise ValueError('unique=True is not supported with rate-limited jobs')


class Enqueueing(Dependents):
    """Mixed into Queue. One enqueue is one round trip, and safe to be sent twice."""

    connection: Redis
    name: str
    serializer: Any
    job_class: Any
    _default_timeout: Any
    _is_async: bool
    on_lost: str | None

    @classmethod
    def parse_args(cls, f: FunctionReferenceType, *args: Any, **kwargs: Any) -> EnqueueArgs:
        """A call of `enqueue` taken apart: the function, its options, its own arguments."""
        reference(f)
        return take_options(f, args, kwargs)

    def enqueue(self, f: FunctionReferenceType, *args: Any, **kwargs: Any) -> Job:
        """The job that will call `f(*args, **kwargs)`; the options of EnqueueOptions are taken out of kwargs.

        Raises ValueError or TypeError for a function that no worker could import and for bad options,
        DuplicateJobError with `unique=True`; then nothing was enqueued. NotDurable where `durable=` asks for more than the
        server can give: then it was. `on_lost=` is what becomes of the job when its process dies.
        """
        own = take_own(f, kwargs) if kwargs else {}
        call = self.parse_args(f, *args, **kwargs)
        return self.enqueue_call(**call._asdict(), **own)

    def enqueue_call(  # RQ's signature: callers pass these by position
        self,
        func: FunctionReferenceType,
        args: tuple[Any, ...] | list[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        timeout: int | None = None,
        result_ttl: int | None = None,
        ttl: int | None = None,
        failure_ttl: int | None = None,
        description: str | None = None,
        depends_on: Any = None,
        job_id: str | None = None,
        at_front: bool = False,
        meta: dict[Any, Any] | None = None,
        retry: Any = None,
        repeat: Any = None,
        on_success: Any = None,
        on_failure: Any = None,
        on_stopped: Any = None,
        rate_limit: Any = None,
        pipeline: Any = None,
        unique: bool = False,
        webhooks: Any = None,
        *,
        on_lost: str | None = None,
        durable: str | None = None,
    ) -> Job:
        """As `enqueue`, with the function's arguments and the options apart."""
        _check_unique(unique, job_id, depends_on, rate_limit)
        job = self.create_job(
            func, args, kwargs, timeout, result_ttl, ttl, failure_ttl, description, depends_on, job_id, meta,
            JobStatus.QUEUED, retry, repeat, on_success=on_success, on_failure=on_failure, on_stopped=on_stopped,
            webhooks=webhooks, rate_limit=rate_limit,
        )  # fmt: skip
        self._take_own(job, pipeline, on_lost, durable)
        return self.enqueue_job(job, pipeline=pipeline, at_front=at_front, unique=unique)

    def _take_own(self, job: Job, pipeline: Any, on_lost: str | None = None, durable: str | None = None) -> None:
        if on_lost is not None:
            job.on_lost = checks.policy(on_lost)
        if durability(durable) is not None:
            if pipeline is not None or not self._is_async:
                raise ValueError(
                    'durable= waits for the server: not with pipeline=, nor on a queue with is_async=False'
                )
            job._durable = durable

    def create_job(  # RQ's signature
        self,
        func: FunctionReferenceType,
        args: tuple[Any, ...] | list[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        timeout: int | None = None,
        result_ttl: int | None = None,
        ttl: int | None = None,
        failure_ttl: int | None = None,
        description: str | None = None,
        depends_on: Any = None,
        job_id: str | None = None,
        meta: dict[Any, Any] | None = None,
        status: JobStatus = JobStatus.QUEUED,
        retry: Any = None,
        repeat: Any = None,
        *,
        on_success: Any = None,
        on_failure: Any = None,
        on_stopped: Any = None,
        webhooks: Any = None,
        group_id: str | None = None,
        rate_limit: Any = None,
    ) -> Job:
        """A job of this queue that is not stored yet. Raises ValueError for a timeout of 0 and a ttl below 1."""
        checks.repeat(repeat)
        checks.rate_limit(rate_limit)
        if rate_limit is not None and not self._is_async:
            raise ValueError('rate_limit is not supported on synchronous queues (is_async=False)')
        limit = seconds('timeout', timeout)
        if limit == 0:
            raise ValueError('0 timeout is not allowed. Use -1 for infinite timeout')
        wait = seconds('ttl', ttl)
        if wait is not None and wait <= 0:
            raise ValueError('Job ttl must be greater than 0')
        job: Job = self.job_class.create(
            func, args=args, kwargs=kwargs, connection=self.connection, result_ttl=result_ttl, ttl=wait, status=status,
            description=description, depends_on=depends_on, timeout=limit or self._default_timeout, retry=retry,
            id=job_id, origin=self.name, meta=meta, failure_ttl=failure_ttl, serializer=self.serializer,
            group_id=group_id, on_success=on_success, on_failure=on_failure, on_stopped=on_stopped, webhooks=webhooks,
        )  # fmt: skip
        if job_id is None:
            job._fresh = True
        if self.on_lost is not None:
            job.on_lost = self.on_lost
        if repeat is not None:
            job.repeats_left, job.repeat_intervals = repeat.times, repeat.intervals
        if rate_limit is not None:
            job.rate_limit_key, job.rate_limit_concurrency = str(rate_limit.key), rate_limit.concurrency
        return job

    # --- one

    def enqueue_job(self, job: Job, pipeline: Any = None, at_front: bool = False, unique: bool = False) -> Job:
        """Puts a job in this queue, whatever it was before. Raises DuplicateJobError with `unique` if its id is taken."""
        job.origin = self.name
        job._now = False
        return self._enqueue_job(job, pipeline=pipeline, at_front=at_front, unique=unique)

    def _enqueue_job(self, job: Job, pipeline: Any = None, at_front: bool = False, unique: bool = False) -> Job:
        # By itself, as django-rq's button calls it, it asks for no dependencies; so does RQ's.
        job.__dict__.setdefault('_now', True)
        if not self._is_async:
            return self._enqueue_sync_job(job, pipeline=pipeline, unique=unique)
        return self._enqueue_async_job(job, pipeline=pipeline, at_front=at_front, unique=unique)

    def _enqueue_async_job(self, job: Job, pipeline: Any = None, at_front: bool = False, unique: bool = False) -> Job:
        entry = self._entry(job, at_front, unique)
        connection = self.connection if pipeline is None else pipeline
        if entry.waits:
            answer = self._put(store.enqueue_when_ready, connection, entry)
            _note_place(job, answer)
        else:
            answer = self._put(store.enqueue, connection, entry)
        if answer == b'DUPLICATE':
            raise DuplicateJobError(f'Job with ID {job.id!r} already exists')
        return job

    def _put(self, put: Callable[..., Any], connection: Any, entry: store.Entry, *more: Any) -> Any:
        if entry.durable is None:
            return put(connection, self.name, entry, *more)
        return durably(connection, entry.durable, lambda pipeline: put(pipeline, self.name, entry, *more))

    def _enqueue_sync_job(self, job: Job, pipeline: Any = None, unique: bool = False) -> Job:
        if not job.__dict__.pop('_now', False) and job._dependency_ids and not job.dependencies_are_met():
            return self._enqueue_async_job(job, pipeline)  # it is deferred, and queued when they have ended
        self._store(job, unique)
        return run_inline(self, job)

    def store_unique(self, job: Job) -> None:
        """Stores a job without queueing it. Raises DuplicateJobError if its id is taken."""
        self._store(job, unique=True)

    def _store(self, job: Job, unique: bool) -> None:
        entry = self._entry(job, False, unique)
        entry.push = False
        # Nobody would retry or repeat it: a sync queue need not have a worker. RQ's fail at once as well.
        entry.fields = {name: value for name, value in entry.fields.items() if name not in NOT_INLINE}
        if store.enqueue(self.connection, self.name, entry) == b'DUPLICATE':
            raise DuplicateJobError(f'Job with ID {job.id!r} already exists')

    def _entry(self, job: Job, at_front: bool = False, unique: bool = False, at: datetime | None = None) -> store.Entry:
        waits = not job.__dict__.pop('_now', False) and bool(job._dependency_ids or job.rate_limit_key)
        job._status = JobStatus.QUEUED
        job.enqueued_at = None if waits else at or now()
        if at is not None:
            job.created_at = at
        if job.timeout is None:
            job.timeout = self._default_timeout
        front = at_front or job.should_enqueue_at_front()
        if waits and front:
            job.enqueue_at_front = True  # for whoever puts it on the queue later
        # An id made for this call is its own proof that a second copy is a copy; any other needs a nonce.
        call = '' if job.__dict__.pop('_fresh', False) else uuid4().hex[:16]
        job._stored = job.to_dict()
        return store.Entry(
            job.id, job._stored, call, job.ttl or 0, front, unique, True, waits, job.__dict__.pop('_durable', None)
        )

    def run_job(self, job: Job) -> Job:
        """Runs a job here and now. Its outcome is stored; exceptions of its function are not raised."""
        job.save()
        return run_inline(self, job)

    def run_sync(self, job: Job) -> Job:
        """As `run_job`."""
        return self.run_job(job)

    # --- many

    @staticmethod
    def prepare_data(  # RQ's signature
        func: FunctionReferenceType,
        args: tuple[Any, ...] | list[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        timeout: int | None = None,
        result_ttl: int | None = None,
        ttl: int | None = None,
        failure_ttl: int | None = None,
        description: str | None = None,
        depends_on: Any = None,
        job_id: str | None = None,
        at_front: bool = False,
        meta: dict[Any, Any] | None = None,
        retry: Any = None,
        on_success: Any = None,
        on_failure: Any = None,
        on_stopped: Any = None,
        repeat: Any = None,
        webhooks: Any = None,
        *,
        on_lost: str | None = None,
        durable: str | None = None,
    ) -> EnqueueData:
        """A call for `enqueue_many`. `durable`: it returns when all of its jobs are as safe as any of them asks to be."""
        return EnqueueData(
            func, args, kwargs, timeout, result_ttl, ttl, failure_ttl, description, depends_on, job_id or None,
            at_front, meta, retry, on_success, on_failure, on_stopped, repeat, webhooks, checks.policy(on_lost),
            durability(durable),
        )  # fmt: skip

    def enqueue_many(
        self, job_datas: Iterable[EnqueueData], pipeline: Any = None, group_id: str | None = None
    ) -> list[Job]:
        """The jobs of many calls (`prepare_data`), put in the queue in their order, a hundred a round trip.

        All calls are checked and pickled before the first is sent: a bad one raises and nothing was enqueued. NotDurable
        where one asks for more than the server can give: then all were.
        """
        jobs = [self._job_of(data, pipeline, group_id) for data in job_datas]
        connection = self.connection if pipeline is None else pipeline
        if not self._is_async:
            if group_id is not None and jobs:
                group_store.add(connection, group_id, [job.id for job in jobs])
            return [self.enqueue_job(job) for job in jobs]
        at = now()  # one moment for all: it is sent once
        entries = [self._entry(job, data_front, at=at) for job, data_front in self._fronts(jobs)]
        answers = store.enqueue_many(connection, self.name, entries, group_id or '')
        confirm(connection, {entry.durable for entry in entries})
        if any(entry.waits for entry in entries):
            places: list[Any] = [*answers] or [None] * len(jobs)  # a pipeline answers later
            for job, answer in zip(jobs, places, strict=False):
                _note_place(job, answer)
        return jobs

    def _fronts(self, jobs: list[Job]) -> Iterator[tuple[Job, bool]]:
        return ((job, bool(job.__dict__.pop('_at_front', False))) for job in jobs)

    def _job_of(self, data: EnqueueData, pipeline: Any, group_id: str | None = None) -> Job:
        reference(data.func)
        job = self.create_job(
            data.func, data.args, data.kwargs, data.timeout, data.result_ttl, data.ttl, data.failure_ttl,
            data.description, data.depends_on, data.job_id, data.meta, JobStatus.QUEUED, data.retry, data.repeat,
            on_success=data.on_success, on_failure=data.on_failure, on_stopped=data.on_stopped, webhooks=data.webhooks,
            group_id=group_id,
        )  # fmt: skip
        self._take_own(job, pipeline, data.on_lost, data.durable)
        if data.at_front:
            job.__dict__['_at_front'] = True
        return job

    # --- later

    def enqueue_at(self, datetime: datetime, f: FunctionReferenceType, *args: Any, **kwargs: Any) -> Job:
        """The job that will be queued at a time (a naive one is local), with `enqueue`'s options."""
        own = take_own(f, kwargs) if kwargs else {}
        call = self.parse_args(f, *args, **kwargs)
        _check_unique(call.unique, call.job_id, call.depends_on, call.rate_limit)
        job = self.create_job(
            f, call.args, call.kwargs, call.timeout, call.result_ttl, call.ttl, call.failure_ttl, call.description,
            call.depends_on, call.job_id, call.meta, JobStatus.SCHEDULED, call.retry, call.repeat,
            on_success=call.on_success, on_failure=call.on_failure, on_stopped=call.on_stopped,
            webhooks=call.webhooks, rate_limit=call.rate_limit,
        )  # fmt: skip
        self._take_own(job, call.pipeline, **own)
        if call.at_front:
            job.enqueue_at_front = True
        return self.schedule_job(job, datetime, pipeline=call.pipeline, unique=call.unique)

    def enqueue_in(self, time_delta: timedelta, func: FunctionReferenceType, *args: Any, **kwargs: Any) -> Job:
        """The job that will be queued after a time, with `enqueue`'s options."""
        if not isinstance(time_delta, timedelta):
            raise TypeError(f'A timedelta is needed, such as timedelta(seconds=10), not {time_delta!r}')
        return self.enqueue_at(now() + time_delta, func, *args, **kwargs)

    def schedule_job(self, job: Job, datetime: datetime, pipeline: Any = None, unique: bool = False) -> Job:
        """Stores a job that is to be queued at a time, to the millisecond after it: never early."""
        due = due_at(datetime)
        job.origin = self.name
        entry = self._entry(job, unique=unique)
        job._status, job.enqueued_at = JobStatus.SCHEDULED, None
        entry.fields = job._stored = job.to_dict()
        answer = self._put(store.schedule, self.connection if pipeline is None else pipeline, entry, due)
        if answer == b'DUPLICATE':
            raise DuplicateJobError(f'Job with ID {job.id!r} already exists')
        return job
