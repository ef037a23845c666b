"""The users of Redis that docs/security.md has for a dashboard: one that reads, one that also acts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from rq import Queue
from rq.dashboard import create_app
from rq.server import EmbeddedServer
from rq.worker import SimpleWorker
from tests.dashboard.attack import SAME, ask, routes
from tests.support.processes import ROOT

PAGE = (ROOT / 'docs/security.md').read_text()
RULES = dict(re.findall(r'^ACL SETUSER rq-(\w+) on >PASSWORD (.*)$', PAGE, re.MULTILINE))
QUIET = {
    'job': 'x',
    'queue': 'mail',
    'sure': 'yes',
    'seen': '1',
    'total': '1',
    'to': 'other',
    'name': 'x',
    'key': 'x',
    'worker': 'x',
}


@pytest.fixture
def url(redis: Redis, redis_url: str) -> Iterator[Callable[[str], str]]:
    """The server's URL as one of these users."""
    made = set()

    def named(role: str) -> str:
        made.add(f'rq-{role}')
        redis.execute_command('ACL', 'SETUSER', f'rq-{role}', 'reset', 'on', '>secret', *RULES[role].split())
        return redis_url.replace('://', f'://rq-{role}:secret@')

    yield named
    for name in made:
        redis.execute_command('ACL', 'DELUSER', name)


@pytest.fixture
def shop(redis: Redis) -> Redis:
    """A job that waits, one that failed, one that is scheduled."""
    mail = Queue('mail', connection=redis)
    mail.enqueue('math.sqrt', -1)
    SimpleWorker([mail], connection=redis).work(burst=True, logging_level='CRITICAL')
    mail.enqueue('math.sqrt', 4)
    return redis


def test_the_reading_user_sees_every_page(shop: Redis, url: Callable[[str], str]) -> None:
    app = create_app(url('dashboard'), auth='none')
    for route in routes(app):
        if route.method == 'GET':
            answer = ask(app.test_client(), route)
            assert answer.status_code in (200, 404), (route, answer.text[-1500:])


def test_the_reading_user_does_nothing_and_is_told_why(shop: Redis, url: Callable[[str], str]) -> None:
    app = create_app(url('dashboard'), auth='none')
    before = shop.dbsize()
    refused = 0
    for route in routes(app):
        if route.method == 'POST' and '/do/' in route.path:
            answer = ask(app.test_client(), route, headers=SAME, data=QUIET)
            assert answer.status_code < 500, (route, answer.status, answer.text[-1500:])
            refused += answer.status_code == 403 and 'may not do this' in answer.text
    assert refused >= 5 and shop.dbsize() == before and Queue('mail', connection=shop).count == 1


def test_the_acting_user_may_do_every_action(shop: Redis, url: Callable[[str], str]) -> None:
    app = create_app(url('operator'), auth='none')
    for route in routes(app):
        if route.method == 'POST' and '/do/' in route.path:
            answer = ask(app.test_client(), route, headers=SAME, data=QUIET)
            assert answer.status_code < 500 and 'Redis refuses' not in answer.text, (route, answer.status)


def test_a_server_that_is_full_is_said_to_be(other_server: Callable[..., EmbeddedServer]) -> None:
    server = other_server(config={'maxmemory': '1mb', 'maxmemory-policy': 'noeviction'})
    client = create_app(server.url, auth='none').test_client()
    answer = client.post('/do/suspend', headers=SAME, data={'all': 'yes', 'sure': 'yes'})
    assert answer.status_code == 507 and 'Redis is full' in answer.text
    assert client.get('/').status_code == 200
