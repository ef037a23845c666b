"""Queues. `Queue` is in model.py, putting jobs in is in enqueue.py, the options of enqueue in options.py."""

from __future__ import annotations

from .model import Queue
from .options import EnqueueArgs, EnqueueData, EnqueueOptions

__all__ = ['EnqueueArgs', 'EnqueueData', 'EnqueueOptions', 'Queue']
