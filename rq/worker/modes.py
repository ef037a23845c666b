"""What a worker may be doing, and in which order it may look at its queues."""

from __future__ import annotations

from enum import Enum

__all__ = ['DequeueStrategy', 'WorkerStatus']


class WorkerStatus(str, Enum):
    """What a worker's hash says it does."""

    __module__ = 'rq.worker'  # as other RQs find it in a pickle

    STARTED = 'started'
    SUSPENDED = 'suspended'
    BUSY = 'busy'
    IDLE = 'idle'


class DequeueStrategy(str, Enum):
    """In which order a worker looks at its queues."""

    __module__ = 'rq.worker'  # as other RQs find it in a pickle

    DEFAULT = 'default'  # as given: the first non-empty one
    ROUND_ROBIN = 'round_robin'
    RANDOM = 'random'
