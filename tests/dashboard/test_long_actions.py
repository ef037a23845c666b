"""Actions that take long: how far they are, halted and gone on with, sent twice, left behind by a dashboard that ended."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from rq.dashboard.actions import running
from rq.dashboard.actions.deeds import ACTIONS, JobAction
from rq.store import bulk, keys
from tests.dashboard.doing import do, fail, form, invariants, statuses

__all__ = ['invariants']


def held(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """From now on a delete says that it has begun, and waits until it may go on."""
    begun, go = threading.Event(), threading.Event()
    delete = ACTIONS['delete']
    assert isinstance(delete, JobAction)

    def slowly(*args: Any) -> Any:
        begun.set()
        assert go.wait(10)
        return delete.step(*args)

    monkeypatch.setitem(ACTIONS, 'delete', replace(delete, step=slowly))
    return begun, go


def test_a_long_one_shows_how_far_it_is_and_can_be_halted_and_gone_on_with(
    redis: Redis, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fail(redis, 130)
    begun, go = held(monkeypatch)
    monkeypatch.setattr(running, 'NOTE_EVERY', 0)
    fields = form(client.post('/do/delete', data={'queue': 'q', 'state': 'failed'}))
    answer = client.post('/do/delete', data=fields)
    assert begun.wait(10)
    page = answer.headers['Location']
    assert page.startswith('/bulk/')
    shown = client.get(page).get_data(as_text=True)
    assert 'Stop here' in shown and '0 of 130 done' in shown
    assert do(client, 'halt', on=fields['bulk']).startswith('It ends after its next step')
    go.set()
    running.wait(fields['bulk'][0], 10)
    found = client.get(f'/api/v1{page}').get_json()
    assert (found['bulk']['state'], found['bulk']['done']) == ('halted', 100)
    assert 'Go on' in client.get(page).get_data(as_text=True)
    assert do(client, 'go-on', on=fields['bulk']) == '130 jobs deleted.'
    assert set(statuses(redis, ids)) == {'-'}


def test_a_form_sent_twice_is_at_work_already_also_when_no_more_may_be(
    redis: Redis, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(redis, 3)
    begun, go = held(monkeypatch)
    monkeypatch.setattr(running, 'MOST_AT_WORK', 1)
    fields = form(client.post('/do/delete', data={'queue': 'q', 'state': 'failed'}))
    first = client.post('/do/delete', data=fields)
    assert begun.wait(10)
    assert client.post('/do/delete', data=fields).headers['Location'] == first.headers['Location']
    other = form(client.post('/do/delete', data={'queue': 'q', 'state': 'failed'}))
    assert do(client, 'delete', **other) == '1 actions on many jobs are at work; wait for one of them'
    go.set()
    running.wait(fields['bulk'][0], 10)
    assert redis.zcard(keys.failed('q')) == 0


def test_one_whose_dashboard_has_ended_says_so_and_goes_on(redis: Redis, client: FlaskClient) -> None:
    fail(redis, 3)
    fields = form(client.post('/do/delete', data={'queue': 'q', 'state': 'failed'}))
    do(client, 'delete', **fields)
    name = fields['bulk'][0]
    bulk.note(redis, name, {'state': 'running'})
    fail(redis, 2)
    bulk.note(redis, name, {'scope': '{"rm": 1}'})
    assert do(client, 'go-on', on=name) == 'What is noted of it cannot be read'
    bulk.note(redis, name, {'scope': '{"queue": "q", "state": "failed"}', 'bytes': 'many'})
    assert 'Nobody works on it any more' in client.get(f'/bulk/{name}').get_data(as_text=True)
    assert do(client, 'go-on', on=name) == '3 jobs deleted. Left alone: 2 changed after you looked.'
