"""What callers ask for, checked before anything is built or sent: each refusal says what, with what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rq.exceptions import TimeoutFormatError
from rq.utils import parse_timeout

from .retry import Retry

__all__ = [
    'LONGEST',
    'arguments',
    'keyword_arguments',
    'policy',
    'rate_limit',
    'repeat',
    'require',
    'seconds',
    'webhooks',
]

# 317 years. Redis refuses an expiry that overflows its milliseconds, and would do so in the middle of a transition.
LONGEST = 10**10


def seconds(option: str, value: Any) -> int | None:
    """Whole seconds of a duration, None for None. Raises TimeoutFormatError, TypeError, ValueError for one over 317 years."""
    if value is None:
        return None
    if value is None:
        return None
    try:
        found = parse_timeout(value)
    except TimeoutFormatError as error:
        raise TimeoutFormatError(f'{option}={value!r}: {error}') from None
    except TypeError:
        raise TypeError(f'{option}={value!r}: give seconds, or text such as "5m"') from None
    if found is not None and found > LONGEST:
        raise ValueError(f'{option}={value!r}: more than {LONGEST} seconds. For no limit leave it out, or give -1')
    return found


def policy(on_lost: str | None) -> str | None:
    """What is to become of a job whose process dies. Raises ValueError for what is no such policy."""
    if on_lost not in (None, 'fail', 'requeue'):
        raise ValueError(
            f'on_lost={on_lost!r}: give "fail" (never started twice) or "requeue" (started again, at least once); '
            'without it a job is tried again if its Retry allows'
        )
    return on_lost


def arguments(args: Any) -> tuple[Any, ...]:
    """The positional arguments as a tuple. Raises TypeError for what has no items."""
    if args is None:
        return ()
    if not isinstance(args, Iterable):
        raise TypeError(f'args={args!r}: give the arguments as a tuple or a list')
    return tuple(args)


def keyword_arguments(kwargs: Any) -> dict[str, Any]:
    """The keyword arguments as a dict of their own. Raises TypeError for what is no mapping of names."""
    if kwargs is None:
        return {}
    if not isinstance(kwargs, Mapping) or not all(isinstance(name, str) for name in kwargs):
        raise TypeError(f'kwargs={kwargs!r}: give the keyword arguments as a dict with their names')
    return dict(kwargs)


def require(retry: Any, meta: Any) -> None:
    """Nothing, if these are what they must be. Raises TypeError else."""
    # By what it has, not by its class: RQ's users may bring a Retry of their own.
    if retry is not None and not (hasattr(retry, 'max') and hasattr(retry, 'intervals')):
        raise TypeError(f'retry={retry!r}: give a {Retry.__module__}.Retry, such as Retry(max=3)')
    if meta is not None and not isinstance(meta, dict):
        raise TypeError(f'meta={meta!r}: give a dict')


def webhooks(given: Any) -> list[Any] | None:
    """The webhooks as a list, None for none. Raises TypeError for what are none."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f'webhooks must be a sequence of Webhook instances, not {given!r}')
    found = list(given)
    if not all(hasattr(item, 'url') and hasattr(item, 'job_status') for item in found):
        raise TypeError(f'webhooks must be a sequence of Webhook instances, not {given!r}')
    return found or None


def repeat(given: Any) -> None:
    """Nothing, if this is a Repeat or None. Raises TypeError else."""
    if given is not None and not (hasattr(given, 'times') and hasattr(given, 'intervals')):
        raise TypeError(f'repeat={given!r}: give a rq.Repeat, such as Repeat(times=3)')


def rate_limit(given: Any) -> None:
    """Nothing, if this is a RateLimit or None. Raises TypeError else."""
    if given is not None and not (hasattr(given, 'key') and hasattr(given, 'concurrency')):
        raise TypeError(f'rate_limit={given!r}: give a rq.RateLimit, such as RateLimit("mail", concurrency=2)')
