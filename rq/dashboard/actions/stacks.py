"""Where a running job stands: its worker is asked, and the answer is on the job's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.command import send_dump_stack_command
from rq.exceptions import InvalidJobOperation
from rq.monitor.stack import wait
from rq.store import job as store

from .deeds import Asked, job_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rq.store.bulk import Seen

__all__ = ['tell_stack']

# Seconds in which most workers have answered; what comes later the page finds by itself.
PATIENCE = 0.6


@job_action('stack', label='Show where it stands', past='asked where they stand', good=['TOLD'], leaves=False)
def tell_stack(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """The workers of running jobs are asked for the stacks of their processes."""
    found = [_tell(asked, job_id) for job_id in ids]
    if found.count('TOLD') == 1:
        wait(asked.connection, ids[found.index('TOLD')], PATIENCE)
    return found


def _tell(asked: Asked, job_id: str) -> str:
    try:
        send_dump_stack_command(asked.connection, job_id)
    except InvalidJobOperation as error:
        return 'FOREIGN' if 'another RQ' in str(error) else store.statuses(asked.connection, [job_id])[0]
    return 'TOLD'
