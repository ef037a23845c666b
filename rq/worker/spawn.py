"""SpawnWorker: a new interpreter for each job. And what that interpreter does: `main`.

What it needs to know comes over its standard input, never in its arguments or environment, where `ps` would show the
password of the server.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from redis import ConnectionPool

from rq.connections import parse_connection
from rq.defaults import DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT
from rq.executions import Execution
from rq.logutils import setup_loghandlers

from .alone import Held
from .classes import Worker
from .failure import reason_of
from .report import answer
from .start import _flush_streams

if TYPE_CHECKING:
    from rq.job import Job
    from rq.queue import Queue
    from rq.store.claim import Lease

__all__ = ['SpawnWorker', 'main']

# The path first: only then can the rest be imported.
BOOT = 'import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from rq.worker.spawn import main; main()'


class _Task(NamedTuple):
    """What the new interpreter is to do."""

    config: dict[str, Any]
    lease: Lease
    now_us: int
    clock_ns: int
    job_id: str
    queue: int  # which of the worker's
    stacks: int  # the file for its stack; -1: nobody asks


class SpawnWorker(Worker):
    """A worker that runs each job in a new Python interpreter: nothing is inherited, all is imported anew (0.3 s).

    Its class, and what it is made of (job, queue and serializer classes, exception handlers), must be importable.
    """

    _logging: tuple[Any, str, str] = (None, DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT)

    def bootstrap(
        self,
        logging_level: str | None = 'INFO',
        date_format: str = DEFAULT_LOGGING_DATE_FORMAT,
        log_format: str = DEFAULT_LOGGING_FORMAT,
    ) -> None:
        """As every worker's. Raises TypeError where something of it cannot be handed to another interpreter."""
        self._logging = (logging_level, date_format, log_format)
        self._dump_worker_config()  # now, and not with the first job
        super().bootstrap(logging_level, date_format, log_format)

    def _dump_worker_config(self) -> bytes:
        config = {
            'class': type(self),
            'connection': parse_connection(self.connection),
            'queues': [(type(queue), queue.name, queue._default_timeout) for queue in self.queues],
            'job_class': self.job_class,
            'queue_class': self.queue_class,
            'serializer': self.serializer,
            'exception_handlers': self._exc_handlers,
            'attributes': {name: getattr(self, name) for name in ATTRIBUTES},
            'logging': self._logging,
        }
        for name, value in config.items():
            try:
                pickle.dumps(value)
            except Exception as error:
                what = f'its {name} cannot be handed to a new interpreter'
                raise TypeError(f'SpawnWorker: {what} ({reason_of(error)}); make it importable') from error
        return pickle.dumps(config)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Starts the interpreter of a job and tells it, over a pipe, what to do."""
        _flush_streams()
        held = self._held[job.id]
        place = next(number for number, mine in enumerate(self.queues) if mine.name == queue.name)
        config = pickle.loads(self._dump_worker_config())
        files = () if self._killing is None else (self._killing.stacks.fileno(),)
        task = _Task(config, held.lease, held.now_us, held.clock_ns, job.id, place, *(files or (-1,)))
        names = {'RQ_WORKER_ID': self.name, 'RQ_JOB_ID': job.id, 'RQ_EXECUTION_ID': held.lease.execution}
        process = subprocess.Popen(
            [sys.executable, *subprocess._args_from_interpreter_flags(), '-c', BOOT],  # type: ignore[attr-defined]
            stdin=subprocess.PIPE,
            env=os.environ | names,
            process_group=0,
            pass_fds=files,
        )
        assert process.stdin is not None
        try:
            with process.stdin as pipe:
                pipe.write(pickle.dumps(sys.path) + pickle.dumps(task))
        except OSError:
            pass  # it has died, which monitor_work_horse is about to see
        process.returncode = 0  # it is waited for by monitor_work_horse: Popen need not
        self._horse_pid = process.pid
        self.procline(f'Spawned {process.pid} at {time.time()}')


ATTRIBUTES = (
    'name', 'incarnation', 'default_result_ttl', 'worker_ttl', 'maintenance_interval', 'job_monitoring_interval',
    'log_job_description', 'disable_default_exception_handler', 'death_penalty_class', 'horse_options', 'birth_date',
    'allow',
)  # fmt: skip


def main() -> None:
    """Runs one job in this interpreter, as standard input tells; does not return."""
    task: _Task = pickle.load(sys.stdin.buffer)
    if task.stacks >= 0:
        answer(task.stacks)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    worker = _worker(task.config)
    setup_loghandlers(*task.config['logging'])
    worker._held[task.job_id] = Held(task.lease, task.now_us, task.clock_ns)
    worker.execution = Execution(task.lease.execution, task.job_id, worker.connection, worker.name)
    job = worker.job_class.fetch(task.job_id, connection=worker.connection, serializer=worker.serializer)
    worker.main_work_horse(job, worker.queues[task.queue])


def _worker(config: dict[str, Any]) -> Any:
    client, kind, arguments = config['connection']
    connection = client(connection_pool=ConnectionPool(connection_class=kind, **arguments))
    classes = {'job_class': config['job_class'], 'serializer': config['serializer']}
    queues = [
        queue(name, connection=connection, default_timeout=timeout, **classes)
        for queue, name, timeout in config['queues']
    ]
    worker = config['class'](
        queues,
        name=config['attributes']['name'],
        connection=connection,
        exception_handlers=config['exception_handlers'],
        queue_class=config['queue_class'],
        **classes,
    )
    for name, value in config['attributes'].items():
        setattr(worker, name, value)
    return worker
