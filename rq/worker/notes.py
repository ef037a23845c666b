"""Doing what notes ask for: user code for jobs that ended without their process, and webhooks.

At least once: a note is dropped when it is done, and taken again when its process died over it, three times at most.
What the user's code raises is logged; Redis errors are raised, and the note is there for the next.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError

from rq._faultpoints import ARMED, reach
from rq.exceptions import AbandonedJobError, NoSuchJobError, SignatureError
from rq.job.seal import admits, is_required
from rq.results import decode_exception
from rq.store import note as store

from .failure import exception_text, one_line, reason_of
from .guard import guard, is_on

if TYPE_CHECKING:
    from redis import Redis

    from rq.job import Job
    from rq.store.note import Note

    from .base import BaseWorker

__all__ = ['COLD', 'Facts', 'is_due', 'take', 'tells', 'work_off']

# Seconds for the worker's handlers, and for all webhooks of a job; a job's callbacks have limits of their own.
PATIENCE = 60
# Seconds that a taken note is its taker's, besides the limits of callbacks: two kinds of handlers, and some for Redis.
LEASE = 2 * PATIENCE + 30
# Seconds that Redis is given for a job's hash, or to drop a note.
READ = 30

# What a second signal raises in a worker that runs jobs, and callbacks, in its own process: it ends that worker.
COLD = 'Cold shut down'

Begin = Callable[[float], Any]


class Facts(NamedTuple):
    """What the kernel told of a dead horse."""

    pid: int
    status: int
    usage: Any  # as os.wait4 gives it


def tells(worker: BaseWorker) -> bool:
    """Whether a worker has code of its own for the dead, so that it wants to hear of every one."""
    return bool(worker._exc_handlers or worker.work_horse_killed_handler)


def is_due(worker: BaseWorker, connection: Redis) -> bool:
    """Whether there is a note to be taken now."""
    return store.due_in(connection, worker.queue_names()) == 0


def take(worker: BaseWorker, connection: Redis) -> Note | None:
    """The oldest due note, which is ours for a while."""
    found = store.take(connection, worker.queue_names(), LEASE)
    return found[0] if found else None


def work_off(
    worker: BaseWorker,
    connection: Redis,
    facts: dict[str, Facts],
    begin: Begin = lambda seconds: None,
    told_to_stop: Callable[[], Any] = lambda: False,
    first: Note | None = None,
) -> int:
    """Does notes until none is due; answers how many. Raises redis-py's errors.

    `begin` is told of every step how many seconds it may take; the `first` one has been taken already.
    """
    done, note = 0, first or take(worker, connection)
    while note is not None:
        begin(READ)
        if ARMED:
            reach('before.note')
        _Task(worker, note, facts, begin).run()
        if ARMED:
            reach('after.note')
        begin(READ)
        _drop(connection, note)
        done += 1
        note = None if told_to_stop() else take(worker, connection)
    return done


def _drop(connection: Redis, note: Note) -> None:
    """What is done is not to be done again because Redis was away for a moment."""
    for wait in (0.1, 0.5, 2.0):
        try:
            store.drop(connection, note)
            return
        except (RedisError, OSError):
            time.sleep(wait)
    store.drop(connection, note)


class _Task:
    """One note."""

    def __init__(self, worker: BaseWorker, note: Note, facts: dict[str, Facts], begin: Begin) -> None:
        self.worker = worker
        self.note = note
        self.log = worker.log
        self.text = decode_exception(note.payload) or ''
        self.facts = facts.pop(note.execution, None) or _facts_in(self.text)
        self.begin = begin

    def run(self) -> None:
        note = self.note
        what = {'lost': 'handlers and callback', 'stopped': 'stopped callback', 'webhook': 'webhooks'}.get(note.what)
        if what is None:
            self.log.error(
                'Dropped a note about job %s of an unknown kind: %s', one_line(note.job_id), one_line(note.what)
            )
        elif note.taken > store.TRIES:
            self.log.error(
                'Job %s: its %s took %d processes with them, given up', one_line(note.job_id), what, store.TRIES
            )
        else:
            job = self._job(what)
            if job is not None:
                getattr(self, f'_{note.what}')(job)

    def _job(self, what: str) -> Job | None:
        worker, job_id = self.worker, self.note.job_id
        try:
            job: Job = worker.job_class.fetch(job_id, connection=worker.connection, serializer=worker.serializer)
            if is_on(worker):
                guard(worker, job, self.note.queue)
                if not admits(job):
                    raise SignatureError('it is not signed as it should be')
            return job
        except NoSuchJobError:
            self.log.warning('Job %s is gone: its %s cannot be run', one_line(job_id), what)
        except (RedisError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a field that nobody can read
            self.log.error('Job %s: its %s cannot be run (%s)', one_line(job_id), what, reason_of(error))
        return None

    # --- kinds of notes

    def _stopped(self, job: Job) -> None:
        self._callback(job, 'stopped')

    def _lost(self, job: Job) -> None:
        worker, error = self.worker, AbandonedJobError(self.text.strip())
        told = (AbandonedJobError, error, None)
        told_before = worker._chief is not None and worker._chief.tells_deaths and self.note.worker == worker.name
        if self.facts is not None and worker.work_horse_killed_handler is not None and not told_before:
            self._limited(job, 'work_horse_killed_handler', partial(worker.handle_work_horse_killed, job, *self.facts))
        self._callback(job, 'failure', *told)
        if worker._exc_handlers:
            self._limited(job, 'exception handlers', partial(worker.handle_exception, job, *told))

    def _webhook(self, job: Job) -> None:
        from rq.webhook import deliver  # not needed where nobody has any
        from rq.webhook.address import rules_in_force

        text, run, rules = self.text or None, self.note.execution, rules_in_force(is_required(self.note.queue))
        self._limited(
            job, 'webhooks', partial(deliver, job, self.note.became, exc_string=text, execution=run, rules=rules)
        )

    # --- user code

    def _callback(self, job: Any, kind: str, *told: Any) -> None:
        """A job's own callback, under its own time limit; nothing if it has none."""

        def call() -> None:
            limit = getattr(job, f'{kind}_callback_timeout')
            self.begin(limit if isinstance(limit, int) and limit > 0 else PATIENCE)
            getattr(job, f'execute_{kind}_callback')(self.worker.death_penalty_class, *told)

        self._try(job, f'{kind} callback', call)

    def _limited(self, job: Job, what: str, function: Callable[[], Any]) -> None:
        def call() -> None:
            self.begin(PATIENCE)
            with self.worker.death_penalty_class(PATIENCE, self.worker.timeout_exception, job_id=job.id):
                function()

        self._try(job, what, call)

    def _try(self, job: Job, what: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except BaseException as error:  # whatever it raises, the next one is run
            if isinstance(error, SystemExit) and error.code == COLD:
                raise
            self.log.error('Job %s: its %s failed\n%s', one_line(job.id), what, exception_text(error).rstrip())


def _facts_in(text: str) -> Facts | None:
    """What a horse's end left in the text of its job: its status, if another worker has seen it die."""
    found = re.search(r'waitpid returned (\d+)(?:.*peak memory (\d+) MB)?', text)
    if found is None:
        return None
    from resource import struct_rusage  # not on Windows, where there are no horses

    usage = [0.0, 0.0, int(found[2] or 0) * 1024, *[0] * 13]
    return Facts(0, int(found[1]), struct_rusage(usage))
