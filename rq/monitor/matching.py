"""Whether a stored job fits a filter, and what of it a list shows. Its call is looked at by `rq.inert`, never loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rq import inert
from rq.inert import lookup
from rq.store.fields import text

from .language import Term
from .lenient import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from rq.store.view_jobs import Stored

    from .language import Filter

__all__ = ['Matcher', 'Row', 'begun', 'function_of', 'limit_of', 'row', 'when']

# Bytes of a call that are looked at for a list: about 2 ms, were it hostile.
LOOK = 8_000
# Bytes of a name that are shown: of a queue, a worker, a group.
NAME = 1_000
# Characters of each argument that are shown, and of all.
ARGUMENT = 60
ARGUMENTS = 200
# ... and that are searched.
WORDS = 500
PAYLOAD = ('fn', 'arg', 'word')
FIELDS = ('worker', 'group', 'key', 'before', 'after')


@dataclass(frozen=True, slots=True)
class Row:
    """A job as a list shows it."""

    id: str
    function: str
    arguments: str
    state: str
    queue: str
    at: datetime | None  # when it ended, else began, else was queued, else was made
    created: datetime | None
    worker: str
    group: str
    attempts: int
    size: int  # bytes of its call


def row(stored: Stored, state: str = '') -> Row:
    """What a list shows of a job; `state`: of the container where it was found, for a hash that says none."""
    call = inert.call(stored.data, ARGUMENT, LOOK) if stored.data is not None else None
    function, arguments = _told(stored.description) if call is None else (call.path, call.arguments)
    if call is not None and not function:
        arguments = f'({call.problem})'
    return Row(
        id=stored.id,
        function=function[:300],
        arguments=arguments if len(arguments) <= ARGUMENTS else f'{arguments[:ARGUMENTS]}...',
        state=_text(stored, 'status')[:40] or state,
        queue=_text(stored, 'origin'),
        at=_moment(stored),
        created=written(stored.fields.get('created_at')),
        worker=_text(stored, 'worker_name'),
        group=_text(stored, 'group_id'),
        attempts=_attempts(stored),
        size=stored.size,
    )


def function_of(stored: Stored) -> str:
    """The function of a job, for counting: empty where it cannot be told cheaply."""
    if stored.data is None:
        return _told(stored.description)[0]
    return inert.function_name(stored.data) or inert.call(stored.data, ARGUMENT, LOOK).path


def limit_of(stored: Stored) -> str:
    """The key of the rate limit that it is under; empty for none."""
    return _text(stored, 'rate_limit_key')


def _told(description: bytes | None) -> tuple[str, str]:
    """Function and arguments as RQ describes a call: `shop.mail(1, to='x')`; its values may be hidden ones."""
    if description is None:
        return '', ''
    name, _, rest = text(description).partition('(')
    return name.strip(), inert.scrub(rest.removesuffix(')'))


def _text(stored: Stored, name: str) -> str:
    return text(stored.fields.get(name, b'')[:NAME])


def _moment(stored: Stored) -> datetime | None:
    for name in ('ended_at', 'started_at', 'enqueued_at', 'created_at'):
        found = written(stored.fields.get(name))
        if found is not None:
            return found
    return None


def begun(stored: Stored) -> datetime | None:
    """When its last run began."""
    return written(stored.fields.get('started_at'))


def when(stored: Stored) -> bytes:
    """What sorts jobs by time: their times as text, which sort as the times do."""
    fields = stored.fields
    found = fields.get('ended_at') or fields.get('started_at') or fields.get('enqueued_at') or fields.get('created_at')
    return found or b''


def _attempts(stored: Stored) -> int:
    """How often it was begun, as far as its hash tells: a retry and a death each follow a begin."""
    begun = 1 if stored.fields.get('started_at') else 0
    for name in ('number_of_retries', 'losses'):
        value = stored.fields.get(name, b'')
        begun += int(value) if value.isdigit() and len(value) < 7 else 0
    return begun


# --- matching


@lru_cache(maxsize=512)
def _pattern(value: str, inside: bool) -> Callable[[str], bool]:
    """Whether a text is the value, or holds it; `*` stands for anything. Case does not matter."""
    value = value.casefold()
    if '*' not in value:
        return (lambda given: value in given.casefold()) if inside else (lambda given: value == given.casefold())
    # Only the star is special, not ? and [.
    shape = re.sub(r'([?\[])', r'[\1]', value)
    fits = re.compile(translate(f'*{shape}*' if inside else shape)).match
    return lambda given: fits(given.casefold()) is not None


def _any(values: Iterable[str], given: Iterable[str], inside: bool = False) -> bool:
    texts = list(given)
    return any(_pattern(value, inside)(one) for value in values for one in texts)


class Matcher:
    """Says which stored jobs fit a filter, and what it has to see of them for that."""

    def __init__(self, wanted: Filter) -> None:
        self.terms = wanted.terms
        self.data = bool(wanted.named(*PAYLOAD))
        self.meta = bool(wanted.named('tag', 'meta'))
        self.ids = bool(wanted.named('id'))
        self.strict = False  # states and queues have to be looked up in the hashes
        self.unread = 0  # jobs of which the call or meta data would have been needed, and were too large

    def be_strict(self, failed: bool = False) -> None:
        """The jobs come from a container that holds any state and queue; `failed`: failed ones are meant, unless others are."""
        self.strict = True
        if failed and not any(term.name == 'state' for term in self.terms):
            self.terms = (*self.terms, Term('state', ('failed', 'stopped')))

    @property
    def payload(self) -> bool:
        """Whether it has to look into calls or meta data."""
        return self.data or self.meta

    @property
    def fields(self) -> bool:
        """Whether it has to read hashes at all."""
        if self.strict and any(term.name in ('state', 'queue') for term in self.terms):
            return True
        # Failed and stopped jobs lie together; failed ones are found with the stopped.
        return self.payload or any(
            term.name in FIELDS or (term.name == 'state' and 'stopped' in term.values and 'failed' not in term.values)
            for term in self.terms
        )

    def fits_id(self, job_id: str) -> bool:
        """Whether an id fits what the filter says of ids."""
        return all(_any(term.values, (job_id,)) is not term.negated for term in self.terms if term.name == 'id')

    def fits_queue(self, name: str) -> bool:
        """Whether a queue fits what the filter says of queues."""
        return all(_any(term.values, (name,)) is not term.negated for term in self.terms if term.name == 'queue')

    def fits(self, stored: Stored) -> bool:
        """Whether a job fits all of the filter, but for where it was found."""
        self.unread += stored.large
        seen = _Seen(stored, self.strict)
        return all(CHECKS[term.name](term, seen) is not term.negated for term in self.terms if term.name in CHECKS)


class _Seen:
    """A stored job, looked into as far as is asked for."""

    def __init__(self, stored: Stored, strict: bool) -> None:
        self.stored = stored
        self.strict = strict

    def text(self, name: str) -> str:
        return _text(self.stored, name)

    def argument(self, path: tuple[str, ...]) -> list[str]:
        if self.stored.data is None:
            return []
        return [lookup.text_of(value) for value in lookup.find_in_call(self.stored.data, LOOK, path)]

    def meta(self, path: tuple[str, ...]) -> list[Any]:
        return [] if self.stored.meta is None else list(lookup.find(lookup.tree(self.stored.meta, LOOK), path))

    def tags(self) -> list[str]:
        return [
            lookup.text_of(tag)
            for name in ('tag', 'tags')
            for found in self.meta((name,))
            for tag in lookup.each(found)
        ]

    def words(self) -> tuple[str, ...]:
        """What free text is looked for in: as it is shown, so that what is hidden cannot be guessed."""
        if self.stored.data is None:
            return (self.stored.id, *_told(self.stored.description))
        call = inert.call(self.stored.data, WORDS, LOOK)
        return self.stored.id, call.path, call.arguments


def _before(term: Term, seen: _Seen) -> bool:
    moment = _moment(seen.stored)
    return moment is not None and moment.timestamp() < term.epoch


def _after(term: Term, seen: _Seen) -> bool:
    moment = _moment(seen.stored)
    return moment is not None and moment.timestamp() >= term.epoch


def _state(term: Term, seen: _Seen) -> bool:
    # Of most states the container tells. Stopped jobs lie among the failed, and are found where failed ones are asked for.
    status = seen.text('status')
    if seen.strict:
        return status in term.values
    if term.negated or status not in ('failed', 'stopped'):
        return status in term.values or not term.negated
    return status in term.values or 'failed' in term.values


CHECKS: dict[str, Callable[[Term, _Seen], bool]] = {
    'state': _state,
    'fn': lambda term, seen: _any(term.values, (function_of(seen.stored),)),
    'queue': lambda term, seen: _any(term.values, (seen.text('origin'),)),
    'worker': lambda term, seen: _any(term.values, (seen.text('worker_name'),)),
    'group': lambda term, seen: _any(term.values, (seen.text('group_id'),)),
    'key': lambda term, seen: _any(term.values, (limit_of(seen.stored),)),
    'id': lambda term, seen: _any(term.values, (seen.stored.id,)),
    'tag': lambda term, seen: _any(term.values, seen.tags()),
    'arg': lambda term, seen: _any(term.values, seen.argument(term.path)),
    'meta': lambda term, seen: _any(term.values, [lookup.text_of(value) for value in seen.meta(term.path)]),
    'word': lambda term, seen: _any(term.values, seen.words(), inside=True),
    'before': _before,
    'after': _after,
}
