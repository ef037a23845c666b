"""The page Redis: what is wrong with the server, what takes its memory, and no argument of a slow command."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from redis import Redis

from rq import Queue
from rq.dashboard import create_app
from rq.monitor.keyspace import keyspace
from rq.server import EmbeddedServer
from rq.store import view_keys


def test_a_small_database_is_counted(redis: Redis) -> None:
    mail, other = Queue('mail', connection=redis), Queue('other', connection=redis)
    for number in range(30):
        (mail if number % 3 else other).enqueue('math.sqrt', number)
    redis.set('not-ours', 'x')
    found = keyspace(redis)
    assert found.whole and found.looked == found.total == redis.dbsize() and found.others == 1
    kinds = {kind.name: kind.count for kind in found.kinds}
    assert kinds['jobs'] == 30 and kinds['queues'] >= 3 and sum(kinds.values()) == found.total - 1
    assert [(one.name, one.count, one.error) for one in found.queues] == [('mail', 20, 0), ('other', 10, 0)]
    assert found.size == sum(redis.memory_usage(key) for key in redis.keys('rq:*'))


def test_of_a_large_one_some_are_drawn_and_the_truth_is_where_it_is_said_to_be(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_keys, 'WHOLE', 1_000)
    for name, count in (('mail', 4_000), ('other', 1_000)):
        Queue(name, connection=redis).enqueue_many([Queue.prepare_data('math.sqrt', (4,)) for _ in range(count)])
    redis.mset({f'not-ours-{number}': 'x' for number in range(5_000)})
    found = keyspace(redis)
    assert not found.whole and found.looked == view_keys.DRAWS
    [jobs] = [kind for kind in found.kinds if kind.name == 'jobs']
    # Four times the error of 95 in a hundred: it happens once in ten thousand million runs.
    assert 0 < jobs.error < 600 and abs(jobs.count - 5_000) < 4 * jobs.error
    by_queue = {one.name: one for one in found.queues}
    assert abs(by_queue['mail'].count - 4_000) < 4 * by_queue['mail'].error
    assert abs(found.others - 5_000) < 4 * jobs.error + 100


def test_the_page_says_what_is_wrong_and_which_commands_were_slow(
    page: Page, serve: Callable[..., str], other_server: Callable[..., EmbeddedServer]
) -> None:
    server = other_server(
        config={'maxmemory': '200mb', 'maxmemory-policy': 'allkeys-lru', 'slowlog-log-slower-than': '0'}
    )
    with Redis.from_url(server.url) as connection:
        Queue('mail', connection=connection).enqueue('math.sqrt', 'a-secret-argument')
        connection.hset('rq:job:x', 'password', 'a-secret-argument')
        app = create_app(server.url, auth='none')
        page.goto(serve(app) + '/redis')
    text = page.inner_text('main')
    assert 'when it is full it forgets jobs (allkeys-lru)' in text and 'nothing is kept over its restart' in text
    assert 'script enqueue' in text and 'rq:job:x' in text and 'mail' in text
    assert 'a-secret-argument' not in text + app.test_client().get('/api/v1/redis').text
