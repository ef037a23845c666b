"""What an error of Redis means for a worker: wait and try again, shout and try slowly, or a bug of ours."""

from __future__ import annotations

import re
from enum import Enum

from redis import exceptions

__all__ = ['Trouble', 'classify']


class Trouble(Enum):
    """The three kinds of trouble with the server."""

    TRANSIENT = 'transient'  # away, loading, failing over, busy: retry with backoff
    REFUSED = 'refused'  # full, read-only, not allowed: retry slowly, say it once, an operator must act
    BUG = 'bug'  # a wrong command or a wrong type: no retry will help


# The first word of an error reply -> kind; errors of scripts have it after the script's own words. Replies that redis-py
# has classes for come by their text just the same.
_BY_WORD = {
    'LOADING': Trouble.TRANSIENT,
    'BUSY': Trouble.TRANSIENT,
    'TRYAGAIN': Trouble.TRANSIENT,
    'MASTERDOWN': Trouble.TRANSIENT,
    'CLUSTERDOWN': Trouble.TRANSIENT,
    'UNBLOCKED': Trouble.TRANSIENT,
    'READONLY': Trouble.TRANSIENT,
    'MISCONF': Trouble.REFUSED,
    'OOM': Trouble.REFUSED,
    'NOAUTH': Trouble.REFUSED,
    'WRONGPASS': Trouble.REFUSED,
    'NOPERM': Trouble.REFUSED,
    'NOREPLICAS': Trouble.REFUSED,
}
_WORD = re.compile(rf'\b({"|".join(_BY_WORD)})\b')
_REFUSING = (
    exceptions.AuthenticationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
    exceptions.AuthorizationError,
    exceptions.NoPermissionError,
    exceptions.OutOfMemoryError,
)
_TRANSIENT = (
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    OSError,
)


def classify(error: BaseException) -> Trouble:
    """The kind of trouble an exception raised by redis-py or the socket stands for."""
    if isinstance(error, _REFUSING):
        return Trouble.REFUSED
    if isinstance(error, _TRANSIENT):
        return Trouble.TRANSIENT
    if isinstance(error, exceptions.RedisError):
        word = _WORD.search(str(error)[:300])
        if word:
            return _BY_WORD[word[1]]
    return Trouble.BUG
