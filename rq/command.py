"""Commands to workers: `send_shutdown_command`, `send_kill_horse_command`, `send_stop_job_command` and what they do.

Fire and forget, over a channel of each worker: RQ's workers understand ours, and ours understand RQ's.
"""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

from rq.defaults import RQ_KEY_PREFIX
from rq.exceptions import InvalidJobOperation
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.store import job as job_store
from rq.store import listen
from rq.store import stack as stack_store
from rq.store import worker as worker_store
from rq.store.fields import text
from rq.store.script import nonce

if TYPE_CHECKING:
    from redis import Redis

    from rq.worker import BaseWorker

__all__ = [
    'PUBSUB_CHANNEL_TEMPLATE',
    'RQ_KEY_PREFIX',
    'handle_command',
    'handle_dump_stack_command',
    'handle_kill_worker_command',
    'handle_shutdown_command',
    'handle_stop_execution_command',
    'handle_stop_job_command',
    'parse_payload',
    'send_command',
    'send_dump_stack_command',
    'send_kill_horse_command',
    'send_shutdown_command',
    'send_stop_execution_command',
    'send_stop_job_command',
]

PUBSUB_CHANNEL_TEMPLATE = listen.channel('%s')

# Of a message in a log line.
SHOWN = 100
# What a second copy of does harm.
ONCE = {'shutdown', 'kill-horse'}


# --- to send


def send_command(connection: Redis, worker_name: str, command: str, **kwargs: Any) -> None:
    """Tells a worker something; whether anybody heard it is not known. `kwargs` must be what JSON can say."""
    listen.publish(connection, worker_name, json.dumps({'command': command, **kwargs}))


def send_shutdown_command(connection: Redis, worker_name: str) -> None:
    """Asks a worker to end as after Ctrl-C: the running job is finished; a second time, it is not."""
    send_command(connection, worker_name, 'shutdown', call=nonce())


def send_kill_horse_command(connection: Redis, worker_name: str) -> None:
    """Has the process killed that runs a worker's jobs: the running one counts as lost, and is retried if it may be."""
    send_command(connection, worker_name, 'kill-horse', call=nonce())


def send_stop_job_command(connection: Redis, job_id: str, serializer: Any = None) -> None:
    """Has a running job ended: it becomes `stopped` and is not retried. Raises NoSuchJobError, InvalidJobOperation."""
    job = Job.fetch(job_id, connection=connection, serializer=serializer)
    runs = job.get_status(refresh=False) in (JobStatus.STARTED, JobStatus.CANCELED)  # a canceled one may still run
    if not job.worker_name or not runs:
        raise InvalidJobOperation('Job is not currently executing')
    send_command(connection, job.worker_name, 'stop-job', job_id=job_id)


def send_stop_execution_command(connection: Redis, job_id: str, execution_id: str) -> None:
    """Has one run of a job ended, and no other run of it. Raises InvalidJobOperation when there is no such run."""
    try:
        worker_name = Execution.fetch(id=execution_id, job_id=job_id, connection=connection).worker_name
    except ValueError:  # runs are shown after 100 ms; the job itself knows of it from the first moment
        worker_name = _begun_just_now(connection, job_id, execution_id)
    if not worker_name:
        raise InvalidJobOperation('Execution is not running')
    send_command(connection, worker_name, 'stop-execution', job_id=job_id, execution_id=execution_id)


def send_dump_stack_command(connection: Redis, job_id: str) -> None:
    """Asks the worker of a running job where it stands; `rq.store.stack` has the answer. Raises InvalidJobOperation.

    Workers of other RQs do not know the command, and are not sent it.
    """
    found = job_store.some_fields(connection, job_id, 'status', 'worker_name')
    worker = text(found[b'worker_name'] or b'')
    if not worker or found[b'status'] not in (b'started', b'canceled'):
        raise InvalidJobOperation('Job is not currently executing')
    if not worker_store.is_ours(connection, worker):
        raise InvalidJobOperation('Job is executed by a worker of another RQ, which cannot tell where it stands')
    stack_store.forget(connection, job_id)
    send_command(connection, worker, 'dump-stack', job_id=job_id)


def _begun_just_now(connection: Redis, job_id: str, execution_id: str) -> str:
    found = job_store.fetch(connection, job_id)
    same = found.get(b'execution') == execution_id.encode() and found.get(b'status') == b'started'
    return text(found.get(b'worker_name', b'')) if same else ''


# --- to obey


def parse_payload(payload: dict[Any, Any]) -> dict[Any, Any]:
    """The command in a message of redis-py's pub/sub. Raises ValueError (as JSONDecodeError) for what is not JSON."""
    said: dict[Any, Any] = json.loads(payload['data'])
    return said


def handle_command(worker: BaseWorker, payload: dict[Any, Any]) -> None:
    """Does what a command says; unknown ones are ignored, and copies of one that redis-py has sent twice.

    Raises ValueError for what is no command at all.
    """
    said: Any = payload
    command = said.get('command') if isinstance(said, dict) else None
    if not isinstance(command, str):
        raise ValueError(f'not a command: {str(payload)[:SHOWN]}')
    if command in ONCE and worker.has_heard(said.get('call')):
        return
    if command == 'shutdown':
        handle_shutdown_command(worker)
    elif command == 'kill-horse':
        handle_kill_worker_command(worker, payload)
    elif command == 'stop-job':
        handle_stop_job_command(worker, payload)
    elif command == 'stop-execution':
        handle_stop_execution_command(worker, payload)
    elif command == 'dump-stack':
        handle_dump_stack_command(worker, payload)


def handle_shutdown_command(worker: BaseWorker) -> None:
    """The worker ends as after SIGINT."""
    worker.log.info('Received shutdown command')
    if worker._chief is None:
        os.kill(os.getpid(), signal.SIGINT)
    else:
        worker._chief.shut_down()


def handle_kill_worker_command(worker: BaseWorker, payload: dict[Any, Any]) -> None:
    """The worker's horse is killed, if there is one."""
    worker.log.info('Received kill horse command')
    if worker._chief is None or not worker._chief.kill_horse():
        worker.log.info('Worker is not working, kill horse command ignored')


def handle_stop_job_command(worker: BaseWorker, payload: dict[Any, Any]) -> None:
    """The job named is ended, if this worker has it. Raises ValueError where none is named."""
    job_id = _named(payload, 'job_id')
    worker.log.debug('Received command to stop job %s', job_id)
    if worker._chief is None:
        worker.log.warning('Not working on job %s, command ignored', job_id)
    else:
        worker._chief.stop_run(job_id, '')


def handle_stop_execution_command(worker: BaseWorker, payload: dict[Any, Any]) -> None:
    """The run named is ended, if this worker has it. Raises ValueError where none is named."""
    job_id, execution_id = _named(payload, 'job_id'), _named(payload, 'execution_id')
    worker.log.debug('Received command to stop execution %s of job %s', execution_id, job_id)
    worker.request_stop_execution(execution_id)


def handle_dump_stack_command(worker: BaseWorker, payload: dict[Any, Any]) -> None:
    """Where the job named stands is written for whoever asked. Raises ValueError where none is named."""
    job_id = _named(payload, 'job_id')
    if worker._chief is not None:
        worker._chief.tell_stack(job_id)


def _named(payload: dict[Any, Any], field: str) -> str:
    value = payload.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f'{field} is not a text: {str(payload)[:SHOWN]}')
    return value
