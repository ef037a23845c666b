"""Registries: which jobs of a queue run, have finished, failed, wait for others or for their time, or were canceled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.defaults import DEFAULT_FAILURE_TTL, FORMAT_KEY_PREFIX
from rq.store import keys

from .base import BaseRegistry, template
from .failed import FailedJobRegistry, FailedView
from .scheduled import ScheduledJobRegistry
from .started import StartedJobRegistry
from .waiting import CanceledJobRegistry, DeferredJobRegistry, ReadyJobRegistry

if TYPE_CHECKING:
    from rq.queue import Queue

__all__ = [
    'DEFAULT_FAILURE_TTL',
    'FORMAT_KEY_PREFIX',
    'BaseRegistry',
    'CanceledJobRegistry',
    'DeferredJobRegistry',
    'FailedJobRegistry',
    'FailedView',
    'FinishedJobRegistry',
    'ReadyJobRegistry',
    'ScheduledJobRegistry',
    'StartedJobRegistry',
    'clean_registries',
]


class FinishedJobRegistry(BaseRegistry):
    """Jobs that have finished, until their result TTL is over."""

    key_template = template(keys.finished)
    _expires = True


def clean_registries(queue: Queue, exception_handlers: list[Any] | None = None) -> None:
    """Drops what has expired from a queue's registries. What dead workers left is taken back by the living ones' reapers.

    `exception_handlers` are RQ's: nothing fails by this.
    """
    FinishedJobRegistry(queue=queue).cleanup()
    FailedJobRegistry(queue=queue).cleanup()
