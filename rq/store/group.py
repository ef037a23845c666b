"""Groups: sets of job ids under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .job import missing
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['add', 'clean', 'exists', 'ids', 'lock', 'names', 'names_with_jobs', 'remove', 'sweep']

_sweep_groups = Script('sweep_groups')


def names(connection: Any) -> list[str]:
    """Names of the groups that have jobs, or had some until a short while ago; sorted."""
    return sorted(text(name) for name in connection.smembers(keys.groups()))


def names_with_jobs(connection: Any) -> list[str]:
    """Names of the groups that have jobs, sorted; two round trips."""
    known = names(connection)
    pipeline = connection.pipeline(transaction=False)
    for name in known:
        pipeline.exists(keys.group(name))
    return [name for name, there in zip(known, pipeline.execute(), strict=True) if there]


def exists(connection: Any, name: str) -> bool:
    """Whether the group has a job."""
    return bool(connection.exists(keys.group(name)))


def ids(connection: Any, name: str) -> list[str]:
    """Ids of a group's jobs, sorted."""
    return sorted(text(entry) for entry in connection.smembers(keys.group(name)))


def add(connection: Any, name: str, job_ids: Sequence[str]) -> None:
    """Puts jobs in a group. Give a pipeline where both of its commands shall travel together."""
    connection.sadd(keys.groups(), name)
    connection.sadd(keys.group(name), *job_ids)


def remove(connection: Any, name: str, job_id: str) -> Any:
    """Takes a job out of a group."""
    return connection.srem(keys.group(name), job_id)


def sweep(connection: Any, *group_names: str, groups: int = 20, jobs: int = 100) -> int:
    """How many jobs left their groups because they are not stored any more; empty groups leave the list.

    Looks at `jobs` jobs of the groups named, or of `groups` others.
    """
    return int(_sweep_groups(connection, keys.groups(), groups, jobs, *group_names))


def clean(connection: Any, name: str) -> None:
    """Takes the jobs of one group out that are not stored any more, 1,000 looked at a step."""
    cursor = 0
    while True:
        cursor, found = connection.sscan(keys.group(name), cursor, count=1000)
        gone = missing(connection, [text(entry) for entry in found])
        if gone:
            connection.srem(keys.group(name), *gone)
        if cursor == 0:
            sweep(connection, name, jobs=1)
            return


def lock(connection: Any, seconds: int) -> bool:
    """Whether RQ's lock for the maintenance of groups is now ours."""
    return bool(connection.set(keys.clean_groups(), 1, nx=True, ex=seconds))
