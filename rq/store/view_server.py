"""What the server tells of itself, more than `rq doctor` asks for: clients, persistence, and which commands are slow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .script import FOLDER, resolve
from .server import facts_of

if TYPE_CHECKING:
    from .server import ServerFacts

__all__ = ['Look', 'Slow', 'Usage', 'look']

# Entries of the server's log of slow commands that are looked at: it keeps 128 by default.
ENTRIES = 128
# Commands that are listed: those that took most time.
MOST_COMMANDS = 8
# Characters of a key that are shown.
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Slow:
    """A command of ours that was slow. Arguments are never kept: they are people's data."""

    when: float  # epoch
    seconds: float
    command: str  # of a script its name
    key: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server has spent on a command since its start, for everybody."""

    command: str
    calls: int
    seconds: float  # together
    refused: int


@dataclass(frozen=True, slots=True)
class Look:
    """Everything. `told` is what INFO says, whatever it is; `slow` is None where we may not ask."""

    facts: ServerFacts
    told: dict[str, Any]
    total: int  # keys of all kinds and owners in our database
    slow: tuple[Slow, ...] | None
    usage: tuple[Usage, ...]


def look(connection: Any) -> Look:
    """Everything, in two round trips. Raises redis-py's errors."""
    connection.ping()  # connecting is not what a round trip takes
    began = time.monotonic()
    pipeline = connection.pipeline(transaction=False)
    pipeline.info()
    pipeline.info('commandstats')
    pipeline.dbsize()
    pipeline.config_get('save')
    pipeline.execute_command('SLOWLOG', 'GET', ENTRIES)
    told, stats, total, saves, slow = pipeline.execute(raise_on_error=False)
    took = time.monotonic() - began
    if isinstance(told, Exception):
        raise told
    return Look(
        facts=facts_of(told, bool(saves.get('save')) if isinstance(saves, dict) else None, took),
        told=told,
        total=total if isinstance(total, int) else 0,
        slow=_slow(slow),
        usage=_usage(stats),
    )


def _slow(entries: Any) -> tuple[Slow, ...] | None:
    if not isinstance(entries, list):
        return None  # SLOWLOG is for administrators
    found = []
    for entry in entries:
        _, when, micros, words = entry[:4]
        if slow := _ours([bytes(word) for word in words], float(when), micros / 1e6):
            found.append(slow)
    return tuple(found)


def _ours(words: list[bytes], when: float, seconds: float) -> Slow | None:
    command = text(words[0][:40]).upper() if words else ''
    start = f'{keys.PREFIX}:'.encode()
    key = next((text(word[:LONGEST]) for word in words[1:] if word.startswith(start)), '')
    script = _scripts().get(text(words[1][:40])) if command == 'EVALSHA' and len(words) > 1 else None
    if not key and script is None:
        return None
    return Slow(when, seconds, f'script {script}' if script else command, key)


_known: dict[str, str] = {}


def _scripts() -> dict[str, str]:
    """SHA1 -> name of our scripts; read once."""
    if not _known:
        names = [path.stem for path in FOLDER.glob('*.lua')]
        _known.update({sha1(resolve(name).encode(), usedforsecurity=False).hexdigest(): name for name in names})
    return _known


def _usage(stats: Any) -> tuple[Usage, ...]:
    if not isinstance(stats, dict):
        return ()
    found = [
        Usage(
            name.removeprefix('cmdstat_').replace('|', ' '),
            int(row.get('calls', 0)),
            row.get('usec', 0) / 1e6,
            int(row.get('rejected_calls', 0)) + int(row.get('failed_calls', 0)),
        )
        for name, row in stats.items()
        if isinstance(row, dict)
    ]
    return tuple(sorted(found, key=lambda usage: -usage.seconds)[:MOST_COMMANDS])
