"""`@job`: a function that knows its queue. Called, it runs here; `f.delay(...)` enqueues it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from rq.job.checks import policy
from rq.queue import Queue
from rq.queue.options import durability
from rq.utils import backend_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from rq.job import Retry

__all__ = ['job']

F = TypeVar('F', bound='Callable[..., Any]')


class job:
    """`@job('low', connection=redis)` gives a function `delay(*args, **kwargs)`, which enqueues it; it answers the Job.

    The options are those of `Queue.enqueue`. `delay` takes `depends_on`, `job_id` and `at_front` out of its keyword
    arguments, all else goes to the function. `enqueue` is the same under another name.
    """

    queue_class: Any = Queue

    def __init__(  # RQ's signature
        self,
        queue: Queue | str,
        connection: Redis,
        timeout: Any = None,
        result_ttl: Any = None,
        ttl: Any = None,
        queue_class: type[Queue] | None = None,
        depends_on: Any = None,
        at_front: bool = False,
        meta: dict[Any, Any] | None = None,
        description: str | None = None,
        failure_ttl: Any = None,
        retry: Retry | None = None,
        on_failure: Any = None,
        on_success: Any = None,
        on_stopped: Any = None,
        webhooks: Any = None,
        *,
        on_lost: str | None = None,
        durable: str | None = None,
    ) -> None:
        self.queue = queue
        self.connection = connection
        self.queue_class = backend_class(self, 'queue_class', override=queue_class)
        self.depends_on = depends_on
        self.at_front = at_front
        self.options: dict[str, Any] = {
            'timeout': timeout,
            'result_ttl': result_ttl,
            'ttl': ttl,
            'failure_ttl': failure_ttl,
            'meta': meta,
            'description': description,
            'retry': retry,
            'on_failure': on_failure,
            'on_success': on_success,
            'on_stopped': on_stopped,
            'webhooks': webhooks,
        }
        if on_lost is not None:
            self.options['on_lost'] = policy(on_lost)
        if durable is not None:
            self.options['durable'] = durability(durable)

    def __call__(self, f: F) -> F:
        """The same function, with `delay` and `enqueue`. Raises what `Queue.enqueue` raises, when these are called."""

        @wraps(f)
        def delay(*args: Any, **kwargs: Any) -> Any:
            depends_on, job_id = kwargs.pop('depends_on', None), kwargs.pop('job_id', None)
            at_front = kwargs.pop('at_front', False) or self.at_front
            return self._queue().enqueue_call(
                f,
                args=args,
                kwargs=kwargs,
                job_id=job_id,
                at_front=at_front,
                depends_on=depends_on or self.depends_on,
                **self.options,
            )

        f.delay = f.enqueue = delay  # type: ignore[attr-defined]
        return f

    def _queue(self) -> Any:
        # Made at the call: the decorator runs at import, when there may be no connection yet to set up by hand.
        if isinstance(self.queue, str):
            return self.queue_class(name=self.queue, connection=self.connection)
        return self.queue
