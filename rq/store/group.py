"""Groups: sets of job ids under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['add', 'exists', 'ids', 'names', 'remove', 'sweep']

_sweep_groups = Script('sweep_groups')


def names(connection: Any) -> list[str]:
    """Names of the groups that have jobs, or had some until a short while ago; sorted."""
    return sorted(text(name) for name in connection.smembers(keys.groups()))


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
