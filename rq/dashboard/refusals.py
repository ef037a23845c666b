"""What Redis says when it does not do what a page or an action asks, in words for whoever looks."""

from __future__ import annotations

from redis import exceptions as redis

__all__ = ['in_words', 'logged']

AGAIN = 'The dashboard tries again by itself.'


def in_words(error: Exception) -> tuple[int, str, str]:
    """Status, title and text for an error of redis-py, or of the network."""
    words = logged(error)
    if isinstance(error, redis.AuthenticationError):
        return 503, 'Redis does not let the dashboard in', 'Its name or its password of Redis is wrong, or missing.'
    if isinstance(error, redis.NoPermissionError):
        return (
            403,
            'Redis refuses this',
            'The user as which the dashboard asks Redis may not do this (docs/security.md).',
        )
    if isinstance(error, redis.OutOfMemoryError) or words.startswith('OOM '):
        return 507, 'Redis is full', 'It has no memory left and stores nothing more. Delete jobs, or raise maxmemory.'
    if isinstance(error, redis.ReadOnlyError):
        return 503, 'Redis is read-only', f'This is a replica, or Redis is failing over. {AGAIN}'
    if isinstance(error, redis.BusyLoadingError):
        return 503, 'Redis is loading its data', f'It answers when it has read all of it. {AGAIN}'
    if isinstance(error, redis.ResponseError):
        return 502, 'Redis refuses this', 'The log of the dashboard has what it said.'
    return 503, 'Redis does not answer', f'Redis could not be asked. {AGAIN}'


def logged(error: Exception) -> str:
    """The error in one line of bounded length: it may quote names that others have chosen."""
    return ' '.join(str(error).split())[:300]
