"""A worker that signs on or off is not disturbed by the signals that tell it to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from rq import Queue, SimpleWorker, Worker
from rq.store import keys
from rq.worker import BaseWorker
from rq.worker.shield import Shield

STOPPING = {signal.SIGTERM, signal.SIGINT}


def mask() -> set[int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())  # type: ignore[return-value]


def tell(number: int = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


def in_a_fork(function: Callable[[], int]) -> int:
    """How a process ends that does nothing but this: its exit code, or minus a signal."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = function()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_signals_wait_while_it_is_raised_and_come_when_it_is_lowered() -> None:
    assert in_a_fork(wait_and_come) == 0  # where there is no other thread that might take them


def wait_and_come() -> int:
    came: list[int] = []
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), mask()
    shield = Shield()
    with shield.raised():
        for number in STOPPING:
            tell(number)
        assert came == []
        with shield.lowered(lambda number, frame: came.append(number)):
            assert set(came) == STOPPING
            tell()
            assert len(came) == 3
        tell()
        shield.forget()
    assert len(came) == 3
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), mask()) == before
    return 0


def test_a_signal_that_was_not_forgotten_comes_to_whom_it_would_have_come() -> None:
    def run() -> int:
        with Shield().raised():
            tell()
        return 0

    assert in_a_fork(run) == -signal.SIGTERM


def test_in_other_threads_it_does_nothing() -> None:
    seen: list[Any] = []

    def run() -> None:
        shield = Shield()
        with shield.raised():
            seen.append(mask())
            with shield.lowered(lambda *_: None):
                seen.append(signal.getsignal(signal.SIGTERM))
            shield.forget()

    before = [mask(), signal.getsignal(signal.SIGTERM)]
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == before


@pytest.mark.parametrize('kind', [Worker, SimpleWorker])
@pytest.mark.parametrize('number', sorted(STOPPING), ids=lambda number: number.name)
@pytest.mark.parametrize('place', ['bootstrap', 'register_birth', 'register_death'])
def test_a_worker_that_is_told_to_stop_too_early_or_too_late_signs_off(
    redis: Redis, redis_url: str, queue: Queue, kind: type[BaseWorker], number: int, place: str
) -> None:
    method = getattr(kind, place)

    def told(self: Any, *args: Any) -> None:
        if place == 'register_death':
            tell(number)
        method(self, *args)
        tell(number)

    def run() -> int:
        worker = type('Told', (kind,), {place: told})(['default'], connection=Redis.from_url(redis_url), name='me')
        return int(worker.work(burst=place == 'register_death'))

    code = in_a_fork(run)
    # Told while it signed off after its work, nobody had asked it to stop: it has signed off, and then ends as told.
    assert code == (-number if place == 'register_death' else 0) or (number == signal.SIGINT and code == 99)
    assert redis.hget(keys.worker('me'), 'death') and not redis.smembers(keys.workers())
