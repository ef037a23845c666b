"""The language of the search bar: `fn:shop.* state:failed -queue:mail arg.user.id=3 after:2h "two words"`.

Words stand alone or after a name and a colon. Several values of one name, with commas or repeated, mean any of them;
different names must all hold. `-` before a word or a name means not. `*` stands for anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from rq.inert import is_hidden

__all__ = ['HELP', 'NAMES', 'STATES', 'Filter', 'FilterError', 'Term', 'parse', 'without']

STATES = ('queued', 'started', 'failed', 'stopped', 'scheduled', 'deferred', 'rate_limited', 'canceled', 'finished')
# Other words for a state that people use.
ALIASES = {'waiting': 'queued', 'running': 'started', 'done': 'finished', 'ok': 'finished', 'cancelled': 'canceled',
           'limited': 'rate_limited', 'delayed': 'scheduled'}  # fmt: skip
HELP = (
    ('fn:shop.mail.*', 'the function, by its whole path; * stands for anything'),
    ('queue:default', 'the queue; several with commas'),
    ('state:failed,stopped', ', '.join(STATES)),
    ('error:3f2a or error:Timeout', 'failed with this fingerprint, or with an error of this type or message'),
    ('id:3e1f*', 'the id of the job'),
    ('worker:host.1234', 'the worker that runs it or ran it'),
    ('group:nightly', 'the group'),
    ('key:customer-7', 'the key of its rate limit'),
    ('tag:import', "a tag: what is in the job's meta under `tag` or `tags`"),
    ('arg.customer=42', 'an argument by name, or by its place (arg.0=); inside it by dots (arg.order.id=3)'),
    ('meta.step=3', "a value in the job's meta, in the same way"),
    (
        'after:2h before:2026-11-24T09:30',
        'when it ended, else began, else was queued: s, m, h, d ago, or a time in UTC',
    ),
    ('two "words here"', 'found in the id, the function or the arguments'),
    ('-state:finished -word', 'not'),
)
NAMES = ('fn', 'queue', 'state', 'error', 'tag', 'key', 'worker', 'group', 'id', 'before', 'after')
LONG = {'function': 'fn', 'func': 'fn', 'status': 'state', 'job': 'id', 'since': 'after', 'until': 'before'}
# A filter is typed by a person; a longer one is an accident, or meant to cost time.
MOST = 2_000
TERMS = 20
# Each star makes looking through a text as long as it is once more.
STARS = 8

_WORD = re.compile(
    r"""(?P<minus>-?)(?:(?P<path>(?:arg|meta)\.[^\s="]+)=(?P<op>)|(?P<name>[A-Za-z_]{1,20}):)?(?P<value>(?:"[^"]*"|[^\s"])*)"""
)
_AGO = re.compile(r'(\d{1,9}(?:\.\d{1,6})?)\s*(s|m|h|d|w)')
_UNITS = {'s': 1, 'm': 60, 'h': 3_600, 'd': 86_400, 'w': 7 * 86_400}


class FilterError(ValueError):
    """A filter that cannot be understood; the text is a sentence for whoever typed it."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: any of the values, or with `negated` none of them. `name` is 'word' for free text."""

    name: str
    values: tuple[str, ...]
    negated: bool = False
    path: tuple[str, ...] = ()  # of `arg` and `meta`
    epoch: float = 0.0  # of `before` and `after`


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; an empty one finds everything."""

    text: str
    terms: tuple[Term, ...]

    def named(self, *names: str) -> tuple[Term, ...]:
        """The terms of these names."""
        return tuple(term for term in self.terms if term.name in names)

    def only(self, name: str) -> tuple[str, ...]:
        """The values of this name that are asked for, of all terms that are not negated."""
        return tuple(value for term in self.terms if term.name == name and not term.negated for value in term.values)

    def without(self, name: str) -> tuple[str, ...]:
        """The values of this name that are excluded."""
        return tuple(value for term in self.terms if term.name == name and term.negated for value in term.values)


def parse(text: str, now: datetime | None = None) -> Filter:
    """The filter that a text means. Raises FilterError with a sentence that says what is wrong, and what would be right."""
    text = ' '.join(text.encode('utf-8', 'replace').decode().split())  # no halves of characters
    if len(text) > MOST:
        raise FilterError(f'The filter has {len(text):,} characters; at most {MOST:,} are read.')
    if text.count('"') % 2:
        raise FilterError('A quotation mark is open: words that belong together stand between two of them.')
    moment = now or datetime.now(UTC)
    found = [_term(word, moment) for word in _WORD.finditer(text) if word[0]]
    if len(found) > TERMS:
        raise FilterError(f'The filter has {len(found)} parts; at most {TERMS} are read.')
    return Filter(text, tuple(found))


def without(text: str, name: str) -> str:
    """The filter without the conditions of a name, but for the negated ones."""
    kept = [word[0] for word in _WORD.finditer(text) if word[0] and (word['minus'] or _long(word['name']) != name)]
    return ' '.join(kept)


def _long(name: str | None) -> str:
    """The name as it is in NAMES, for short and long forms."""
    given = (name or '').lower()
    return LONG.get(given, given)


def _term(word: re.Match[str], now: datetime) -> Term:
    negated, value = bool(word['minus']), word['value']
    if value.count('*') > STARS:
        raise FilterError(f'One part has {value.count("*")} stars; at most {STARS} are read.')
    if word['path']:
        return _at_path(word['path'], value, negated)
    name = _long(word['name'])
    if name in ('arg', 'meta', 'args'):
        raise FilterError(f'{name}: needs a name and a value, such as arg.customer=42.')
    if name and name not in NAMES:
        near = get_close_matches(name, [*NAMES, *LONG], 1, 0.7)
        if near:
            raise FilterError(f'There is no filter {name}: - was {LONG.get(near[0], near[0])}: meant?')
        name, value = '', f'{word["name"]}:{value}'  # a time, an address: a word like others
    if not name:
        plain = _plain(value)
        if not plain:
            raise FilterError(
                'A minus stands alone: it goes before a word, without a space.' if negated else 'An empty word.'
            )
        return Term('word', (plain,), negated)
    values = tuple(part for part in map(_plain, _split(value)) if part)
    if not values:
        raise FilterError(f'{name}: needs a value, such as {_example(name)}.')
    return _checked(Term(name, values, negated), now)


def _checked(term: Term, now: datetime) -> Term:
    if term.name == 'state':
        return Term('state', tuple(map(_state, term.values)), term.negated)
    if term.name in ('before', 'after'):
        if term.negated or len(term.values) > 1:
            raise FilterError(f'{term.name}: takes one time, and no minus.')
        return Term(term.name, term.values, epoch=_moment(term.name, term.values[0], now))
    if term.name == 'error' and term.negated:
        raise FilterError('error: cannot be negated: it looks into the list of the jobs that failed so.')
    return term


def _at_path(path: str, value: str, negated: bool) -> Term:
    kind, _, rest = path.partition('.')
    parts = tuple(rest.split('.'))
    if not all(parts):
        raise FilterError(f'{path}= needs a name after each dot, such as {kind}.customer=42.')
    secret = next((part for part in parts if is_hidden(part)), None)
    if secret is not None:
        raise FilterError(f'{path}= cannot be looked for: values of the name {secret} are hidden.')
    return Term(kind, (_plain(value),), negated, parts)


def _state(given: str) -> str:
    state = given.lower().replace('-', '_')
    state = ALIASES.get(state, state)
    if state not in STATES:
        near = get_close_matches(state, [*STATES, *ALIASES], 1, 0.6)
        hint = f'was {ALIASES.get(near[0], near[0])} meant?' if near else f'there are {", ".join(STATES)}.'
        raise FilterError(f'{given[:40]} is no state: {hint}')
    return state


def _moment(name: str, given: str, now: datetime) -> float:
    ago = _AGO.fullmatch(given.lower())
    try:
        if ago is not None:
            return (now - timedelta(seconds=float(ago[1]) * _UNITS[ago[2]])).timestamp()
        found = datetime.fromisoformat(given)
    except (ValueError, OverflowError):
        raise FilterError(
            f'{name}:{given[:40]} is no time: give it as 2h (s, m, h, d, w ago) or as 2026-11-24T09:30 (UTC).'
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _split(value: str) -> list[str]:
    """The parts between commas, but for those within quotation marks."""
    return re.findall(r'(?:"[^"]*"|[^,"])+', value)


def _plain(value: str) -> str:
    return value.replace('"', '').strip()


def _example(name: str) -> str:
    return next(example.split()[0] for example, _ in HELP if f'{name}:' in example)
