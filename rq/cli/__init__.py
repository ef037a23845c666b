"""The commands: `rq`, `rqinfo`, `rqworker`. One module each; what is heavy is imported when a command runs."""

from __future__ import annotations

from .cron import cron
from .info import info
from .main import main
from .worker import worker

__all__ = ['cron', 'info', 'main', 'rqinfo', 'rqworker', 'worker']


def rqinfo() -> None:
    """`rqinfo` is `rq info`."""
    info(prog_name='rqinfo')


def rqworker() -> None:
    """`rqworker` is `rq worker`."""
    worker(prog_name='rqworker')
