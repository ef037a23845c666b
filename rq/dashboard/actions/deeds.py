"""What an action is: a name, who may do it, and a function from what was asked to what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis

    from rq.store.bulk import Seen

    from .words import Counts

__all__ = ['ACTIONS', 'Action', 'Asked', 'Done', 'JobAction', 'Refused', 'Who', 'action', 'job_action']


class Refused(Exception):
    """What was asked cannot be done; its text is shown, and nothing has happened."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who does something, and from where."""

    name: str = ''
    role: str = ''
    address: str = ''


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the fields of a form, and where it is to be done."""

    connection: Redis
    fields: Mapping[str, str]
    settings: Mapping[str, Any]
    who: Who = field(default_factory=Who)
    bulk: str = ''  # the id under which it is noted

    def text(self, name: str, what: str) -> str:
        """A field that must be there. Raises Refused, which names it by `what`."""
        value = self.fields.get(name, '')
        if not value:
            raise Refused(f'Say which {what}')
        return value


@dataclass(frozen=True, slots=True)
class Done:
    """What an action has done."""

    text: str  # for the person: 'Queue mail is paused'
    on: str = ''  # for the audit: what it was done to
    count: int = 1  # how many things have changed
    kind: str = 'ok'  # ok, warn (some were left alone) or bad
    more: Mapping[str, str] = field(default_factory=dict)  # for the audit


Answer = Callable[[Asked], Done]
Step = Callable[[Asked, Sequence[str], 'Seen'], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done by a click."""

    name: str
    label: str  # of its button: 'Pause'
    role: str
    answer: Answer
    # What is asked before, as a question with the fields of the form put in; '' nothing. It cannot be taken back, then.
    question: str = ''


@dataclass(frozen=True, slots=True)
class JobAction:
    """One thing that can be done to jobs: to one, to a selection, to all that a filter finds."""

    name: str
    label: str  # 'Delete'
    past: str  # '3 jobs deleted'
    role: str
    step: Step  # ids -> a code for each
    good: frozenset[str]  # codes of those to which it was done
    leaves: bool  # whether a job leaves its home by it, so that a second walk meets only what is left
    once: bool  # whether to do it twice would do harm: then it is asked before, and noted
    asks: bool  # whether it is asked before it is done to all that a filter finds
    warning: str  # shown before it is done to many
    check: Callable[[Asked], None]  # Raises Refused for fields that make no sense

    def is_done(self, counts: Counts) -> int:
        """To how many it was done."""
        return sum(number for code, number in counts.items() if code in self.good)


ACTIONS: dict[str, Action | JobAction] = {}


def _keep(one: Action | JobAction, function: Callable[..., Any]) -> None:
    known = ACTIONS.get(one.name)
    theirs = getattr(known, 'answer', None) or getattr(known, 'step', None)
    if theirs is not None and theirs.__module__ != function.__module__:
        raise ValueError(f'Two actions have the name {one.name}')
    ACTIONS[one.name] = one


def action(name: str, *, label: str, role: str = 'operator', question: str = '') -> Callable[[Answer], Answer]:
    """A decorator that registers an action: `POST /do/<name>`. `question`: it is asked before, `{queue}` is the field."""

    def register(function: Answer) -> Answer:
        _keep(Action(name, label, role, function, question), function)
        return function

    return register


def job_action(
    name: str,
    *,
    label: str,
    past: str,
    good: Sequence[str],
    role: str = 'operator',
    **options: Any,
) -> Callable[[Step], Step]:
    """A decorator that registers an action on jobs; `options`: leaves, once, asks, warning, check of `JobAction`."""
    given = {'leaves': True, 'once': False, 'asks': True, 'warning': '', 'check': _anything, **options}

    def register(function: Step) -> Step:
        _keep(JobAction(name, label, past, role, function, frozenset(good), **given), function)
        return function

    return register


def _anything(_: Asked) -> None:
    """Most actions need no more than the jobs."""
