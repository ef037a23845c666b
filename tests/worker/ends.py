"""Functions, callbacks and handlers that the tests of a job's end enqueue and name."""

from __future__ import annotations

import time
from typing import Any

from rq import Retry, get_current_job
from tests.worker import jobs
from tests.worker.jobs import note

__all__ = [
    'ask_again', 'cry', 'fail', 'give', 'give_back', 'handle', 'on_failure', 'on_stopped', 'on_success', 'raise_oserror', 'stumble',
    'loop_in_c', 'take_long', 'wait_and_note',
]  # fmt: skip


def give(value: Any = 1) -> Any:
    return value


def fail(text: str = 'no') -> None:
    raise ValueError(text)


def raise_oserror() -> None:
    raise FileNotFoundError('gone')


def ask_again(most: int = 2, interval: int = 0, front: bool = False) -> Retry:
    note(f'ran {get_current_job().number_of_retries or 0}')  # type: ignore[union-attr]
    return Retry(most, interval=interval, enqueue_at_front=front)


def on_success(job: Any, connection: Any, result: Any) -> None:
    note(f'success {job.id} {job._status.value} {job.get_status().value} {result} {connection.ping()}')


def on_failure(job: Any, connection: Any, kind: Any, value: Any, traceback: Any) -> None:
    note(f'failure {job.id} {job._status.value} {kind.__name__} {value} {connection.ping()} {traceback is not None}')


def on_stopped(job: Any, connection: Any) -> None:
    note(f'stopped {job.id} {connection.ping()}')


def stumble(*_: Any) -> None:
    raise RuntimeError('callback')


def take_long(*_: Any) -> None:
    time.sleep(30)


def cry(*_: Any) -> None:
    raise SystemExit(5)


def loop_in_c(*_: Any) -> None:
    jobs.c_loop()


def wait_and_note(*_: Any) -> None:
    time.sleep(1.5)
    note('waited')


def give_back(*_: Any) -> None:
    """A callback that asks nothing of Redis."""


def handle(job: Any, kind: Any, value: Any, traceback: Any) -> None:
    note(f'handler {job.id} {kind.__name__}')
