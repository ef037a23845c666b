"""The frame of the dashboard: pages, fragments, JSON, names in paths, failures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page
from redis import Redis

from rq import Queue
from rq.dashboard import blueprint, create_app
from rq.dashboard.names import from_path, to_path


def test_a_page_is_html_and_json_and_a_fragment(client: FlaskClient) -> None:
    assert 'Needs attention' in client.get('/').text
    assert client.get('/api/v1/overview').is_json
    fragment = client.get('/?fragment=1').text
    assert 'Needs attention' in fragment and '<header' not in fragment


def test_a_fragment_that_has_not_changed_is_not_sent_again(client: FlaskClient, redis: Redis) -> None:
    first = client.get('/?fragment=1')
    assert client.get('/?fragment=1', headers={'If-None-Match': first.headers['ETag']}).status_code == 304
    Queue('default', connection=redis).enqueue('tests.f')
    assert client.get('/?fragment=1', headers={'If-None-Match': first.headers['ETag']}).status_code == 200


def test_what_is_not_there_is_said_as_html_and_as_json(client: FlaskClient) -> None:
    page, data = client.get('/nothing'), client.get('/api/v1/nothing')
    assert (page.status_code, data.status_code) == (404, 404)
    assert 'Not Found' in page.text and data.json is not None and 'error' in data.json


def test_without_redis_a_page_says_so() -> None:
    answer = create_app('redis://127.0.0.1:1').test_client().get('/')
    assert answer.status_code == 503 and 'Redis does not answer' in answer.text


def test_the_blueprint_can_stand_below_a_prefix_of_another_application(redis: Redis) -> None:
    app = Flask('host')
    app.extensions['rq_dashboard'] = redis
    app.register_blueprint(blueprint, url_prefix='/rq')
    answer = app.test_client().get('/rq/')
    assert answer.status_code == 200
    assert '"/rq/assets/dashboard.css' in answer.text and '"/assets' not in answer.text


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1))
def test_any_name_survives_a_path(name: str) -> None:
    part = to_path(name)
    assert from_path(part) == name
    assert not set(part) & set('/?#%\\ ') and part.strip('.')


@pytest.mark.parametrize('name', ['default', 'a/b', '..', 'ž', '~x', 'a b', '%2F', '🐎'])
def test_common_names(name: str) -> None:
    assert from_path(to_path(name)) == name


def test_the_page_opens_in_a_browser(page: Page, dashboard: str) -> None:
    page.goto(dashboard)
    assert page.title() == 'Overview · Packhorse'


def test_the_page_renews_itself(page: Page, dashboard: str, redis: Redis, serve: Callable[..., str]) -> None:
    page.goto(dashboard)
    Queue('default', connection=redis).enqueue('tests.f')
    page.wait_for_selector('.strip li:has-text("1 waiting")')
