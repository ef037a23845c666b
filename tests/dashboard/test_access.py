"""Who is let in and what they may do: routes, roles and actions, settings, secrets kept, and inside another application."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from redis import Redis

import rq_dashboard
from rq import Queue
from rq.dashboard import blueprint, create_app
from rq.dashboard.access import COOKIE, OPEN, ROLES, SettingsError, User
from rq.dashboard.actions.deeds import ACTIONS
from rq.dashboard.logins import Login
from rq.server import EmbeddedServer
from tests.dashboard.attack import METRICS, PASSWORD, SAME, TOKEN, ask, basic, bearer, check_headers, routes

ALL = [one for one in ROLES if one != 'metrics']


def as_user(user: User | None) -> Callable[[Request], User | None]:
    return lambda request: user


LOCKED: dict[str, dict[str, Any]] = {
    'basic': {'auth': 'basic', 'password': PASSWORD},
    'token': {'auth': 'token', 'token': TOKEN},
    'forward': {'auth': 'forward'},
    'forward from nowhere': {'auth': 'forward', 'trusted_proxies': '192.0.2.0/24'},
    'callback': {'auth': as_user(None)},
    'metrics only': {'auth': as_user(User('prometheus', 'metrics'))},
}
WRONG = [
    {},
    {'Authorization': 'Basic'},
    {'Authorization': 'Basic !!!'},
    {'Authorization': 'Bearer'},
    {'Authorization': 'Digest username="admin"'},
    {'Authorization': 'Basic ' + b64encode(b'\xff\xfe:\xff').decode()},
    {'Cookie': f'{COOKIE}=99999999999.{"0" * 64}'},
    {'Remote-User': 'admin', 'X-Remote-User': 'admin', 'X-Auth-Request-User': 'admin'},
]


@pytest.mark.parametrize('mode', LOCKED)
def test_who_is_not_let_in_sees_and_does_nothing_by_any_route(redis: Redis, mode: str) -> None:
    app = create_app(redis, **LOCKED[mode])
    job = Queue(connection=redis).enqueue('math.sqrt', 4)
    seen = [*routes(app), *(route._replace(path='/no/such/page') for route in routes(app)[:1])]
    assert len(seen) > 30
    for headers in WRONG:
        client = app.test_client()
        for route in seen:
            if route.open or (mode == 'metrics only' and route.path == '/metrics'):
                continue
            answer = ask(client, route, headers={**SAME, **headers}, data={'job': job.id, 'sure': 'yes'})
            assert answer.status_code in (401, 403, 429), (route, headers, answer.status)
            assert ('WWW-Authenticate' in answer.headers) == (answer.status_code == 401)
            assert job.id not in answer.text
    assert Queue(connection=redis).job_ids == [job.id]


def test_what_is_open_tells_nothing_of_the_jobs(redis: Redis) -> None:
    app = create_app(redis, auth='token', token=TOKEN)
    Queue('a-secret-queue', connection=redis).enqueue('math.sqrt', 4)
    assert {'static', 'login', 'healthz', 'readyz'} == OPEN
    for route in routes(app):
        if route.open:
            assert 'a-secret-queue' not in ask(app.test_client(), route, headers=SAME).text


# --- roles ------------------------------------------------------------------------------------------------------------


def test_a_role_may_what_those_below_it_may() -> None:
    for rank, role in enumerate(ROLES):
        assert [User('x', role).may(wanted) for wanted in ROLES] == [place <= rank for place in range(len(ROLES))]
    assert not User('x', 'operator').may('requeue') and not User('x', 'viewer').may('')
    assert User('x', 'viewer', frozenset({'requeue'})).may('operator', 'requeue')
    assert not User('x', 'viewer', frozenset({'requeue'})).may('operator', 'delete')
    with pytest.raises(ValueError, match="'root' is no role"):
        User('x', 'root')


@pytest.mark.parametrize('action', sorted(ACTIONS))
def test_an_action_is_for_its_role_and_for_whom_it_was_given(redis: Redis, action: str) -> None:
    def status(user: User, **settings: Any) -> int:
        client = create_app(redis, auth=as_user(user), **settings).test_client()
        return client.post(f'/do/{action}', headers=SAME, data={'queue': 'q', 'job': 'x'}).status_code

    needed = ROLES.index(ACTIONS[action].role)
    assert ACTIONS[action].role in ('operator', 'admin')
    for role in ALL:
        assert (status(User('u', role)) == 403) == (ROLES.index(role) < needed), role
    assert status(User('u', 'viewer', frozenset({action}))) != 403
    assert status(User('u', 'viewer', frozenset({'another'}))) == 403
    assert status(User('u', 'admin'), read_only=True) == 403
    assert status(User('u', 'admin', frozenset({action})), disable_delete=True) == 403


def test_who_may_only_look_is_shown_no_button_and_sees_every_page(redis: Redis) -> None:
    for settings in ({'auth': as_user(User('v', 'viewer'))}, {'auth': 'none', 'read_only': True}):
        app = create_app(redis, **settings)
        for route in routes(app):
            if route.method == 'GET' and not route.open:
                answer = ask(app.test_client(), route)
                assert answer.status_code in (200, 404) and '/do/' not in answer.text, route


# --- who says who it is ------------------------------------------------------------------------------------------------


def test_a_proxy_names_the_user_and_nobody_else_does(redis: Redis) -> None:
    settings = {'auth': 'forward', 'forward_header': 'X-Who', 'trusted_proxies': '10.0.0.0/8, ::1'}
    client = create_app(redis, **settings, forward_roles={'ann': 'operator'}).test_client()

    def status(address: str, who: str, method: str = 'GET') -> int:
        there = {'REMOTE_ADDR': address}
        path = '/do/resume' if method == 'POST' else '/'
        return client.open(path, method=method, headers={**SAME, 'X-Who': who}, environ_base=there).status_code

    assert (status('10.1.2.3', 'bob'), status('::1', 'bob'), status('10.1.2.3', 'bob', 'POST')) == (200, 200, 403)
    assert status('10.1.2.3', 'ann', 'POST') != 403
    assert [status(address, 'ann') for address in ('127.0.0.1', '11.0.0.1', '')] == [403, 403, 200]
    assert [status('10.1.2.3', who) for who in ('', ' ', 'ann,root', 'ann\x7f')] == [401] * 4


def test_a_function_of_the_application_decides(redis: Redis) -> None:
    def who(request: Request) -> User | None:
        return User(request.headers['X-Me'], 'operator') if 'X-Me' in request.headers else None

    client = create_app(redis, auth=who).test_client()
    assert 'zora' in client.get('/', headers={'X-Me': 'zora'}).text
    assert client.get('/').status_code == 403
    for wrong in ('ann', True, ('ann', 'admin')):
        answer = create_app(redis, auth=lambda _, wrong=wrong: wrong).test_client().get('/')
        assert answer.status_code == 500 and '<h1>Overview' not in answer.text
        check_headers(answer)


def test_a_callback_that_breaks_lets_nobody_in(redis: Redis) -> None:
    def broken(_: Request) -> User:
        raise KeyError('session')

    app = create_app(redis, auth=broken)
    for route in routes(app):
        if not route.open:
            assert ask(app.test_client(), route, headers=SAME).status_code == 500


@pytest.mark.parametrize(
    'settings',
    [
        {'auth': 'nobody'},
        {'auth': 'basic'},
        {'auth': 'token'},
        {'auth': 'token', 'token': 'short'},
        {'auth': 'basic', 'users': 'ann:operator'},
        {'auth': 'basic', 'users': 'ann:root:secret-of-ann'},
        {'auth': 'basic', 'users_file': '/no/such/file'},
        {'auth': 'forward', 'forward_role': 'root'},
        {'auth': 'forward', 'forward_roles': {'ann': 'root'}},
        {'auth': 'forward', 'trusted_proxies': 'everywhere'},
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as told:
        create_app('redis://127.0.0.1:1', **settings)
    assert 'secret-of-ann' not in str(told.value) and 'short' not in str(told.value).replace('shorter', '')


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_no_secret_is_shown_logged_or_told_by_an_object(
    other_server: Callable[..., EmbeddedServer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    redis_password = 'redis-password-9876'
    server = other_server(config={'requirepass': redis_password})
    url = server.url.replace('://', f'://:{redis_password}@', 1) if redis_password not in server.url else server.url
    settings = {'auth': 'basic', 'password': PASSWORD, 'tokens': {'t': TOKEN}, 'metrics_token': METRICS}
    secrets = (redis_password, PASSWORD, TOKEN, METRICS)
    shown = []
    for at in (url, url.replace(redis_password, redis_password + '-old')):
        app = create_app(at, **settings)
        shown += [repr(app), repr(app.extensions), str(app.extensions['rq_dashboard_access'].logins)]
        for headers in (basic('admin', PASSWORD), basic('admin', 'x'), bearer(TOKEN), {}):
            for route in routes(app):
                answer = ask(app.test_client(), route, headers={**SAME, **headers})
                shown.append(answer.text + str(answer.headers))
    shown += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    assert [(secret, text) for secret in secrets for text in shown if secret in text] == []
    assert repr(Login('ann', 'viewer', PASSWORD)) == "Login('ann', 'viewer')"


def test_an_answer_from_before_is_for_who_is_let_in(redis: Redis) -> None:
    client = create_app(redis, auth='basic', password=PASSWORD).test_client()
    login = basic('admin', PASSWORD)
    tag = client.get('/?fragment=1', headers=login).headers['ETag']
    assert client.get('/?fragment=1', headers={**login, 'If-None-Match': tag}).status_code == 304
    for known in (tag, '*'):
        assert client.get('/?fragment=1', headers={'If-None-Match': known}).status_code == 401
    check_headers(client.get('/?fragment=1', headers={**login, 'If-None-Match': tag}))


# --- in another application -------------------------------------------------------------------------------------------


def embedded(redis_url: str, **config: Any) -> FlaskClient:
    """As people have embedded rq-dashboard."""
    app = Flask('host')
    app.config.from_object(rq_dashboard.default_settings)
    app.config['RQ_DASHBOARD_REDIS_URL'] = redis_url
    app.config.update(config)
    rq_dashboard.web.setup_rq_connection(app)
    app.register_blueprint(rq_dashboard.blueprint, url_prefix='/rq')
    app.add_url_rule('/own', 'own', lambda: 'own page')
    return app.test_client()


def test_embedded_as_ever_it_is_seen_on_its_own_machine_and_nowhere_else(redis_url: str) -> None:
    client = embedded(redis_url)
    assert blueprint is rq_dashboard.blueprint
    assert client.get('/rq/').status_code == 200
    assert client.post('/rq/do/resume', headers=SAME, data={'all': 'yes'}).status_code == 403
    assert client.get('/rq/', environ_base={'REMOTE_ADDR': '192.0.2.1'}).status_code == 403
    for header in ('X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via', 'X-Forwarded-Proto'):
        assert client.get('/rq/', headers={header: '127.0.0.1'}).status_code == 403
    for host in ('127.0.0.1:8000', '[::1]', '[::1]:8000', 'LocalHost'):
        assert client.get('/rq/', headers={'Host': host}).status_code == 200
    named = embedded(redis_url, RQ_DASHBOARD_HOSTS=['shop.example'])
    assert named.get('/rq/', headers={'Host': 'shop.example'}).status_code == 403
    answer = client.get('/rq/', headers={'Host': 'shop.example'})
    assert answer.status_code == 421
    check_headers(answer)


def test_the_pages_of_the_host_application_stay_as_they_are(redis_url: str) -> None:
    client = embedded(redis_url)
    answer = client.get('/own', headers={'Host': 'shop.example'}, environ_base={'REMOTE_ADDR': '192.0.2.1'})
    assert answer.text == 'own page' and 'Content-Security-Policy' not in answer.headers
    assert client.options('/own').status_code == 200


def test_embedded_the_application_says_who_may(redis_url: str) -> None:
    client = embedded(redis_url, RQ_DASHBOARD_AUTH=as_user(User('ann', 'operator')))
    far = {'REMOTE_ADDR': '192.0.2.1'}
    there = {'Host': 'shop.example', 'Origin': 'http://shop.example'}
    assert client.get('/rq/', headers={'Host': 'shop.example'}, environ_base=far).status_code == 200
    assert client.post('/rq/do/resume', headers=there, environ_base=far, data={'all': 'yes'}).status_code == 303
    assert (
        client.post('/rq/do/resume', headers={**there, 'Origin': 'http://other.example'}, environ_base=far).status_code
        == 403
    )


def test_of_two_applications_in_a_process_each_has_its_own_rules(redis_url: str) -> None:
    closed, open_ = embedded(redis_url, RQ_DASHBOARD_AUTH=as_user(None)), embedded(redis_url)
    assert (closed.get('/rq/').status_code, open_.get('/rq/').status_code) == (403, 200)
    with open_.application.app_context():
        assert (closed.get('/rq/').status_code, open_.get('/rq/').status_code) == (403, 200)
        assert open_.get('/rq/', environ_base={'REMOTE_ADDR': '192.0.2.1'}).status_code == 403
