"""Redis is full: what frees memory is done by the dashboard all the same, bit by bit where it cannot be done at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from rq.dashboard import create_app
from rq.dashboard.actions import running
from rq.server import EmbeddedServer
from rq.store import keys
from tests.dashboard.doing import do, fail, form, said
from tests.support.invariants import violations


@pytest.fixture
def full(other_server: Callable[..., EmbeddedServer]) -> Iterator[Redis]:
    """A server that is full, with 230 failed jobs."""
    server = other_server(config={'maxmemory-policy': 'noeviction'})
    with Redis.from_url(server.url) as redis:
        fail(redis, 230)
        redis.config_set('maxmemory', redis.info('memory')['used_memory'] // 2)
        yield redis
        redis.config_set('maxmemory', '0')
        assert violations(redis) == []


@pytest.mark.parametrize('keep', ['no', 'yes'])
def test_a_full_server_is_emptied(full: Redis, monkeypatch: pytest.MonkeyPatch, keep: str) -> None:
    client = create_app(full, auth='none').test_client()
    client.environ_base['HTTP_ORIGIN'] = 'http://localhost'
    answer = client.post('/do/delete', data={'queue': 'q', 'state': 'failed'})
    assert 'Redis has hardly any memory left' in answer.get_data(as_text=True)
    fields = form(answer)
    assert fields['keep'] == 'no'  # what is kept frees nothing
    fields['keep'] = keep
    monkeypatch.setattr(running, 'PART', 0)
    assert do(client, 'delete', **fields).startswith('100 jobs deleted. Redis takes no notes now')
    assert full.zcard(keys.failed('q')) == 130
    monkeypatch.setattr(running, 'PART', 5)
    do(client, 'delete', **fields)
    assert full.zcard(keys.failed('q')) == 0


def test_chosen_jobs_are_deleted_though_nothing_can_be_noted(full: Redis) -> None:
    client = create_app(full, auth='none').test_client()
    client.environ_base['HTTP_ORIGIN'] = 'http://localhost'
    ids = [job_id.decode() for job_id in full.zrange(keys.failed('q'), 0, 4)]
    assert said(client, client.post('/do/delete', data={'job': ids, 'state': 'failed'})) == '5 jobs deleted.'
    assert full.zcard(keys.failed('q')) == 225
