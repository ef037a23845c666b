"""What the tests of clients share: their environment, our worker in it, and a browser of a kind."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from redis import Redis

from rq import Queue
from tests.clients.environment import Unavailable, prepare
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for


@pytest.fixture(scope='session')
def clients() -> Path:
    """The `bin` of the environment with the clients; a test that asks for it fails with one line if there is none."""
    try:
        return prepare().parent
    except Unavailable as error:
        pytest.fail(str(error), pytrace=False)


class Client:
    """Commands of the clients' environment, for one test."""

    def __init__(self, folder: Path, processes: Processes, url: str) -> None:
        self.folder = folder
        self.processes = processes
        self.url = url

    def start(self, command: str, *arguments: str, **options: Any) -> Process:
        """A command of the environment's `bin`, running."""
        env = {'RQ_REDIS_URL': self.url, **options.pop('env', {})}
        return self.processes.start(self.folder / command, *arguments, env=env, **options)

    def run(self, command: str, *arguments: str, wait: float = 60, **options: Any) -> str:
        """What the command printed to standard output; it must end with exit code 0."""
        process = self.start(command, *arguments, **options)
        assert process.wait(wait) == 0, process.report()
        return process.stdout

    def burst(self, *arguments: str, **options: Any) -> str:
        """All that `rq worker --burst` printed."""
        process = self.start('rq', 'worker', '--burst', *arguments, **options)
        assert process.wait(60) == 0, process.report()
        return process.output

    def worker(self, *arguments: str, **options: Any) -> Process:
        """An `rq worker` that listens."""
        process = self.start('rq', 'worker', *arguments, **options)
        process.wait_for_output('Listening on', 30)
        return process

    def until(self, predicate: Callable[[], Any], message: str = '') -> None:
        """Waits for it; frameworks are slow to start where much else runs."""
        self.processes.wait_for(predicate, 30, message)


@pytest.fixture
def client(clients: Path, processes: Processes, redis_url: str) -> Iterator[Client]:
    """At its end a job that sleeps is not waited for."""
    yield Client(clients, processes, redis_url)
    for process in processes.started:
        children = process.children()
        if process.running:
            process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


class Page(NamedTuple):
    """An answer of a web server."""

    status: int
    text: str
    url: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)


class Site:
    """A web server of a test: `get` and `post` answer pages, errors too. Cookies are kept."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.headers: dict[str, str] = {}
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def cookie(self, name: str) -> str:
        [found] = [cookie.value for cookie in self._cookies if cookie.name == name]
        return found or ''

    def get(self, path: str) -> Page:
        return self._ask(urllib.request.Request(self.base + path, headers=self.headers))

    def post(self, path: str, /, **fields: str | list[str]) -> Page:
        body = urllib.parse.urlencode(fields, doseq=True).encode()
        return self._ask(urllib.request.Request(self.base + path, body, headers=self.headers))

    def _ask(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=20) as answer:
                return Page(answer.status, answer.read().decode(errors='replace'), answer.url)
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.code, error.read().decode(errors='replace'), request.full_url)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(client: Client) -> Callable[..., Site]:
    """Start a web server of the clients' environment and wait until it answers: `serve(command, ..., '{port}')`."""

    def start(command: str, *arguments: str, **options: Any) -> Site:
        port = free_port()
        process = client.start(command, *(part.replace('{port}', str(port)) for part in arguments), **options)

        def answers() -> bool:
            assert process.running, process.report()
            with socket.socket() as probe:
                return probe.connect_ex(('127.0.0.1', port)) == 0

        wait_for(answers, 60, process.report, interval=0.05)
        return Site(f'http://127.0.0.1:{port}')

    return start


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """The queue `default`."""
    return Queue(connection=redis)
