"""A dashboard that is served, and a Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright
from redis import Redis
from waitress import wasyncore
from waitress.server import create_server

from rq.dashboard import create_app
from tests.worker.conftest import burst, disorder, lasting, queue, worker

__all__ = ['burst', 'disorder', 'lasting', 'queue', 'worker']

# Seconds between renewals in tests; people have 2.
LIVE_SECONDS = 0.3


@pytest.fixture
def app(redis: Redis) -> Flask:
    """The dashboard of the test's Redis, for whoever reaches it, who may do everything."""
    return create_app(redis, auth='none', live_seconds=LIVE_SECONDS)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Asks the dashboard without a server or a browser; it says where its POSTs come from, as a browser does."""
    client = app.test_client()
    client.environ_base |= {'HTTP_ORIGIN': 'http://localhost', 'HTTP_SEC_FETCH_SITE': 'same-origin'}
    return client


class Served:
    """A dashboard on a port of its own, until `close`."""

    def __init__(self, app: Flask) -> None:
        self.server = create_server(app, host='127.0.0.1', port=0, threads=4)
        self.url = f'http://127.0.0.1:{self.server.effective_port}'
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Ends connections and threads; the loop closes its own sockets, and ends when it has none."""
        self.server.task_dispatcher.shutdown(timeout=2)
        self.server.trigger.pull_trigger(lambda: wasyncore.close_all(self.server._map))
        self.thread.join(timeout=5)
        assert not self.thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves an application by waitress: `url = serve(create_app(redis, read_only=True))`."""
    served: list[Served] = []

    def start(app: Flask) -> str:
        served.append(Served(app))
        return served[-1].url

    yield start
    for one in served:
        one.close()


@pytest.fixture
def dashboard(app: Flask, serve: Callable[..., str]) -> str:
    """The address at which the dashboard of the test's Redis is served."""
    return serve(app)


def chromium() -> str | None:
    """Chromium of the machine, None when it has none."""
    found = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    return os.environ.get('RQ_TEST_CHROMIUM') or found


@pytest.fixture(scope='package')  # and no longer: while it is open, asyncio.run refuses to run in this process
def browser() -> Iterator[Browser]:
    """A headless Chromium. Without one the test is skipped, or with RQ_TEST_BROWSER=required an error."""
    path = chromium()
    if path is None:
        if os.environ.get('RQ_TEST_BROWSER') == 'required':
            raise RuntimeError('RQ_TEST_BROWSER=required, and no chromium is on PATH')
        pytest.skip('no chromium is on PATH: apt-get install chromium')
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=['--no-sandbox', '--disable-dev-shm-usage'])
        yield started
        started.close()


@dataclass
class Complaints:
    """What a browser complained of, and whom else it asked."""

    texts: list[str] = field(default_factory=list)
    confirm: bool = False  # a test that says yes to `confirm()` sets it

    def watch(self, page: Page) -> None:
        page.on('console', lambda message: message.type in ('error', 'warning') and self.texts.append(message.text))
        page.on('pageerror', lambda error: self.texts.append(f'script error: {error}'))
        page.on('dialog', self.answer)
        page.on('request', self.asked)

    def answer(self, dialog: Dialog) -> None:
        if self.confirm and dialog.type == 'confirm':
            dialog.accept()
        else:
            self.texts.append(f'dialog: {dialog.message}')
            dialog.dismiss()

    def asked(self, request: Any) -> None:
        where = urlsplit(request.url)
        if where.scheme not in ('data', 'blob', 'about') and where.hostname not in ('127.0.0.1', 'localhost'):
            self.texts.append(f'asked somebody else: {request.url}')


@pytest.fixture
def complaints() -> Complaints:
    """What the browser complained of; a test may take out what it expects: `complaints.texts.clear()`."""
    return Complaints()


@pytest.fixture
def context(browser: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    """A browser without a past; each of its pages is watched."""
    opened = browser.new_context(viewport={'width': 1280, 'height': 800})
    opened.set_default_timeout(20_000)  # milliseconds; other tests have the machine as well
    expect.set_options(timeout=20_000)
    opened.on('page', complaints.watch)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Iterator[Page]:
    """A tab. The test fails on an error in the console or a script, a dialog nobody expected, a request to elsewhere."""
    opened = context.new_page()
    yield opened
    assert complaints.texts == []
