"""Pages Queues and Queue: what they say is so, they only read, and no name or number of queues breaks them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from redis import Redis

from rq import Queue, SimpleWorker
from rq.dashboard import create_app
from rq.dashboard.access import User
from rq.monitor import queue as one
from rq.monitor import queues
from rq.rate_limit import RateLimit
from rq.store import admin, keys
from rq.utils import utcformat
from tests.dashboard.doing import fail, put
from tests.support.reads import reading


def test_a_queue_tells_what_is_where(redis: Redis) -> None:
    fail(redis, 3)
    queue = Queue('q', connection=redis)
    first = queue.enqueue('shop.mail', 'Ann', token='secret')
    queue.enqueue('shop.mail', depends_on=first)
    queue.enqueue_in(timedelta(hours=1), 'shop.pay')
    found = queues.one(redis, 'q')
    assert (found.waiting, found.running, found.failed, found.scheduled, found.deferred, found.delayed) == (
        1,
        0,
        3,
        1,
        1,
        2,
    )
    assert (found.workers, found.paused, found.is_unserved) == (0, False, True)
    admin.suspend(redis, queue='q')
    assert queues.one(redis, 'q').paused


def test_the_age_of_the_job_that_is_next(redis: Redis) -> None:
    ids = put(redis, 2)
    at = datetime.now(UTC) - timedelta(seconds=100)
    redis.hset(keys.job(ids[0]), 'enqueued_at', utcformat(at))
    assert 99 < (queues.one(redis, 'q').latency or 0) < 110
    redis.hset(keys.job(ids[0]), 'enqueued_at', 'nonsense')
    assert queues.one(redis, 'q').latency is None
    assert queues.one(redis, 'none').latency is None


def test_a_worker_that_listens_is_counted(redis: Redis) -> None:
    put(redis, 1)
    worker = SimpleWorker(['q'], connection=redis)
    worker.register_birth()
    assert queues.one(redis, 'q').workers == 1
    worker.register_death()


def test_queues_are_sorted_filtered_and_paged(redis: Redis) -> None:
    for number in range(30):
        put(redis, number % 4 + 1, f'q{number:02}')
    page = queues.listing(redis, 25, 25)
    assert ([queue.name for queue in page.queues], page.total) == ([f'q{number}' for number in range(25, 30)], 30)
    page = queues.listing(redis, 0, 3, 'waiting')
    assert [(queue.name, queue.waiting) for queue in page.queues] == [('q03', 4), ('q07', 4), ('q11', 4)]
    page = queues.listing(redis, 0, 25, name='Q1')
    assert [queue.name for queue in page.queues] == [f'q{number}' for number in range(10, 20)]


def test_of_very_many_queues_so_many_are_sorted_and_that_is_said(
    redis: Redis, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, 'MOST_SORTED', 2)
    for name in 'abc':
        put(redis, 1, name)
    put(redis, 1, 'b')
    found = queues.listing(redis, 0, 25, 'waiting')
    assert ([queue.name for queue in found.queues], found.sorted_among) == (['b', 'a', 'c'], 2)
    assert 'only the first 2 by name are sorted' in client.get('/queues?sort=waiting').get_data(as_text=True)


@pytest.mark.serial
def test_ten_thousand_queues_are_one_page_and_few_round_trips(
    redis: Redis, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.sadd(keys.queues(), *(keys.queue(f'queue-{number}') for number in range(10_000)))
    with reading(redis, monkeypatch) as counted:
        for address in ('/queues', '/queues?sort=waiting', '/queues?name=99', '/queues?page=400'):
            assert client.get(address).status_code == 200
    assert counted.trips <= 4 * 20


def test_the_jobs_of_a_queue_by_state(redis: Redis, client: FlaskClient) -> None:
    fail(redis, 2)
    queue = Queue('q', connection=redis)
    first = queue.enqueue('shop.mail', 'Ann', token='secret')
    queue.enqueue('shop.pay', depends_on=first)
    due = datetime.now(UTC) + timedelta(hours=1)
    queue.enqueue_at(due, 'shop.pay')
    found = one.page(redis, 'q', 'queued', 0, 25)
    assert [(job.row.function, job.row.arguments) for job in found.jobs] == [('shop.mail', "'Ann', token=(hidden)")]
    assert (found.total, found.functions, found.gone) == (1, (('shop.mail', 1),), 0)
    [scheduled] = one.page(redis, 'q', 'scheduled', 0, 25).jobs
    assert abs((scheduled.due - due).total_seconds()) < 0.01 if scheduled.due else False
    assert len(one.page(redis, 'q', 'failed', 0, 1).jobs) == 1
    for state in ('queued', 'started', 'scheduled', 'deferred', 'failed', 'finished', 'canceled', 'nonsense'):
        page = client.get(f'/queue/q?state={state}').get_data(as_text=True)
        assert 'secret' not in page
    assert client.get('/api/v1/queue/q?state=failed').get_json()['shown']['total'] == 2


def test_jobs_that_have_expired_are_counted_and_break_nothing(redis: Redis, client: FlaskClient) -> None:
    ids = put(redis, 3)
    redis.delete(keys.job(ids[1]))
    found = one.page(redis, 'q', 'queued', 0, 25)
    assert ([job.row.id for job in found.jobs], found.gone) == ([ids[0], ids[2]], 1)
    assert '1 of this page has expired' in client.get('/queue/q').get_data(as_text=True)
    redis.delete(keys.queue('q'), *(keys.job(job_id) for job_id in ids))


@pytest.mark.parametrize(
    'name', ['<script>alert(1)</script>', 'a/b', '"\'&', 'žluťoučký', '..', '%2e', 'x' * 5_000, ' ', '\x00', 'a?b#c']
)
def test_a_queue_of_any_name_has_its_page(redis: Redis, client: FlaskClient, name: str) -> None:
    redis.sadd(keys.queues(), keys.queue(name))
    redis.rpush(keys.queue(name), 'gone')
    page = client.get('/queues').get_data(as_text=True)
    assert '<script>alert' not in page
    address = page.split('<td><a href="')[1].split('"')[0]
    answer = client.get(address)
    assert answer.status_code == 200
    assert '<script>alert' not in answer.get_data(as_text=True)


def test_keys_of_wrong_types_break_no_page(redis: Redis, client: FlaskClient) -> None:
    redis.sadd(keys.queues(), keys.queue('q'), 'stranger', b'\xff\xfe')
    for key in (keys.queue('q'), keys.failed('q'), keys.wip('q'), keys.workers_of('q')):
        redis.set(key, 'not mine')
    assert client.get('/queues').status_code == 200
    for state in ('queued', 'failed', 'started'):
        assert client.get(f'/queue/q?state={state}').status_code == 200


@pytest.mark.serial
def test_the_pages_only_read_and_take_few_round_trips(
    redis: Redis, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(redis, 60)
    put(redis, 60)
    addresses = ['/queues', '/queue/q', '/queue/q?state=failed', '/audit', '/queue/q?state=failed&page=2&per_page=200']
    for address in addresses:
        with reading(redis, monkeypatch) as counted:
            assert client.get(address).status_code == 200
        assert counted.trips <= 20, address


def test_a_running_job_shows_its_progress_and_keys_of_limits_are_counted(redis: Redis, client: FlaskClient) -> None:
    queue = Queue('q', connection=redis)
    for _ in range(2):
        queue.enqueue('shop.mail', rate_limit=RateLimit('crm/1', concurrency=5))
    queue.enqueue('shop.mail')
    page = client.get('/queue/q').get_data(as_text=True)
    assert 'limits: <a href="/limit/' in page and '>crm/1</a> 2' in page and 'Progress' not in page
    job = queue.enqueue('shop.pay', meta={'progress': 40})
    redis.lrem(keys.queue('q'), 1, job.id)
    redis.zadd(keys.wip('q'), {f'{job.id}:x': time.time() + 60})
    assert [item.progress for item in one.page(redis, 'q', 'started', 0, 25).jobs] == [0.4]
    assert '40 %' in client.get('/queue/q?state=started').get_data(as_text=True)
    assert client.get('/api/v1/queue/q').get_json()['shown']['limits'] == [['crm/1', 2]]


def test_who_was_given_one_action_by_name_is_shown_that_one(redis: Redis) -> None:
    fail(redis, 1)
    bob = User('bob', 'viewer', frozenset({'requeue'}))
    text = create_app(redis, auth=lambda _: bob).test_client().get('/queue/q?state=failed').text
    assert 'Requeue all …' in text and '/do/requeue">Requeue<' in ' '.join(text.replace(' class=""', '').split())
    assert '/do/delete' not in text and 'name="to"' not in text
