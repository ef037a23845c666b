"""What takes the memory: our keys by kind and by queue, counted, or told from some that were drawn at random."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from rq.store import keys
from rq.store import view_keys as store

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['KINDS', 'Keyspace', 'Share', 'keyspace']

# How a key begins -> what it is, the first that fits. Names of kinds are for people.
KINDS = (
    (r'job::.*:dependencies$', 'dependencies'),
    (r'job:.*:dependents$', 'dependencies'),
    (r'job:', 'jobs'),
    (r'results:', 'results'),
    (r'executions?:', 'runs'),
    (r'queue:|queues$|wake:|intermediate', 'queues'),
    (r'(wip|finished|failed|deferred|scheduled|canceled|ready):', 'registries'),
    (r'(workers?|lease)(:|$)|suspended|nudge', 'workers'),
    (r'(stats|recorded):|deploys$', 'counters'),
    (r'errors?(:|$)', 'errors'),
    (r'(trash|bulk)(:|$)|audit$', 'audit and trash'),
    (r'groups?(:|$)', 'groups'),
    (r'rl(:|-keys)', 'limits'),
    (r'cron|scheduler', 'schedules'),
)
OTHER = 'other'
# Rows of the table of queues.
MOST_QUEUES = 20


@dataclass(frozen=True, slots=True)
class Share:
    """A kind of keys, or the jobs of a queue. `error`: the true number is within so many, 95 times in a hundred."""

    name: str
    count: int
    error: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Keyspace:
    """All keys. `whole`: counted; else told from `looked` of them. `others`: keys that are not ours."""

    total: int
    looked: int
    whole: bool
    kinds: tuple[Share, ...]
    queues: tuple[Share, ...]
    more_queues: int
    others: int
    size: int  # bytes of ours


def keyspace(connection: Redis) -> Keyspace:
    """The keys by kind and by queue, those that take most memory first. At most nine round trips."""
    found = store.sample(connection)
    kinds, queues = _Sums(found), _Sums(found)
    for drawn in found.ours:
        kind = _kind(drawn.key)
        kinds.add(kind, drawn.size)
        if kind == 'jobs':
            queues.add(drawn.queue, drawn.size)
    by_queue = queues.shares()
    return Keyspace(
        total=found.total,
        looked=found.looked,
        whole=found.whole,
        kinds=kinds.shares(),
        queues=by_queue[:MOST_QUEUES],
        more_queues=max(len(by_queue) - MOST_QUEUES, 0),
        others=round((found.looked - len(found.ours)) * kinds.scale),
        size=round(sum(drawn.size for drawn in found.ours) * kinds.scale),
    )


class _Sums:
    """Keys by a name: how many there are, how much they take."""

    def __init__(self, found: store.Sample) -> None:
        self._found = found
        self.scale = 1.0 if found.whole or not found.looked else found.total / found.looked
        self._counts: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()

    def add(self, name: str, size: int) -> None:
        """One more."""
        self._counts[name] += 1
        self._sizes[name] += size

    def shares(self) -> tuple[Share, ...]:
        """What they come to in the whole database, the largest first."""
        rows = [
            Share(name, round(count * self.scale), self._error(count), round(self._sizes[name] * self.scale))
            for name, count in self._counts.items()
        ]
        return tuple(sorted(rows, key=lambda row: (-row.size, row.name)))

    def _error(self, count: int) -> int:
        if self._found.whole:
            return 0
        part = count / self._found.looked
        return round(1.96 * sqrt(part * (1 - part) / self._found.looked) * self._found.total)


_SHAPES = [(re.compile(re.escape(f'{keys.PREFIX}:') + f'(?:{shape})'), kind) for shape, kind in KINDS]


def _kind(key: str) -> str:
    return next((kind for shape, kind in _SHAPES if shape.match(key)), OTHER)
