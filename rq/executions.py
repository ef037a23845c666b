"""Runs of jobs, as workers show them to readers once a job has run for 100 ms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rq.defaults import FORMAT_KEY_PREFIX, RQ_KEY_PREFIX
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.registry.base import BaseRegistry, template
from rq.registry.started import StartedJobRegistry
from rq.store import fields as codec
from rq.store import job as store
from rq.store import keys
from rq.store import registry as registry_store
from rq.store import worker as worker_store
from rq.store.claim import Lease
from rq.utils import now, parse_composite_key

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    'FORMAT_KEY_PREFIX',
    'RQ_KEY_PREFIX',
    'WORKER_EXECUTIONS_KEY_TEMPLATE',
    'Execution',
    'ExecutionRegistry',
    'cleanup_execution',
    'prepare_execution',
]

# Seconds for which a place outlives the sign of life that it stands for; RQ's.
SLACK = 60
WORKER_EXECUTIONS_KEY_TEMPLATE = template(keys.worker_executions)


class Execution:
    """One run of a job, in one worker. `Execution.fetch(id, job_id, connection)`, or `job.get_executions()`."""

    _job: Job | None = None

    def __init__(self, id: str, job_id: str, connection: Redis, worker_name: str = '') -> None:
        self.id = id
        self.job_id = job_id
        self.connection = connection
        self.worker_name = worker_name
        self.created_at: datetime = now()
        self.last_heartbeat: datetime = self.created_at

    @classmethod
    def fetch(cls, id: str, job_id: str, connection: Redis) -> Execution:
        """The run with these ids. Raises ValueError when it is not shown (any more)."""
        found = cls(id, job_id, connection)
        found.refresh()
        return found

    @classmethod
    def from_composite_key(cls, composite_key: str, connection: Redis) -> Execution:
        """The run named `job:execution`; nothing is read. Raises ValueError for more than two parts."""
        job_id, execution_id = parse_composite_key(composite_key)
        return cls(execution_id, job_id, connection)

    @classmethod
    def create(cls, job: Job, ttl: int, pipeline: Any, worker_name: str = '') -> Execution:
        """A new run of a job, written into a pipeline: its hash, its places among the runs of job, worker and queue.

        Low level, as in RQ. A worker begins a run by `prepare_execution`, which asks whether it may.
        """
        run = cls(uuid4().hex, job.id, job.connection, worker_name)
        run.save(ttl, pipeline)
        ExecutionRegistry(job.id, job.connection).add(run, ttl, pipeline)
        StartedJobRegistry(job.origin, job.connection).add_execution(run, pipeline, ttl)
        if worker_name:
            worker_store.add_run(pipeline, worker_name, run.composite_key, ttl + SLACK)
        return run

    def save(self, ttl: int, pipeline: Any = None) -> None:
        """Writes the hash, which lives `ttl` seconds from now."""
        where = self.connection if pipeline is None else pipeline
        worker_store.write_run(where, self.job_id, self.id, self.serialize(), ttl)

    def heartbeat(self, started_job_registry: Any, ttl: int, pipeline: Any) -> None:
        """A sign of life, written into a pipeline: the run and its places are good for `ttl` seconds from now."""
        self.last_heartbeat = now()
        fields = {'last_heartbeat': self.last_heartbeat.timestamp()}
        worker_store.write_run(pipeline, self.job_id, self.id, fields, ttl)
        started_job_registry.add_execution(self, pipeline, ttl, xx=True)
        ExecutionRegistry(self.job_id, self.connection).add(self, ttl, pipeline, xx=True)

    def delete(self, job: Job, pipeline: Any) -> None:
        """Takes the run away, and its lease: what its worker still reports is too late then."""
        worker_store.end_run(pipeline, self.worker_name, Lease(job.origin, self.job_id, self.id))

    def refresh(self) -> None:
        """Reads the run again. Raises ValueError when it is not shown (any more)."""
        raw = store.fetch_execution(self.connection, self.job_id, self.id)
        if not raw:
            raise ValueError(f'Execution {self.id} not found in Redis')
        self.restore(raw)

    def restore(self, data: dict[bytes, bytes]) -> None:
        """Takes over a hash as Redis gave it. Raises DeserializationError for one without readable times."""
        self.created_at = _instant(data, b'created_at')
        self.last_heartbeat = _instant(data, b'last_heartbeat')
        self.worker_name = codec.text(data.get(b'worker_name', b''))
        self.job_id = codec.text(data.get(b'job_id', b'')) or self.job_id

    def serialize(self) -> dict[str, Any]:
        """The fields of the hash."""
        return {
            'id': self.id,
            'job_id': self.job_id,
            'created_at': self.created_at.timestamp(),
            'last_heartbeat': self.last_heartbeat.timestamp(),
            'worker_name': self.worker_name,
        }

    @property
    def key(self) -> str:
        """The key of the hash."""
        return keys.execution(self.job_id, self.id)

    @property
    def worker_executions_key(self) -> str:
        """The key of the set of its worker's runs."""
        return keys.worker_executions(self.worker_name)

    @property
    def composite_key(self) -> str:
        """`job:execution`, as it stands in `rq:wip:<queue>`."""
        return f'{self.job_id}:{self.id}'

    @property
    def job(self) -> Job:
        """Its job; asks Redis at the first use. Raises NoSuchJobError."""
        if self._job is None:
            self._job = Job.fetch(self.job_id, connection=self.connection)
        return self._job

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Execution) and self.composite_key == other.composite_key

    def __hash__(self) -> int:
        return hash(self.composite_key)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.id!r}, {self.job_id!r})'


def _instant(data: dict[bytes, bytes], name: bytes) -> datetime:
    stored = data.get(name, b'')
    try:
        seconds = codec.real(stored)
        if seconds is not None:
            return datetime.fromtimestamp(seconds, UTC)
    except (DeserializationError, ValueError, OverflowError, OSError):  # no number; nan; beyond what a date can be
        pass
    raise DeserializationError(f'Execution: field {name.decode()} is not a time: {stored[:60]!r}')


class ExecutionRegistry(BaseRegistry):
    """The runs of one job that are under way. `ExecutionRegistry(job_id, connection)`, or `job.execution_registry`."""

    key_template = template(keys.executions)
    _expires = True

    def __init__(self, job_id: str, connection: Redis) -> None:
        super().__init__(job_id, connection)
        self.job_id = job_id

    def get_execution_ids(self, start: int = 0, end: int = -1) -> list[str]:
        """Ids of the runs, the oldest first."""
        return registry_store.living_ids(self.connection, self.key, start, end)

    def get_executions(self, start: int = 0, end: int = -1) -> list[Execution]:
        """The runs, the oldest first; one that ended while we looked is left out."""
        found = []
        for execution_id in self.get_execution_ids(start, end):
            raw = store.fetch_execution(self.connection, self.job_id, execution_id)
            if raw:
                execution = Execution(execution_id, self.job_id, self.connection)
                execution.restore(raw)
                found.append(execution)
        return found

    def add(  # type: ignore[override]  # RQ's signature
        self, execution: Execution, ttl: int, pipeline: Any, xx: bool = False
    ) -> Any:
        """Puts a run in, or with `xx` only renews it: for `ttl` seconds and 60 more."""
        score = self._now() + ttl + SLACK
        answer = registry_store.add(pipeline, self.key, execution.id, score, xx)
        registry_store.expire(pipeline, self.key, ttl + SLACK)
        return answer

    def remove(self, execution: Execution, pipeline: Any) -> Any:  # type: ignore[override]  # RQ's signature
        """Takes a run out; the run itself, and its lease, stay."""
        return registry_store.remove(pipeline, self.key, execution.id)

    def delete(self, job: Job, pipeline: Any) -> None:
        """Takes all runs of the job away, and their leases."""
        for execution in self.get_executions():
            execution.delete(job, pipeline)
        registry_store.forget(pipeline, self.key)


def prepare_execution(worker: Any, job: Job) -> Execution:
    """The run that this worker begins now. Raises NoSuchJobError, InvalidJobOperation (another worker runs the job)."""
    execution: Execution = worker.prepare_execution(job)
    return execution


def cleanup_execution(worker: Any, job: Job, pipeline: Any, execution: Execution | None = None) -> None:
    """Takes away what readers see of a run; and its lease, but for a job whose outcome is yet to come."""
    worker.cleanup_execution(job, pipeline, execution)
