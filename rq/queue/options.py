"""The options of enqueue, listed once; RQ's two tuples and every signature are checked against this list."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from functools import lru_cache
from inspect import CO_VARKEYWORDS
from types import CodeType
from typing import Any, NamedTuple

from rq.job.checks import policy
from rq.store.durable import DURABILITY

__all__ = ['EnqueueArgs', 'EnqueueData', 'EnqueueOptions', 'OwnOptions', 'durability', 'take_options', 'take_own']


@dataclass(frozen=True, slots=True)
class EnqueueOptions:
    """How a call is to be queued and run. Durations are seconds, or text such as '5m' (utils.parse_timeout)."""

    timeout: Any = None  # what one run may take; -1: no limit; default 180
    result_ttl: Any = None  # how long the result is kept; -1: for ever, 0: not at all; default 500
    ttl: Any = None  # how long the job may wait before it is dropped; default: for ever
    failure_ttl: Any = None  # how long a failed job is kept; default a year
    description: str | None = None  # text for people; default: the call
    depends_on: Any = None
    job_id: str | None = None  # default: a new UUID
    at_front: bool = False  # to the head of the queue
    meta: dict[Any, Any] | None = None  # the caller's own data
    retry: Any = None  # Retry: run it again when it fails
    repeat: Any = None
    on_success: Any = None
    on_failure: Any = None
    on_stopped: Any = None
    rate_limit: Any = None
    pipeline: Any = None  # buffer the command there instead of sending it
    unique: bool = False  # refuse a job_id that exists
    webhooks: Any = None


@dataclass(frozen=True, slots=True)
class OwnOptions:
    """What RQ does not have. Its tuples have no room for these, so they go beside them, and only when they are given."""

    on_lost: str | None = None  # 'fail' or 'requeue': what becomes of the job when its process dies
    durable: str | None = None  # 'replica' or 'fsync': return when a replica, or the server's disk, has the job


class EnqueueArgs(NamedTuple):
    """A call of `enqueue` taken apart (`Queue.parse_args`); RQ's order."""

    func: Any
    timeout: Any
    description: Any
    result_ttl: Any
    ttl: Any
    failure_ttl: Any
    depends_on: Any
    job_id: Any
    at_front: bool
    meta: Any
    retry: Any
    repeat: Any
    on_success: Any
    on_failure: Any
    on_stopped: Any
    rate_limit: Any
    pipeline: Any
    unique: bool
    args: Any
    kwargs: Any
    webhooks: Any


class EnqueueData(NamedTuple):
    """A call for `enqueue_many` (`Queue.prepare_data`); RQ's order, then ours."""

    func: Any
    args: Any
    kwargs: Any
    timeout: Any
    result_ttl: Any
    ttl: Any
    failure_ttl: Any
    description: Any
    depends_on: Any
    job_id: Any
    at_front: bool
    meta: Any
    retry: Any
    on_success: Any
    on_failure: Any
    on_stopped: Any
    repeat: Any
    webhooks: Any
    on_lost: str | None = None
    durable: str | None = None

    def __reduce__(self) -> tuple[type[EnqueueData], tuple[Any, ...]]:
        """What other RQs can read as well, where nothing of ours is said."""
        given = tuple(self)
        return EnqueueData, given if any(given[RQS:]) else given[:RQS]


RQS = 18  # fields that RQ's has
EnqueueData.__module__ = 'rq.queue'  # as other RQs find it in a pickle


# Among a function's keyword arguments the time limit goes by another name, so that `timeout=` reaches the function.
_KEYWORDS = {field.name if field.name != 'timeout' else 'job_timeout': field for field in fields(EnqueueOptions)}


def take_options(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> EnqueueArgs:
    """The options taken out of a function's keyword arguments, which are changed.

    Raises AssertionError, as RQ, for positional arguments beside explicit `args=` or `kwargs=`.
    """
    if kwargs and not _KEYWORDS.keys().isdisjoint(kwargs):
        _warn_of_parameters(f, kwargs)
    found = {field.name: kwargs.pop(keyword, field.default) for keyword, field in _KEYWORDS.items()}
    if 'args' in kwargs or 'kwargs' in kwargs:
        if args:
            raise AssertionError('Extra positional arguments cannot be used when using explicit args and kwargs')
        args = kwargs.pop('args', None) or ()
        kwargs = kwargs.pop('kwargs', None) or {}
    return EnqueueArgs(func=f, args=args, kwargs=kwargs, **found)


def durability(durable: str | None) -> str | None:
    """How safe the job is to be when `enqueue` returns. Raises ValueError for what is no such thing."""
    if durable is not None and durable not in DURABILITY:
        raise ValueError(f'durable={durable!r}: give "replica" or "fsync"')
    return durable


_OWN = {'on_lost': policy, 'durable': durability}


def take_own(f: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Our own options, taken out of a function's keyword arguments, which are changed.

    In RQ these names are the function's. So one that has such a parameter gets it, and one that we know nothing of gets
    what is no value of ours. Raises ValueError for a bad value.
    """
    found = {}
    for name in _OWN.keys() & kwargs.keys():
        if name in _parameters(f) or (_takes_any(f) and not _is_ours(name, kwargs[name])):
            continue
        found[name] = _OWN[name](kwargs.pop(name))
    return found


def _takes_any(f: Any) -> bool:
    code = getattr(getattr(f, '__func__', f), '__code__', None)
    return not isinstance(code, CodeType) or bool(code.co_flags & CO_VARKEYWORDS)


def _is_ours(name: str, value: Any) -> bool:
    try:
        return value is not None and _OWN[name](value) == value
    except ValueError:
        return False


def _warn_of_parameters(f: Any, kwargs: dict[str, Any]) -> None:
    """Warns of options that the function itself has as parameters: the queue takes them, as RQ's does."""
    for name in _parameters(f) & kwargs.keys() & _KEYWORDS.keys():
        warnings.warn(
            f'{name}= is an option of enqueue() and a parameter of {getattr(f, "__qualname__", f)}(): it was taken as the '
            f'option. To give it to the function: enqueue(f, kwargs={{{name!r}: ...}})',
            UserWarning,
            stacklevel=5,
        )


@lru_cache(maxsize=256)
def _names(code: CodeType) -> frozenset[str]:
    return frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _parameters(f: Any) -> frozenset[str]:
    code = getattr(getattr(f, '__func__', f), '__code__', None)
    return _names(code) if isinstance(code, CodeType) else frozenset()
