"""Actions on many jobs, done bit by bit by a thread of the dashboard, with their progress in Redis.

So no request is long, any process of the dashboard shows how far it is, a second click finds it begun, and where the
process ends in the middle another goes on: what is done already is not met again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import RedisError

from rq.store import bulk as store
from rq.store.replies import Trouble, classify

from . import scope as scopes
from .deeds import Asked, JobAction, Refused
from .ledger import write
from .words import kind_of, sentence

if TYPE_CHECKING:
    from redis import Redis

    from .scope import Scope

__all__ = ['do_now', 'go_on', 'halt', 'note_small', 'start', 'wait']

logger = logging.getLogger('rq.dashboard')
# Seconds between two notes of how far it is.
NOTE_EVERY = 0.3
# Seconds that a request takes for a part, where it cannot be done in the background.
PART = 1.0
# Threads at work at once: each keeps the server busy for a few milliseconds at a time.
MOST_AT_WORK = 4

_at_work: dict[str, threading.Thread] = {}


def do_now(one: JobAction, asked: Asked, scope: Scope, before: float | None) -> Counter[str]:
    """What became of a selection."""
    counts: Counter[str] = Counter()
    for ids, seen in scopes.steps(asked.connection, scope, before, one.leaves):
        counts.update(one.step(asked, ids, seen))
    return counts


def note_small(one: JobAction, asked: Asked, scope: Scope, counts: Counter[str]) -> None:
    """Writes the record of what was done to a selection."""
    at = f'{time.time():.3f}'
    fields = {
        'action': one.name,
        'what': scope.words,
        'user': asked.who.name,
        'state': 'done',
        'began': at,
        'ended': at,
    }
    try:
        store.note(asked.connection, asked.bulk, {**fields, **_told(one, counts), 'total': len(scope.ids)})
    except RedisError as trouble:  # it is done, whether a full server takes note of it or not
        logger.warning('What was done could not be noted: %s', trouble)


def _told(one: JobAction, counts: Counter[str]) -> dict[str, Any]:
    """What came of it, for its record."""
    said, kind = sentence(one, counts), kind_of(one, counts)
    return {'done': one.is_done(counts), 'counts': json.dumps(counts), 'said': said, 'kind': kind}


def start(one: JobAction, asked: Asked, scope: Scope, total: int, before: float | None) -> str:
    """Begins an action on all that a scope finds; nothing where it had begun. Raises Refused where too many are at work.

    Answers '', or what has been done at once, a part of it: where Redis is full no progress can be noted in it.
    """
    fields = {
        'action': one.name,
        'what': scope.words,
        'user': asked.who.name,
        'role': asked.who.role,
        'address': asked.who.address,
        'scope': json.dumps(scope.fields),
        'fields': json.dumps(dict(asked.fields)),
        'before': '' if before is None else f'{before:.6f}',
        'total': total,
        'state': 'running',
        'began': f'{time.time():.3f}',
    }
    if len(_at_work) >= MOST_AT_WORK and asked.bulk not in _at_work:  # a form sent twice is at work already
        raise Refused(f'{len(_at_work)} actions on many jobs are at work; wait for one of them')
    try:
        if store.begin(asked.connection, asked.bulk, fields):
            _spawn(one, asked, scope, before, Counter())
    except RedisError as trouble:
        if classify(trouble) is not Trouble.REFUSED:
            raise
        return _do_a_part(one, asked, scope, before)
    return ''


def _do_a_part(one: JobAction, asked: Asked, scope: Scope, before: float | None) -> str:
    """What was done in a second, and that there may be more."""
    counts: Counter[str] = Counter()
    ended = _walk(one, asked, scope, before, counts, time.monotonic() + PART)
    said = sentence(one, counts)
    write(replace(asked, bulk=''), one.name, scope.words, one.is_done(counts), said)
    return said if ended else f'{said} Redis takes no notes now (is it full?), so only a part was done: press again.'


def go_on(one: JobAction, asked: Asked, bulk: str, record: Mapping[str, str]) -> None:
    """Goes on with an action whose thread has ended before it was done. Raises Refused."""
    try:
        scope = scopes.Scope(**json.loads(record['scope']))
        fields = {str(name): str(value) for name, value in json.loads(record['fields']).items()}
        before = float(record['before']) if record.get('before') else None
        known = json.loads(record.get('counts') or '{}')  # those that were left alone are met again
        counts = Counter({code: int(n) for code, n in known.items() if code in one.good})
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise Refused('What is noted of it cannot be read') from None
    asked = replace(asked, fields=fields, bulk=bulk)
    store.note(asked.connection, bulk, {'state': 'running', 'halt': ''})
    _spawn(one, asked, scope, before, counts)


def halt(connection: Redis, bulk: str) -> None:
    """Asks an action on many jobs to end after its next step."""
    store.note(connection, bulk, {'halt': '1'})


def wait(bulk: str, seconds: float) -> None:
    """Waits for an action of this process to end, so long at most."""
    thread = _at_work.get(bulk)
    if thread is not None:
        thread.join(seconds)


def _spawn(one: JobAction, asked: Asked, scope: Scope, before: float | None, counts: Counter[str]) -> None:
    def run() -> None:
        try:
            _run(one, asked, scope, before, counts)
        finally:
            _at_work.pop(asked.bulk, None)

    runner = uuid4().hex
    if store.take(asked.connection, asked.bulk, runner):
        thread = threading.Thread(target=run, name=f'rq-{one.name}', daemon=True)
        _at_work[asked.bulk] = thread
        thread.start()


def _run(one: JobAction, asked: Asked, scope: Scope, before: float | None, counts: Counter[str]) -> None:
    """All steps, and how it ended."""
    state, error = 'done', ''
    try:
        if not _walk(one, asked, scope, before, counts):
            state = 'halted'
    except Refused as refused:
        state, error = 'failed', str(refused)
    except RedisError as trouble:
        state, error = 'failed', f'Redis: {trouble}'
    except Exception as mistake:
        logger.exception('An action on many jobs failed: %s of %s', one.name, scope.words)
        state, error = 'failed', f'{type(mistake).__name__}; the log has the details'
    told = _told(one, counts)
    done, said = one.is_done(counts), f'{error} {told["said"]}'.strip()
    fields = {**told, 'state': state, 'ended': f'{time.time():.3f}', 'said': said}
    if state == 'failed':
        fields['kind'] = 'bad'
    try:
        store.note(asked.connection, asked.bulk, fields)
        store.leave(asked.connection, asked.bulk)
    except RedisError as trouble:
        logger.warning('What came of %s could not be noted: %s', one.name, trouble)
    write(asked, one.name, scope.words, done, said)


def _walk(
    one: JobAction, asked: Asked, scope: Scope, before: float | None, counts: Counter[str], until: float = inf
) -> bool:
    """Whether it came to the end; False where it was asked to halt, or its time is over."""
    steps = scopes.steps(asked.connection, scope, before, one.leaves)
    noted, step, known = 0.0, next(steps, None), set[str]()
    while step is not None:
        ids, seen = step
        codes = one.step(asked, ids, seen)
        # Who is left alone is met again by the next walk, and counted once.
        counts.update(code for job_id, code in zip(ids, codes, strict=True) if code in one.good or job_id not in known)
        known.update(job_id for job_id, code in zip(ids, codes, strict=True) if code not in one.good)
        if time.monotonic() > until:
            return False
        if until == inf and time.monotonic() - noted > NOTE_EVERY:
            noted = time.monotonic()
            if not _note_progress(one, asked, counts):
                return False
        step = _next(steps, sum(1 for code in codes if code not in one.good))
    return True


def _next(steps: Generator[scopes.Step, int, None], stay: int) -> scopes.Step | None:
    try:
        return steps.send(stay)
    except StopIteration:
        return None


def _note_progress(one: JobAction, asked: Asked, counts: Counter[str]) -> bool:
    """Whether to go on."""
    try:
        store.note(asked.connection, asked.bulk, {'done': one.is_done(counts), 'counts': json.dumps(counts)})
        store.stay(asked.connection, asked.bulk)
        return not store.is_halted(asked.connection, asked.bulk)
    except RedisError as trouble:  # a full server takes no notes, but lets jobs be deleted
        logger.warning('How far %s is could not be noted: %s', one.name, trouble)
        return True
