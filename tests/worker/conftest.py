"""Real workers for tests: `worker('--burst')` starts one, `burst()` runs one to its end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from redis import Redis

from rq import Queue, SimpleWorker, Worker
from rq.worker import BaseWorker
from tests.faults.conftest import ledger
from tests.faults.ledger import Ledger
from tests.support.invariants import violations
from tests.support.processes import Process, Processes
from tests.support.terminal import on_terminal
from tests.worker.jobs import JOURNAL
from tests.worker.kinds import Classic, ClassicSimple
from tests.worker.stable import Stable

__all__ = ['ledger']

StableMaker = Callable[..., Stable]


class WorkerMaker(Protocol):
    """The fixtures `worker` and `burst`."""

    def __call__(
        self,
        *arguments: str,
        settings: Mapping[str, Any] | None = None,
        shell: str = '',
        terminal: bool = False,
        **options: Any,
    ) -> Process: ...


@pytest.fixture
def disorder() -> None:
    """For tests that break Redis on purpose and leave it so: I1, I3 and I15 are not asked of them."""


@pytest.fixture
def worker(request: pytest.FixtureRequest, redis: Redis, redis_url: str, processes: Processes) -> Iterator[WorkerMaker]:
    """Start `rq worker <arguments>`; at the end it is told to stop, and afterwards I1, I3 and I15 hold.

    `settings` are numbers of rq/worker/settings.py, `shell` is what a shell should do with its output ('2>&1'),
    with `terminal` it runs on one.
    """

    def start(
        *arguments: str,
        settings: Mapping[str, Any] | None = None,
        shell: str = '',
        terminal: bool = False,
        **options: Any,
    ) -> Process:
        env = {
            'RQ_REDIS_URL': redis_url,
            JOURNAL: str(processes.folder / 'journal'),
            **(options.pop('env', None) or {}),
        }
        options.setdefault('name', 'worker')
        python = (sys.executable, '-P', '-m', 'tests.worker.launch', json.dumps(settings or {}), 'worker')
        command = [*python, *arguments]
        if terminal:
            command = on_terminal(*command)
        elif shell:
            command = ['/bin/sh', '-c', f'"$0" "$@" {shell}', *command]
        process = processes.start(*command, env=env, **options)
        started.append(process)
        return process

    started: list[Process] = []
    yield start
    for process in started:
        if process.running:
            process.terminate()
            process.wait(10)
    if 'disorder' not in request.fixturenames:
        assert violations(redis) == []


@pytest.fixture
def lasting(worker: WorkerMaker, redis: Redis) -> Iterator[WorkerMaker]:
    """As `worker`, for jobs that nobody waits for: at the end all is killed, and Redis emptied."""
    started: list[Process] = []

    def start(*arguments: str, **options: Any) -> Process:
        started.append(worker(*arguments, **options))
        return started[-1]

    yield start
    for process in started:
        for child in process.children():
            child.kill()
        process.kill()
    if started:
        redis.flushall()


@pytest.fixture
def burst(worker: WorkerMaker) -> WorkerMaker:
    """Run a worker until its queues are empty; it must end by itself and with exit code 0."""

    def run(*arguments: str, **options: Any) -> Process:
        process = worker('--burst', *arguments, **options)
        assert process.wait(30) == 0, process.report()
        return process

    return run


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """The queue `default`."""
    return Queue(connection=redis)


@pytest.fixture
def journal(processes: Processes) -> Journal:
    """What the jobs of this test have noted."""
    return Journal(processes.folder / 'journal')


@pytest.fixture
def stable(redis: Redis, ledger: Ledger) -> Iterator[StableMaker]:
    """Make workers that move only when the test says so; at the end they are closed, and I1, I3 and I15 hold."""
    made: list[Stable] = []

    def make(**options: Any) -> Stable:
        one = Stable(redis, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()
    assert violations(redis) == []


@pytest.fixture(params=[Worker, SimpleWorker, Classic, ClassicSimple])
def kind(request: pytest.FixtureRequest) -> type[BaseWorker]:
    """Both kinds of workers, and both in the classic way."""
    return request.param  # type: ignore[no-any-return]


class Journal:
    """The lines that jobs have written with `jobs.note`, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []
