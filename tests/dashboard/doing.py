"""Jobs to do something to, and short ways to do it: ask, say yes, and read what the next page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from rq import Queue, SimpleWorker
from rq.dashboard.actions import running
from rq.store import audit, keys
from tests.support.invariants import violations

__all__ = ['do', 'do_to_all', 'fail', 'form', 'invariants', 'newest', 'put', 'said', 'statuses']


def put(redis: Redis, number: int, queue: str = 'q', **options: Any) -> list[str]:
    """Ids of jobs that wait."""
    return [Queue(queue, connection=redis).enqueue('nothing.here', n, **options).id for n in range(number)]


def fail(redis: Redis, number: int, queue: str = 'q', **options: Any) -> list[str]:
    """Ids of jobs that have failed."""
    ids = put(redis, number, queue, **options)
    SimpleWorker([queue], connection=redis).work(burst=True, logging_level='CRITICAL')
    return ids


def do(client: FlaskClient, name: str, **fields: Any) -> str:
    """What the next page says after an action."""
    answer = client.post(f'/do/{name}', data=fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return said(client, answer)


def said(client: FlaskClient, answer: TestResponse) -> str:
    page = client.get(answer.headers['Location'], follow_redirects=True).get_data(as_text=True)
    found = re.search(r'<p class="flash \w+">(.*?)</p>', page)
    return found[1] if found else ''


def form(answer: TestResponse) -> dict[str, Any]:
    """The fields of the form on a page that asks."""
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page):
        found.setdefault(name, []).append(value)
    if 'name="keep"' in page:
        found['keep'] = 'no' if re.search(r'value="no" checked', page) else 'yes'
    return found


def do_to_all(client: FlaskClient, name: str, **fields: Any) -> str:
    """Asks, says yes, and what came of it."""
    return do(client, name, **form(client.post(f'/do/{name}', data=fields)))


def statuses(redis: Redis, ids: list[str]) -> list[str]:
    return [(redis.hget(keys.job(job_id), 'status') or b'-').decode() for job_id in ids]


def newest(redis: Redis) -> dict[str, str]:
    return dict(audit.newest(redis, 1)[0].fields)


@pytest.fixture(autouse=True)
def invariants(redis: Redis) -> Iterator[None]:
    """After each test I1, I3 and I15 hold, and no action is at work."""
    yield
    assert running._at_work == {}
    assert violations(redis) == []
