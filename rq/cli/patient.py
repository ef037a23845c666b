"""What the checks of `rq doctor` look at, and what they find."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from rq.monitor.finding import Finding, Level

if TYPE_CHECKING:
    from redis import Redis

    from rq.store.server import ServerFacts

    from .survey import Survey

__all__ = ['Finding', 'Level', 'Patient']


class Patient:
    """What the checks look at; each part is asked for once, when the first check needs it."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    @cached_property
    def server(self) -> ServerFacts:
        """What the server says of itself. Raises redis-py's errors."""
        from rq.store.server import facts

        return facts(self.connection)

    @property
    def local(self) -> bool:
        """Whether the server is on this machine."""
        told = self.connection.connection_pool.connection_kwargs
        return 'path' in told or str(told.get('host', 'localhost')) in ('localhost', '127.0.0.1', '::1')

    @cached_property
    def survey(self) -> Survey:
        """Queues and workers. Raises redis-py's errors."""
        from .survey import survey

        return survey(self.connection)

    @cached_property
    def silent(self) -> set[str]:
        """Names of workers that seem to be there and are dead. Raises redis-py's errors."""
        from rq.store import worker

        return set(worker.silent(self.connection, [each.name for each in self.survey.workers]))
