"""Suspension, and the census that tests and checks read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .script import Script, nonce

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['Census', 'census', 'is_suspended', 'resume', 'suspend']

_resume = Script('resume')
_census = Script('census')


def _marker(queue: str | None) -> str:
    return keys.suspended() if queue is None else keys.suspended_queue(queue)


def suspend(connection: Any, seconds: int | None = None, queue: str | None = None) -> None:
    """No worker takes a job any more, of one queue or of all, for so many seconds or until `resume`."""
    connection.set(_marker(queue), 1, ex=seconds)


def resume(connection: Any, queue: str | None = None) -> bool:
    """Whether there was a suspension to end. Workers are woken for what waits."""
    return bool(_resume(connection, _marker(queue), nonce(), *([queue] if queue else [])))


def is_suspended(connection: Any, queue: str | None = None) -> bool:
    """Whether everything, or this queue, is suspended."""
    return bool(connection.exists(_marker(queue)))


@dataclass(slots=True)
class Census:
    """Where every job of some queues is, at one instant."""

    homes: dict[str, dict[str, dict[str, float | None]]]  # queue -> container -> member -> score
    lists: dict[str, list[str]]  # queue -> waiting ids in order, each as often as it is there
    status: dict[str, str]  # id -> status, '' when it has no hash
    execution: dict[str, str]  # id -> execution, '' when none

    def ids_in(self, queue: str, container: str) -> list[str]:
        """Ids in a container, members of wip without their execution."""
        if container == 'queue':
            return self.lists[queue]
        members = self.homes[queue][container]
        return [member.rpartition(':')[0] if container == 'wip' else member for member in members]


def census(connection: Any, queues: Sequence[str]) -> Census:
    """A read-only snapshot of some queues, in one step of the server."""
    reply = _census(connection, keys.queue(queues[0]), *queues)
    homes: dict[str, dict[str, dict[str, float | None]]] = {}
    lists: dict[str, list[str]] = {}
    for name, flat in zip(reply[:-1:2], reply[1:-1:2], strict=True):
        queue = text(name)
        homes[queue] = {}
        for kind, members in zip(flat[::2], flat[1::2], strict=True):
            names = [text(member) for member in members[::2]]
            scores = [float(score) if score else None for score in members[1::2]]
            homes[queue][kind.decode()] = dict(zip(names, scores, strict=True))
            if kind == b'queue':
                lists[queue] = names
    told = [text(part) for part in reply[-1]]
    status = dict(zip(told[::3], told[1::3], strict=True))
    return Census(homes, lists, status, dict(zip(told[::3], told[2::3], strict=True)))
