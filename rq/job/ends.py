"""The part of Job that says what follows its end: another try, another run, callbacks, webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rq import signing
from rq.callbacks import (
    as_callback,
    execute_failure_callback,
    execute_stopped_callback,
    execute_success_callback,
)
from rq.defaults import CALLBACK_TIMEOUT
from rq.exceptions import FunctionNotAllowed, SignatureError
from rq.store.states import JobStatus
from rq.utils import import_attribute, now

from . import seal
from .retry import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq.timeouts import BaseDeathPenalty

    from .retry import Retry

__all__ = ['Ends']

_CALLBACKS = ('success', 'failure', 'stopped')


class Ends:
    """Mixed into Job. A callback that cannot be imported raises ValueError when it is looked at."""

    id: str
    _allow: Any
    retries_left: Any
    retry_intervals: Any
    retry_on: list[str] | None
    give_up_on: list[str] | None
    enqueue_at_front_on_retry: bool | None

    # --- another try

    def _take_retry(self, retry: Retry) -> None:
        self.retries_left = retry.max
        draw = getattr(retry, 'draw', None)  # RQ's users may bring a Retry of their own
        self.retry_intervals = draw() if draw is not None else retry.intervals
        self.enqueue_at_front_on_retry = retry.enqueue_at_front or None
        self.retry_on = getattr(retry, 'retry_on', None)
        self.give_up_on = getattr(retry, 'give_up_on', None)

    def retries_after(self, error: BaseException) -> bool:
        """Whether what its Retry says of exceptions lets it be tried again after this one, if there are tries left."""
        if isinstance(error, (SignatureError, FunctionNotAllowed)):
            return False  # it would be the same the next time
        if self.give_up_on and matches(error, self.give_up_on):
            return False
        return not self.retry_on or matches(error, self.retry_on)

    def retry(self: Any, queue: Any, pipeline: Any) -> None:
        """Puts the job on its queue again, or among the scheduled until its time; one retry less is left.

        Workers do this in the step that stores a failure; this is for those who run jobs themselves.
        """
        wait = self.get_retry_interval()
        self.retries_left -= 1
        if wait:
            queue.schedule_job(self, now() + timedelta(seconds=wait), pipeline=pipeline)
        else:
            queue.enqueue_job(self, pipeline=pipeline, at_front=bool(self.enqueue_at_front_on_retry))

    # --- callbacks

    def _take_callbacks(self, on_success: Any, on_failure: Any, on_stopped: Any) -> None:
        for kind, given in zip(_CALLBACKS, (on_success, on_failure, on_stopped), strict=True):
            callback = as_callback(f'on_{kind}', given)
            if callback is not None:
                setattr(self, f'_{kind}_callback_name', callback.name)
                setattr(self, f'_{kind}_callback_timeout', callback.timeout)

    def _callback(self, kind: str) -> Callable[..., Any] | None:
        name = getattr(self, f'_{kind}_callback_name')
        if not name:
            return None
        known: dict[str, Any] = self.__dict__.setdefault('_callbacks', {})
        if name not in known:
            if signing.active is not None:
                seal.check(self)
            allowed = self._allow
            known[name] = import_attribute(name) if allowed is None else allowed.find(name)
        found: Callable[..., Any] = known[name]
        return found

    def _callback_timeout(self, kind: str) -> int:
        return int(getattr(self, f'_{kind}_callback_timeout') or CALLBACK_TIMEOUT)

    @property
    def success_callback(self) -> Callable[..., Any] | None:
        """The function to call when it has succeeded, imported; None when there is none."""
        return self._callback('success')

    @property
    def success_callback_timeout(self) -> int:
        """Seconds that the success callback may take."""
        return self._callback_timeout('success')

    @property
    def failure_callback(self) -> Callable[..., Any] | None:
        """The function to call when a run has failed, imported; None when there is none."""
        return self._callback('failure')

    @property
    def failure_callback_timeout(self) -> int:
        """Seconds that the failure callback may take."""
        return self._callback_timeout('failure')

    @property
    def stopped_callback(self) -> Callable[..., Any] | None:
        """The function to call when it was stopped, imported; None when there is none."""
        return self._callback('stopped')

    @property
    def stopped_callback_timeout(self) -> int:
        """Seconds that the stopped callback may take."""
        return self._callback_timeout('stopped')

    def execute_success_callback(self, death_penalty_class: type[BaseDeathPenalty], result: Any) -> None:
        """Calls the success callback, if there is one. Raises what it raises."""
        execute_success_callback(self, death_penalty_class, result)

    def execute_failure_callback(self, death_penalty_class: type[BaseDeathPenalty], *exc_info: Any) -> None:
        """Calls the failure callback, if there is one. Raises what it raises."""
        execute_failure_callback(self, death_penalty_class, *exc_info)

    def execute_stopped_callback(self, death_penalty_class: type[BaseDeathPenalty]) -> None:
        """Calls the stopped callback, if there is one. Raises what it raises."""
        execute_stopped_callback(self, death_penalty_class)

    # --- the rest

    @property
    def has_rate_limit(self: Any) -> bool:
        """Whether only so many jobs of its kind may be queued or running."""
        return bool(self.rate_limit_key)

    def send_webhooks(self: Any, status: str | JobStatus, *, exc_string: str | None = None) -> None:
        """Sends those of its webhooks that are for this status; what goes wrong is logged. For workers."""
        if self.webhooks and seal.admits(self):
            from rq.webhook import deliver
            from rq.webhook.address import rules_in_force

            rules = rules_in_force(seal.is_required(self.origin))
            deliver(self, JobStatus(status), exc_string=exc_string, rules=rules)
