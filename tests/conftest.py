"""What every test may ask for: a real server, a clean database, real processes."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq.server import EmbeddedServer
from tests.support.processes import Processes

ProcessesKey = pytest.StashKey[Processes]()


@pytest.fixture(scope='session')
def redis_server() -> Iterator[EmbeddedServer]:
    """The server of this test process (each xdist worker has its own). Not to be stopped or configured by a test."""
    # DEBUG lets a test look at encodings and turn active expiry off for its own keys' sake.
    with EmbeddedServer(config={'enable-debug-command': 'local'}) as server:
        yield server


@pytest.fixture
def redis(redis_server: EmbeddedServer) -> Iterator[Redis]:
    """A client of the shared server, whose databases are empty when the test begins."""
    with Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def redis_url(redis: Redis, redis_server: EmbeddedServer) -> str:
    """The URL of the shared server, emptied as for `redis`."""
    return redis_server.url


@pytest.fixture
def other_server() -> Iterator[Callable[..., EmbeddedServer]]:
    """Start a server of the test's own, to configure, stop or kill: `other_server(config={...}, data_dir=...)`."""
    servers: list[EmbeddedServer] = []

    def start(*arguments: Any, **options: Any) -> EmbeddedServer:
        server = EmbeddedServer(*arguments, **options)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()  # quicker than asking, and one that a test has paused would not listen
        server.stop()


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A worker, a scheduler or a log config sets up logging for the whole process; the next test reads log lines."""
    names = [name for name in logging.root.manager.loggerDict if name.partition('.')[0] == 'rq']
    loggers = [logging.getLogger(name) for name in {'rq', 'rq.worker', 'rq.cron', 'rq.queue', *names}]
    before = [(one, one.level, one.handlers[:], one.filters[:], one.propagate, one.disabled) for one in loggers]
    yield
    for one, level, handlers, filters, propagate, disabled in before:
        one.setLevel(level)
        one.handlers, one.filters, one.propagate, one.disabled = handlers, filters, propagate, disabled


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A temporary folder with a path short enough for the address of a Unix socket, which pytest's are not."""
    folder = tempfile.mkdtemp(prefix='rq-', dir='/tmp' if os.path.isdir('/tmp') else None)
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def processes(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Processes]:
    """Start real processes: `processes.rq('worker', url=redis_url)`, `.python(...)`, `.start(...)`, `.wait_for(...)`.

    At the end they are killed, and the test fails if anything that they started is still alive.
    """
    started = Processes(tmp_path)
    request.node.stash[ProcessesKey] = started
    yield started
    started.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test that fails shows what its processes have printed."""
    report = yield
    started = item.stash.get(ProcessesKey, None)
    if report.failed and started is not None and started.started:
        report.sections.append(('Processes of the test', started.report()))
    return report
