"""Dependency: which jobs a job waits for, and whether their failures count; and the part of Job about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rq.exceptions import InvalidJobDependency
from rq.store import depend as store
from rq.store.states import JobStatus

from .ids import JobId, parse_job_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from .model import Job

__all__ = ['Dependency', 'Waiting', 'dependencies_of']

# Jobs that one job may wait for: what a script looks at in one step.
MOST = 1000


class Dependency:
    """Jobs, or their ids, to wait for. `allow_failure`: until they have ended, however; else until they have finished.

    `enqueue_at_front`: the job goes to the head of its queue then. Raises ValueError for no jobs and what is none.
    """

    __module__ = 'rq.job'

    def __init__(
        self, jobs: Job | str | Sequence[Job | str], allow_failure: bool = False, enqueue_at_front: bool = False
    ) -> None:
        some = [jobs] if isinstance(jobs, str) or not isinstance(jobs, Iterable) else list(jobs)
        if not some:
            raise ValueError('jobs: cannot be empty.')
        if not all(isinstance(job, str) or hasattr(job, 'id') for job in some):
            raise ValueError('jobs: must contain objects of type Job and/or strings representing Job ids')
        self.dependencies = some
        self.allow_failure = allow_failure
        self.enqueue_at_front = enqueue_at_front


def dependencies_of(depends_on: Any) -> tuple[list[str], bool | None, bool]:
    """(ids to wait for, each once; whether failures count, None where nothing was said; whether to go to the head).

    Raises InvalidJobDependency (a ValueError) for what is neither a job, an id, a Dependency nor several of these.
    """
    given = list(depends_on) if _several(depends_on) else [depends_on]
    ids: dict[str, None] = {}
    allow: bool | None = None
    front = False
    for item in given:
        if hasattr(item, 'dependencies') and hasattr(item, 'allow_failure'):
            allow = bool(allow) or bool(item.allow_failure)
            front = front or bool(item.enqueue_at_front)
        for one in item.dependencies if hasattr(item, 'dependencies') else [item]:
            ids[_id(one)] = None
    if len(ids) > MOST:
        raise InvalidJobDependency(f'depends_on: a job can wait for up to {MOST} jobs, not {len(ids)}')
    return list(ids), allow, front


def _several(depends_on: Any) -> bool:
    return isinstance(depends_on, Iterable) and not isinstance(depends_on, str | bytes | Mapping)


def _id(item: Any) -> str:
    if isinstance(item, str) and item:
        return parse_job_id(item)
    found = getattr(item, 'id', None)
    if isinstance(found, str):
        return found
    raise InvalidJobDependency(
        f'depends_on items must be Job objects or string job IDs, got {type(item).__name__}: {item!r}'[:200]
    )


class Waiting:
    """The part of Job that is about other jobs. What asks Redis says so."""

    connection: Redis
    id: str
    origin: str
    serializer: Any
    _status: Any
    _waits_for: list[str] | None
    _dependency_id: str | None
    allow_dependency_failures: bool | None
    enqueue_at_front: bool | None

    def process_dependencies(self: Any, depends_on: Any) -> None:
        """Takes down what `depends_on` says. Raises InvalidJobDependency, also for a job that would wait for itself."""
        ids, allow, front = dependencies_of(depends_on)
        if self._id is not None and self._id in ids:
            raise InvalidJobDependency(f'Job {self._id} would wait for itself')
        self._waits_for = ids or None
        if ids:
            self._dependency_id = ids[0]
        if allow is not None:
            self.allow_dependency_failures = allow
        if front:
            self.enqueue_at_front = True

    @property
    def _dependency_ids(self) -> list[str]:
        # RQ's name and type: django-rq reads it, and people set it.
        return self._waits_for or []

    @_dependency_ids.setter
    def _dependency_ids(self, ids: list[str]) -> None:
        self._waits_for = ids or None

    @property
    def dependency_ids(self) -> list[str]:
        """Ids of the jobs it waits for, or has waited for, as its hash names them."""
        return [JobId(job_id) for job_id in self._dependency_ids]

    @property
    def dependency(self: Any) -> Job | None:
        """The first job it waits for; asks Redis. None when there is none (any more)."""
        found = self.fetch_dependencies()
        return found[0] if found else None

    def fetch_dependencies(self: Any, watch: bool = False, pipeline: Any = None) -> list[Job]:
        """The jobs it waits for, those that are still stored. With `watch` the pipeline watches them."""
        ids = [str(job_id) for job_id in self._dependency_ids]
        if watch and pipeline is not None and ids:
            store.watch(pipeline, ids)
        found = type(self).fetch_many(ids, connection=self.connection, serializer=self.serializer) if ids else []
        return [job for job in found if job is not None]

    @property
    def dependent_ids(self) -> list[str]:
        """Ids of the jobs that wait for it; asks Redis."""
        return store.dependents(self.connection, self.id)

    def dependencies_are_met(
        self: Any,
        parent_job: Job | None = None,
        pipeline: Any = None,
        exclude_job_id: str | None = None,
        refresh_job_status: bool = True,
    ) -> bool:
        """Whether all it waits for has ended as it must; asks Redis. What is not stored (any more) counts as met.

        `parent_job` is believed what it says of itself, `exclude_job_id` is not asked.
        """
        known = {} if parent_job is None or refresh_job_status else {parent_job.id: parent_job._status}
        ids = [job_id for job_id in self._dependency_ids if job_id != exclude_job_id and job_id not in known]
        found = [*known.values(), *store.statuses(self.connection, ids)] if ids else list(known.values())
        return all(status is None or _is_met(status, self.allow_dependency_failures) for status in found)

    def register_dependency(self, pipeline: Any = None) -> None:
        """Puts the job among the deferred ones and lets those it waits for know; its hash is written by `save`."""
        connection = self.connection if pipeline is None else pipeline
        self._status = JobStatus.DEFERRED
        store.register(connection, self.origin, self.id, [str(job_id) for job_id in self._dependency_ids])

    def delete_dependents(self: Any, pipeline: Any = None) -> None:
        """Deletes the jobs that wait for it."""
        for job in type(self).fetch_many(self.dependent_ids, connection=self.connection, serializer=self.serializer):
            if job is not None:
                job.delete(pipeline=pipeline)
        store.forget(self.connection if pipeline is None else pipeline, self.id)


def _is_met(status: str, failures_allowed: Any) -> bool:
    return status == JobStatus.FINISHED or (bool(failures_allowed) and status in (JobStatus.FAILED, JobStatus.STOPPED))
