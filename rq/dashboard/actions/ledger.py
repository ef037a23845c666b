"""Who did what: into the stream of the audit and into the log, each with the same words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.inert import scrub
from rq.limits import printable
from rq.store import audit

if TYPE_CHECKING:
    from .deeds import Asked

__all__ = ['write']

logger = logging.getLogger('rq.dashboard.audit')


def write(asked: Asked, what: str, on: str, count: int, said: str, **more: Any) -> None:
    """One entry. A server that takes none (it is full) does not hinder the action: then only the log has it."""
    fields = {
        'user': asked.who.name,
        'role': asked.who.role,
        'from': asked.who.address,
        'action': what,
        'on': scrub(on),
        'count': count,
        'said': scrub(said),
        'bulk': asked.bulk,
        **more,
    }
    words = ' '.join(f'{name}={printable(str(value))!r}' for name, value in fields.items() if value not in ('', None))
    logger.info('Dashboard: %s', words)
    try:
        audit.write(asked.connection, fields)
    except RedisError as trouble:
        logger.warning('The audit could not be written: %s', trouble)
