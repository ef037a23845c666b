"""Names for the kinds of values that users pass in, for annotations only; nothing here exists at run time but names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    from redis import Redis

    from .job import Job

__all__ = [
    'FailureCallbackType',
    'FunctionReferenceType',
    'JobDependencyType',
    'StoppedCallbackType',
    'SuccessCallbackType',
]

# What can be enqueued: a function, a bound method, an object that can be called, or a dotted path to one of them.
FunctionReferenceType: TypeAlias = Callable[..., Any] | str

# What a job can wait for: jobs or their ids, one or several.
JobDependencyType: TypeAlias = Union['Job', str, 'Sequence[Job | str]']

# Called with the job, a connection and the result.
SuccessCallbackType: TypeAlias = Callable[['Job', 'Redis', Any], Any]

# Called with the job, a connection and the three parts of the exception.
FailureCallbackType: TypeAlias = Callable[
    ['Job', 'Redis', type[BaseException] | None, BaseException | None, TracebackType | None], Any
]

# Called with the job and a connection.
StoppedCallbackType: TypeAlias = Callable[['Job', 'Redis'], Any]
