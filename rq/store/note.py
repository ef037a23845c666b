"""Notes: what is still to be done for jobs outside of Redis. Left by lua/lib/note.lua, taken and dropped here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import keys
from .fields import text
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['TRIES', 'Note', 'drop', 'due_in', 'take']

_take_notes = Script('take_notes')
_drop_note = Script('drop_note')

# What takes its process with it so often is given up.
TRIES = 3


class Note(NamedTuple):
    """One note: for which run of which job, and what is to be done."""

    queue: str
    what: str  # lost: its process died; stopped; webhook
    job_id: str
    execution: str
    worker: str  # whose run it was
    became: str  # FAILED QUEUED SCHEDULED STOPPED FINISHED
    payload: bytes  # the outcome's: base64 of zlib of its text, b'' for none
    taken: int  # how often it was taken, this time included; more than TRIES: it only says that it was in vain

    @property
    def member(self) -> str:
        """Its name in `rq:aftermath:<queue>`."""
        return f'{self.what}:{self.job_id}:{self.execution}'


def _note(reply: Sequence[Any]) -> Note:
    queue, member, worker, became, payload, taken = reply
    what, _, run = text(member).partition(':')
    job_id, _, execution = run.rpartition(':')
    return Note(text(queue), what, job_id, execution, text(worker), text(became), payload, int(taken))


def due_in(connection: Any, queues: Sequence[str]) -> float | None:
    """Seconds until a note of these queues is due, 0 if one is; None when there is none."""
    wait = _take_notes(connection, keys.queue(queues[0]), 0, 0, *queues)[0]
    return int(wait) / 1000 if wait else None


def take(connection: Any, queues: Sequence[str], seconds: float, most: int = 1) -> list[Note]:
    """Due notes, which are the caller's for so many seconds and the time limits of their jobs' callbacks."""
    return [_note(reply) for reply in _take_notes(connection, keys.queue(queues[0]), most, seconds, *queues)[1:]]


def drop(connection: Any, note: Note) -> bool:
    """Whether the note was still there; now it is not."""
    return bool(_drop_note(connection, keys.aftermath(note.queue), note.member))
