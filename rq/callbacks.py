"""Callback: a function that is told how a job ended, and running it under its own time limit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from rq.defaults import CALLBACK_TIMEOUT
from rq.exceptions import InvalidFunction, NotAFunctionError
from rq.timeouts import JobTimeoutException
from rq.utils import parse_timeout, resolve_function_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq.timeouts import BaseDeathPenalty

__all__ = [
    'CALLBACK_TIMEOUT',
    'Callback',
    'as_callback',
    'execute_failure_callback',
    'execute_stopped_callback',
    'execute_success_callback',
]


class Callback:
    """A function, or its dotted path, that a worker calls at a job's end; it may take `timeout` seconds (60).

    `on_success` is called as f(job, connection, result), `on_failure` as f(job, connection, type, value, traceback),
    `on_stopped` as f(job, connection). Raises ValueError for what is no function, TimeoutFormatError.
    """

    __module__ = 'rq.job'

    def __init__(self, func: str | Callable[..., Any], timeout: Any | None = None) -> None:
        if not isinstance(func, str) and not callable(func):
            raise ValueError(f'Callback `func` must be a string or function, not {func!r}')
        self.func = func
        self.timeout = parse_timeout(timeout) if timeout else CALLBACK_TIMEOUT

    @property
    def name(self) -> str:
        """The dotted path under which a worker finds the function. Raises ValueError for one it could not find."""
        if isinstance(self.func, str):
            return self.func
        try:
            _, name = resolve_function_reference(self.func)
        except (InvalidFunction, NotAFunctionError) as error:
            raise ValueError(f'A worker could not import this callback: {error}') from error
        return name


def as_callback(option: str, given: Any) -> Callback | None:
    """The callback of an option, None for None. Raises ValueError for what is none; a bare function is taken, with a warning."""
    if given is None or given == '':
        return None
    if hasattr(given, 'name') and hasattr(given, 'timeout'):
        return given  # type: ignore[no-any-return]  # by what it has: users may bring a class of their own
    found = Callback(given)
    warnings.warn(
        f'Passing a string or function for `{option}` is deprecated, pass `Callback` instead',
        DeprecationWarning,
        stacklevel=5,
    )
    return found


def execute_success_callback(job: Any, death_penalty_class: type[BaseDeathPenalty], result: Any) -> None:
    """Tells the job's success callback, if it has one, what the function returned. Raises what the callback raises."""
    if job.success_callback is not None:
        with death_penalty_class(job.success_callback_timeout, JobTimeoutException, job_id=job.id):
            job.success_callback(job, job.connection, result)


def execute_failure_callback(job: Any, death_penalty_class: type[BaseDeathPenalty], *exc_info: Any) -> None:
    """Tells the job's failure callback, if it has one, what was raised. Raises what the callback raises."""
    if job.failure_callback is not None:
        with death_penalty_class(job.failure_callback_timeout, JobTimeoutException, job_id=job.id):
            job.failure_callback(job, job.connection, *exc_info)


def execute_stopped_callback(job: Any, death_penalty_class: type[BaseDeathPenalty]) -> None:
    """Tells the job's stopped callback, if it has one. Raises what the callback raises."""
    if job.stopped_callback is not None:
        with death_penalty_class(job.stopped_callback_timeout, JobTimeoutException, job_id=job.id):
            job.stopped_callback(job, job.connection)
