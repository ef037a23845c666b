"""Taking jobs off by hand, by RQ's low-level names. Workers claim instead: what is taken here nobody holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rq.exceptions import DequeueTimeout, NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.store import queue as store
from rq.utils import as_text

if TYPE_CHECKING:
    from redis import Redis

    from rq.job import Job

__all__ = ['Taking', 'logger']

logger = logging.getLogger('rq.queue')

# Of several queues one can be waited for at a time; the others are looked at so often.
LOOK = 0.1


class Taking:
    """The part of Queue that pops ids."""

    redis_server_version: tuple[int, int, int] | None = None

    log = logger

    @property
    def intermediate_queue(self: Any) -> IntermediateQueue:
        """The list on which ids rest that were taken off and not begun. Workers take back what stays there for 60 s."""
        return IntermediateQueue(self.key, connection=self.connection)

    @classmethod
    def lpop(cls, queue_keys: list[str], timeout: int | None, connection: Redis | None = None) -> Any:
        """(key, id) of the head of the first queue that has one; None: nothing waits. Nobody holds the job then.

        With a `timeout` it waits so many seconds and raises DequeueTimeout. Raises ValueError for a timeout of 0.
        """
        if connection is None:
            raise ValueError('lpop() needs a connection')
        _check(timeout)
        found = store.pop_first(connection, queue_keys, timeout)
        if found is None and timeout is not None:
            raise DequeueTimeout(timeout, queue_keys)
        return found

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> Any:
        """(key, id) of the head of a queue, which rests on the intermediate list from now on; else as `lpop`."""
        _check(timeout)
        found = store.move_head(connection, queue_key, IntermediateQueue.get_intermediate_queue_key(queue_key), timeout)
        if found is None and timeout is not None:
            raise DequeueTimeout(timeout, queue_key)
        return None if found is None else (queue_key, found)

    @classmethod
    def dequeue_any(
        cls: Any,
        queues: list[Any],
        timeout: int | None,
        connection: Redis,
        job_class: Any = None,
        serializer: Any = None,
        death_penalty_class: Any = None,
    ) -> tuple[Job, Any] | None:
        """The next job and its queue; None: nothing waits (`timeout` None). Raises DequeueTimeout, and ValueError for 0.

        Its id rests on the intermediate list until a worker begins it (`prepare_execution`); one that nobody begins
        comes back to its queue after a minute. Ids without a job are left out.
        """
        _check(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        job_class = job_class or cls.job_class
        while True:
            found = _head(cls, queues, connection, end)
            if found is None and end is None:
                return None
            if found is None:
                raise DequeueTimeout(timeout, [queue.key for queue in queues])
            key, job_id = found
            queue = cls.from_queue_key(
                key, connection=connection, job_class=job_class, serializer=serializer,
                death_penalty_class=death_penalty_class,
            )  # fmt: skip
            try:
                job = job_class.fetch(as_text(job_id), connection=connection, serializer=queue.serializer)
            except NoSuchJobError:
                queue.intermediate_queue.remove(as_text(job_id))
                continue
            return job, queue

    def __iter__(self) -> Iterator[Any]:
        yield self


def _head(cls: Any, queues: list[Any], connection: Redis, end: float | None) -> tuple[str, bytes] | None:
    """(key, id) of the first head found until that instant (None: now); the id is on an intermediate list."""
    while True:
        for queue in queues:
            found: tuple[str, bytes] | None = cls.lmove(connection, queue.key, None)
            if found is not None:
                return found
        left = 0.0 if end is None else end - time.monotonic()
        if left <= 0:
            return None
        try:
            return cls.lmove(connection, queues[0].key, left if len(queues) == 1 else min(left, LOOK))  # type: ignore[no-any-return]
        except DequeueTimeout:
            pass


def _check(timeout: float | None) -> None:
    if timeout == 0:
        raise ValueError('RQ does not support indefinite timeouts. Please pick a timeout value > 0')
