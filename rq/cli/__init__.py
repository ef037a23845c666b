"""The commands: `rq`, `rqinfo`, `rqworker`. One module each; what is heavy is imported when a command runs."""

from __future__ import annotations

from .info import info
from .main import main
from .worker import worker

__all__ = ['info', 'main', 'rqinfo', 'rqworker', 'worker']


def rqinfo() -> None:
    """`rqinfo` is `rq info`."""
    info(prog_name='rqinfo')


def rqworker() -> None:
    """`rqworker` is `rq worker`."""
    worker(prog_name='rqworker')
