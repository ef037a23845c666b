"""Methods written for RQ 2.12, which knows no `execution`: they are called without it."""

from __future__ import annotations

from functools import wraps
from inspect import Parameter, signature
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['take_older_methods']

NAMES = ('perform_job', 'monitor_work_horse', 'handle_job_success', 'handle_job_failure', 'handle_job_retry')


def take_older_methods(kind: type) -> None:
    """Lets a worker class's own methods of RQ 2.12's signatures be called with an execution, which they do not get."""
    for name in NAMES:
        method = vars(kind).get(name)
        if isinstance(method, FunctionType) and not _takes_execution(method):
            setattr(kind, name, _without_execution(method))


def _takes_execution(method: Callable[..., Any]) -> bool:
    kinds = {parameter.name: parameter.kind for parameter in signature(method).parameters.values()}
    return 'execution' in kinds or Parameter.VAR_POSITIONAL in kinds.values() or Parameter.VAR_KEYWORD in kinds.values()


def _without_execution(method: Callable[..., Any]) -> Callable[..., Any]:
    places = len(signature(method).parameters)

    @wraps(method)
    def run(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop('execution', None)
        return method(*args[:places], **kwargs)

    return run
