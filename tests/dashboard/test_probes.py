"""What programs ask: /healthz, /readyz and /metrics; and the dashboard behind a proxy and below a path."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from werkzeug.test import Client

from rq import Queue
from rq.dashboard import create_app, serve
from rq.monitor import metrics
from rq.server import EmbeddedServer
from rq.worker import SimpleWorker
from tests.dashboard.attack import METRICS, TOKEN, bearer


def samples(client: FlaskClient, **options: object) -> dict[tuple[str, tuple[str, ...]], float]:
    """(name, values of labels) -> value, as Prometheus' own parser reads it."""
    answer = client.get('/metrics', **options)
    assert answer.status_code == 200 and answer.content_type.startswith('text/plain; version=')
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            place = (sample.name, tuple(sample.labels.values()))
            assert place not in found, f'twice: {place}'
            found[place] = sample.value
    return found


def test_a_process_that_lives_is_healthy_without_redis() -> None:
    client = create_app('redis://127.0.0.1:1', auth='token', token=TOKEN).test_client()
    assert (client.get('/healthz').status_code, client.get('/healthz').text) == (200, 'ok\n')
    assert client.get('/readyz').status_code == 503


def test_it_is_ready_while_redis_answers_in_time(other_server: Callable[..., EmbeddedServer]) -> None:
    server = other_server(config={'enable-debug-command': 'local'})
    client = create_app(server.url, auth='none').test_client()
    assert client.get('/readyz').status_code == 200
    with Redis.from_url(server.url) as blocker:
        held = blocker.connection_pool.get_connection()
        held.send_command('DEBUG', 'SLEEP', '1.3')
        answer = client.get('/readyz')
        held.read_response()
        blocker.connection_pool.release(held)
    assert (answer.status_code, answer.text) == (503, 'Redis answers too late\n')
    assert client.get('/readyz').status_code == 200
    server.kill()
    assert client.get('/readyz').text == 'Redis does not answer\n'


def test_metrics_tell_of_queues_workers_and_the_server(client: FlaskClient, redis: Redis) -> None:
    queue = Queue('mail', connection=redis)
    queue.enqueue('math.sqrt', 4)
    queue.enqueue('math.sqrt', -1)
    SimpleWorker([queue], connection=redis).work(burst=True, logging_level='CRITICAL')
    queue.enqueue('math.sqrt', 4)
    Queue('b"\\', connection=redis).enqueue('math.sqrt', 4)
    found = samples(client)
    jobs = {state: found['rq_jobs', ('mail', state)] for state in metrics.STATES}
    assert jobs == {
        'waiting': 1,
        'running': 0,
        'failed': 1,
        'scheduled': 0,
        'finished': 1,
        'deferred': 0,
        'canceled': 0,
    }
    assert found['rq_jobs', ('b"\\', 'waiting')] == 1 and found['rq_jobs_all_queues', ('waiting',)] == 2
    assert found['rq_queue_oldest_seconds', ('mail',)] < 60 and found['rq_queue_workers', ('mail',)] == 0
    assert found['rq_workers', ('busy',)] == 0 and found['rq_suspended', ()] == 0
    assert found['rq_redis_memory_bytes', ()] > 100_000 and found['rq_queues_unlisted', ()] == 0


def test_series_are_bounded_whatever_the_number_of_queues(client: FlaskClient, redis: Redis) -> None:
    redis.sadd('rq:queues', *(f'rq:queue:q{number:04}' for number in range(2_000)))
    redis.sadd('rq:queues', b'rq:queue:\xff', b'rq:queue:\\xff', 'rq:queue:' + 'n' * 5_000, 'rq:queue:' + 'n' * 5_001)
    for key in (b'rq:queue:\xff', b'rq:queue:\\xff', 'rq:queue:' + 'n' * 5_000, 'rq:queue:' + 'n' * 5_001):
        redis.rpush(key, 'x')
    redis.set('rq:wip:q0001', 'somebody else wrote this')
    found = samples(client)
    names = {labels[0] for name, labels in found if name == 'rq_jobs'}
    assert len(names) <= metrics.LISTED and max(map(len, names)) <= 200
    assert len(found) < 16 * metrics.LISTED
    assert found['rq_queues_unlisted', ()] == 2_004 - len(names)


def test_metrics_are_for_viewers_and_for_the_token_of_metrics(redis: Redis) -> None:
    for settings in ({'auth': 'token', 'token': TOKEN}, {'auth': 'basic', 'password': 'x'}, {'auth': lambda _: None}):
        client = create_app(redis, **settings, metrics_token=METRICS).test_client()
        assert client.get('/metrics').status_code in (401, 403)
        assert client.get('/metrics', headers=bearer('wrong')).status_code == 401
        assert client.get('/metrics', headers=bearer(METRICS)).status_code == 200
        assert client.get('/', headers=bearer(METRICS)).status_code in (401, 403)
    assert client.get('/metrics?token=' + METRICS).status_code == 403


# --- behind a proxy, below a path -------------------------------------------------------------------------------------

FORWARDED = {
    'X-Forwarded-For': '192.0.2.9',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'rq.example',
    'X-Forwarded-Prefix': '/tools',
}


def test_what_a_proxy_says_is_believed_only_if_it_is_asked_for_and_one_of_ours(redis: Redis) -> None:
    app = create_app(redis, auth='token', token=TOKEN, hosts=['rq.example'])
    form = {'token': TOKEN}
    there = {**FORWARDED, 'Origin': 'https://rq.example', 'Sec-Fetch-Site': 'same-origin'}
    behind = Client(serve.behind(app, app))
    answer = behind.post('/login', headers=there, data=form, environ_base={'REMOTE_ADDR': '127.0.0.1'})
    assert answer.status_code == 303 and answer.headers['Location'] == '/tools/'
    assert 'Secure' in answer.headers['Set-Cookie'] and 'Path=/tools/' in answer.headers['Set-Cookie']
    for client, address in ((behind, '192.0.2.1'), (Client(app), '127.0.0.1')):
        answer = client.post('/login', headers=there, data=form, environ_base={'REMOTE_ADDR': address})
        assert answer.status_code == 403 and 'Set-Cookie' not in answer.headers


def test_who_guesses_behind_a_proxy_is_told_apart(redis: Redis) -> None:
    app = create_app(redis, auth='token', token=TOKEN)
    client = Client(serve.behind(app, app))

    def status(address: str, token: str) -> int:
        headers = {**bearer(token), 'X-Forwarded-For': address}
        return client.get('/', headers=headers, environ_base={'REMOTE_ADDR': '127.0.0.1'}).status_code

    assert [status('192.0.2.1', f'guess {number}') for number in range(8)][-1] == 429
    assert status('192.0.2.2', TOKEN) == 200
    assert status('192.0.2.1', TOKEN) == 429


def test_without_a_login_nothing_is_answered_that_came_through_a_proxy(redis: Redis) -> None:
    client = create_app(redis, auth='none', refuse_proxied=True).test_client()
    assert client.get('/').status_code == 200
    for header in ('X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP'):
        assert client.get('/', headers={header: '192.0.2.1'}).status_code == 403


@pytest.mark.parametrize('asked', ['/rq/queues', '/queues'])
def test_below_a_path_it_works_whether_or_not_the_proxy_takes_the_path_away(redis: Redis, asked: str) -> None:
    client = Client(serve.below(create_app(redis, auth='none'), 'rq/'))
    page = client.get(asked)
    assert page.status_code == 200 and 'href="/rq/workers"' in page.text and 'href="/workers"' not in page.text
    assert client.get('/rq').status_code == 200 and client.get('/rqx').status_code == 404
