"""Who may do what, and what is left of it: in the audit, in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from rq import Queue
from rq.dashboard import create_app
from rq.dashboard.access import User
from rq.dashboard.actions.deeds import ACTIONS
from rq.store import audit, keys
from tests.dashboard.doing import do, fail, newest, put, statuses

Login = Callable[..., FlaskClient]


@pytest.fixture
def login(redis: Redis) -> Login:
    def make(role: str, **settings: Any) -> FlaskClient:
        client = create_app(redis, auth=lambda _: User('ann', role), **settings).test_client()
        client.environ_base['HTTP_ORIGIN'] = 'http://localhost'
        return client

    return make


@pytest.mark.parametrize('name', sorted(ACTIONS))
def test_a_viewer_may_do_nothing(redis: Redis, login: Login, name: str) -> None:
    ids = put(redis, 1)
    answer = login('viewer').post(f'/do/{name}', data={'job': ids, 'sure': 'yes'})
    assert answer.status_code == 403
    assert audit.length(redis) == 0
    assert Queue('q', connection=redis).job_ids == ids


def test_an_operator_shuts_down_no_worker(login: Login) -> None:
    assert login('operator').post('/do/shutdown', data={'worker': 'w'}).status_code == 403
    assert login('admin').post('/do/shutdown', data={'worker': 'w'}).status_code == 200


def test_who_may_requeue_and_nothing_else_may_requeue(redis: Redis) -> None:
    ids = fail(redis, 1)
    app = create_app(redis, auth=lambda _: User('bob', 'viewer', frozenset({'requeue'})))
    client = app.test_client()
    client.environ_base['HTTP_ORIGIN'] = 'http://localhost'
    assert client.post('/do/delete', data={'job': ids}).status_code == 403
    assert do(client, 'requeue', job=ids) == '1 job requeued.'


@pytest.mark.parametrize('name', sorted(ACTIONS))
def test_no_action_is_done_by_get(client: FlaskClient, name: str) -> None:
    assert client.get(f'/do/{name}').status_code == 405
    assert client.head(f'/do/{name}').status_code == 405


def test_where_there_is_only_reading_nothing_is_done(redis: Redis, login: Login) -> None:
    ids = put(redis, 1)
    assert login('admin', read_only=True).post('/do/delete', data={'job': ids}).status_code == 403
    assert statuses(redis, ids) == ['queued']


def test_an_action_that_is_none_is_not_found(client: FlaskClient) -> None:
    assert client.post('/do/explode').status_code == 404


def test_the_audit_and_the_log_say_who_did_what(redis: Redis, login: Login, caplog: pytest.LogCaptureFixture) -> None:
    ids = fail(redis, 1)
    with caplog.at_level(logging.INFO, 'rq.dashboard.audit'):
        do(login('operator'), 'requeue', job=ids)
    entry = newest(redis)
    assert entry == {
        'user': 'ann', 'role': 'operator', 'from': '127.0.0.1', 'action': 'requeue', 'on': ids[0], 'count': '1',
        'said': '1 job requeued.',
    }  # fmt: skip
    assert f"user='ann' role='operator' from='127.0.0.1' action='requeue' on='{ids[0]}'" in caplog.text


def test_names_with_line_breaks_forge_no_line_of_the_log(
    redis: Redis, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, 'rq.dashboard.audit'):
        do(client, 'cron-pause', cron='a\r\nDashboard: user=root')
    (record,) = [one for one in caplog.records if one.name == 'rq.dashboard.audit']
    assert '\n' not in record.getMessage() and '\r' not in record.getMessage()
    redis.delete(keys.cron_state('a\r\nDashboard: user=root'))


def test_the_audit_is_filtered_by_user_and_action(redis: Redis, client: FlaskClient) -> None:
    for number in range(30):
        audit.write(redis, {'user': 'ann' if number % 2 else 'bob', 'action': 'requeue' if number % 3 else 'delete'})
    found = client.get('/api/v1/audit?user=AN&action=delete&per_page=2').get_json()['audit']
    assert [(one['user'], one['action']) for one in found['entries']] == [('ann', 'delete')] * 2
    more = client.get(f'/api/v1/audit?user=AN&action=delete&before={found["next"]}').get_json()['audit']
    assert len(more['entries']) == 3
    assert 'ann' in client.get('/audit?user=ann').get_data(as_text=True)


def test_what_is_secret_by_its_name_is_not_in_the_audit(
    redis: Redis, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, 'rq.dashboard.audit'):
        do(client, 'cron-pause', cron='job(password="hunter2")')
    assert 'hunter2' not in str(newest(redis)) + caplog.text
    redis.delete(keys.cron_state('job(password="hunter2")'))
