"""The commands: `rq`, `rqinfo`, `rqworker`, `rq-dashboard`. One module each; what is heavy is imported when a command runs."""

from __future__ import annotations

from .cron import cron
from .info import info
from .main import main
from .worker import worker

__all__ = ['cron', 'info', 'main', 'rq_dashboard', 'rqinfo', 'rqworker', 'worker']


def rq_dashboard() -> None:
    """`rq-dashboard` is `rq dashboard` with the options of rq-dashboard 0.9 besides."""
    from .dashboard_command import rq_dashboard

    rq_dashboard(prog_name='rq-dashboard')


def rqinfo() -> None:
    """`rqinfo` is `rq info`."""
    info(prog_name='rqinfo')


def rqworker() -> None:
    """`rqworker` is `rq worker`."""
    worker(prog_name='rqworker')
