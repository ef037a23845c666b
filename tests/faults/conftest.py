"""Workers that meet trouble: a ledger outside Redis, workers in a hurry, and what must hold in Redis afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from redis import Redis

from rq.server import EmbeddedServer
from tests.faults.herd import Herd
from tests.faults.jobs import LEDGER
from tests.faults.ledger import Ledger
from tests.support.invariants import violations
from tests.support.processes import Process, Processes

# `make faults`: every case. Else those that take long are a part of all.
ALL = os.environ.get('RQ_TEST_FAULTS') == 'all'


class WorkerMaker(Protocol):
    """The fixture `worker`."""

    def __call__(
        self, *queues: str, url: str | None = None, settings: dict[str, Any] | None = None, **told: Any
    ) -> Process: ...


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Where the jobs of this test write down that they began."""
    path = tmp_path / 'ledger'
    monkeypatch.setenv(LEDGER, str(path))
    return Ledger(path)


@pytest.fixture
def worker(redis_url: str, processes: Processes, ledger: Ledger) -> WorkerMaker:
    """Start a worker: `worker('high', 'low', settings={'ANNOUNCE_AFTER': 0.01}, work={'burst': True})`."""

    def start(*queues: str, url: str | None = None, settings: dict[str, Any] | None = None, **told: Any) -> Process:
        told['settings'] = settings or {}
        arguments = ['-m', 'tests.faults.launch', json.dumps(told), *(queues or ('default',))]
        return processes.python(*arguments, name='worker', env={'RQ_REDIS_URL': url or redis_url})

    return start


@pytest.fixture
def herd(redis_url: str, processes: Processes, ledger: Ledger) -> Iterator[Herd]:
    """Start workers by fork, in milliseconds: `herd.start('default', work={'burst': True})`."""
    herd = Herd(processes, redis_url)
    yield herd
    herd.end()


@pytest.fixture(scope='module')
def armed_herd(redis_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Herd]:
    """Workers whose fault points are armed."""
    folder = tmp_path_factory.mktemp('armed')
    processes = Processes(folder)
    herd = Herd(processes, redis_server.url, env={'RQ_FAULTPOINTS': f'{folder}:'})
    yield herd
    herd.end()
    processes.end()


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Take down what was seen for a row of the fault matrix: `measured('5', 'stale outcomes accepted: 0')`."""

    def take_down(row: str, what: str) -> None:
        print(f'row {row}: {what}')
        record_property(f'row {row}', what)  # for the table in docs/guarantees.md (tests/faults/matrix.py)

    return take_down


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that touched the shared server, I1, I3 and I15 hold there."""
    if 'redis' not in request.fixturenames:
        yield
        return
    redis: Redis = request.getfixturevalue('redis')
    yield
    assert violations(redis) == []
