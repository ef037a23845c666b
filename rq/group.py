"""Group: jobs under one name, to be looked at together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rq.exceptions import NoSuchGroupError
from rq.job import Job
from rq.store import group as store
from rq.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis import Redis

    from rq.queue import EnqueueData, Queue

__all__ = ['Group']


class Group:
    """Jobs that were enqueued together. `Group.create(connection).enqueue_many(queue, datas)`, `Group.fetch(name, connection)`.

    A job leaves its group when it is deleted or has expired; a group without jobs is no more.
    """

    REDIS_GROUP_NAME_PREFIX = keys.group('')
    REDIS_GROUP_KEY = keys.groups()
    REDIS_GROUP_CLEANING_KEY = keys.clean_groups()

    def __init__(self, connection: Redis, name: str | None = None) -> None:
        self.connection = connection
        self.name = name or uuid4().hex
        self.key = keys.group(self.name)

    def __repr__(self) -> str:
        return f'Group(id={self.name})'

    @classmethod
    def create(cls, connection: Redis, name: str | None = None) -> Group:
        """A group of this name, or of a new one; it is stored with its first job."""
        return cls(connection, name)

    @classmethod
    def fetch(cls, name: str, connection: Redis) -> Group:
        """The group of this name. Raises NoSuchGroupError for one without jobs."""
        if not store.exists(connection, name):
            raise NoSuchGroupError(f'No such group: {name!r} (a group is gone when its jobs are)')
        return cls(connection, name)

    @classmethod
    def all(cls, connection: Redis) -> list[Group]:
        """The groups that have jobs, by name."""
        return [cls(connection, name) for name in store.names_with_jobs(connection)]

    @classmethod
    def get_key(cls, name: str) -> str:
        """The key of a group's set of job ids."""
        return keys.group(name)

    def enqueue_many(self, queue: Queue, job_datas: Iterable[EnqueueData], pipeline: Any = None) -> list[Job]:
        """The jobs of many calls (`Queue.prepare_data`), put in the queue and in this group in the same steps."""
        return queue.enqueue_many(job_datas, pipeline=pipeline, group_id=self.name)

    def get_jobs(self) -> list[Job]:
        """Its jobs that are stored; asks Redis."""
        found = Job.fetch_many(store.ids(self.connection, self.name), connection=self.connection)
        return [job for job in found if job is not None]

    def delete_job(self, job_id: str, pipeline: Any = None) -> None:
        """Takes a job out of the group; the job itself stays."""
        store.remove(self.connection if pipeline is None else pipeline, self.name, job_id)

    def cleanup(self) -> None:
        """Takes out the jobs that are stored no more. Workers do so by themselves."""
        store.clean(self.connection, self.name)

    def _add_jobs(self, jobs: Iterable[Job], pipeline: Any) -> None:
        ids = [job.id for job in jobs]
        if ids:
            store.add(pipeline, self.name, ids)

    @classmethod
    def acquire_maintenance_lock(cls, connection: Redis, timeout: int) -> bool:
        """Whether RQ's lock for the maintenance of groups is now ours. Our own maintenance needs none."""
        return store.lock(connection, timeout)

    @classmethod
    def clean_registries(cls, connection: Redis) -> None:
        """Takes jobs that are stored no more out of all groups. Workers do so by themselves."""
        for name in store.names(connection):
            store.clean(connection, name)
