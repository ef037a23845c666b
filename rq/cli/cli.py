"""The commands by the module in which RQ has them: Flask-RQ2 takes them from here."""

from __future__ import annotations

from .empty import empty
from .enqueue import enqueue
from .info import info
from .main import main
from .requeue import requeue
from .suspend import resume, suspend
from .worker import worker

__all__ = ['empty', 'enqueue', 'info', 'main', 'requeue', 'resume', 'suspend', 'worker']
