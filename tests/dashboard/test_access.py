"""Who is let in and what they may do: the ways to log in, roles and actions, guesses that are slowed down, secrets kept."""

from __future__ import annotations

import logging
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.security import generate_password_hash

import rq_dashboard
from rq import Queue
from rq.dashboard import blueprint, create_app
from rq.dashboard.access import COOKIE, OPEN, ROLES, SettingsError, User
from rq.dashboard.actions.deeds import ACTIONS
from rq.dashboard.logins import FREE_FAILURES, Failures, Login, Logins, ledger
from rq.server import EmbeddedServer
from tests.dashboard.attack import SAME, ask, check_headers, routes

TOKEN, OTHER_TOKEN, METRICS = 'token-of-ann-1234567890', 'token-of-bob-1234567890', 'token-of-prometheus-123'
PASSWORD = 'correct horse battery'
ALL = [one for one in ROLES if one != 'metrics']


def basic(name: str, password: str) -> dict[str, str]:
    return {'Authorization': 'Basic ' + b64encode(f'{name}:{password}'.encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {'Authorization': f'Bearer {token}'}


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


# --- ways to log in ---------------------------------------------------------------------------------------------------


def test_names_and_passwords(redis: Redis) -> None:
    users = f'# people\nann:operator:{PASSWORD}\n\nbob:viewer:{generate_password_hash("pass:word")}\n'
    client = create_app(redis, auth='basic', users=users).test_client()
    act = {'headers': {**SAME, **basic('ann', PASSWORD)}}
    assert client.post('/do/resume', data={'all': 'yes'}, **act).status_code == 303
    assert client.get('/', headers=basic('bob', 'pass:word')).status_code == 200
    assert client.post('/do/resume', headers={**SAME, **basic('bob', 'pass:word')}).status_code == 403
    for name, password in (('ann', 'pass:word'), ('bob', PASSWORD), ('', ''), ('ann', ''), ('ann', PASSWORD + ' ')):
        answer = create_app(redis, auth='basic', users=users).test_client().get('/', headers=basic(name, password))
        assert answer.status_code == 401 and answer.headers['WWW-Authenticate'].startswith('Basic realm="')


def test_a_program_acts_with_a_token_alone(redis: Redis) -> None:
    client = create_app(
        redis, auth='token', tokens={'ann': (TOKEN, 'operator'), 'bob': (OTHER_TOKEN, 'viewer')}
    ).test_client()
    assert client.post('/do/resume', headers=bearer(TOKEN), data={'all': 'yes'}).status_code == 303
    assert client.get('/api/v1/queues', headers=bearer(OTHER_TOKEN)).status_code == 200
    assert client.post('/do/resume', headers=bearer(OTHER_TOKEN)).status_code == 403
    assert client.get('/', headers=basic('ann', TOKEN)).status_code == 401
    assert client.get('/?token=' + TOKEN).status_code == 401


def test_a_person_logs_in_by_a_form_and_out_again(redis: Redis) -> None:
    client = create_app(redis, auth='token', token=TOKEN).test_client()
    form = client.get('/queues?sort=name')
    assert form.status_code == 401 and 'name="next" value="/queues?sort=name"' in form.text
    assert client.post('/login', headers=SAME, data={'token': OTHER_TOKEN}).status_code == 401
    answer = client.post('/login', headers=SAME, data={'token': TOKEN, 'next': '/queues?sort=name'})
    assert (answer.status_code, answer.headers['Location']) == (303, '/queues?sort=name')
    [cookie] = answer.headers.get_all('Set-Cookie')
    assert 'HttpOnly' in cookie and 'SameSite=Strict' in cookie and TOKEN not in cookie and 'Secure' not in cookie
    page = client.get('/')
    assert page.status_code == 200 and 'log out' in page.text
    assert client.post('/logout', headers=SAME).headers['Location'] == '/login'
    assert client.get('/').status_code == 401
    secure = client.post(
        '/login', headers={**SAME, 'Origin': 'https://localhost'}, data={'token': TOKEN}, base_url='https://localhost'
    )
    assert 'Secure' in secure.headers['Set-Cookie']


@pytest.mark.parametrize(
    'after', ['//evil.example', '/\\evil.example', 'https://evil.example', '/a\r\nX: y', 'javascript:x', '\t//evil']
)
def test_a_login_leads_to_no_other_site(redis: Redis, after: str) -> None:
    client = create_app(redis, auth='token', token=TOKEN).test_client()
    assert client.post('/login', headers=SAME, data={'token': TOKEN, 'next': after}).headers['Location'] == '/'


def test_a_login_made_by_another_site_is_refused(redis: Redis) -> None:
    client = create_app(redis, auth='token', token=TOKEN).test_client()
    answer = client.post('/login', headers={'Origin': 'http://evil.example'}, data={'token': TOKEN})
    assert answer.status_code == 403 and 'Set-Cookie' not in answer.headers


def test_a_cookie_is_for_its_token_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, viewer = Login('ann', 'operator', TOKEN), Login('ann', 'viewer', TOKEN)
    cookie = Logins(tokens=[ann]).cookie(ann)
    assert Logins(tokens=[ann]).by_cookie(cookie) == ann
    assert Logins(tokens=[Login('ann', 'operator', OTHER_TOKEN)]).by_cookie(cookie) is None
    assert Logins(tokens=[viewer]).by_cookie(cookie) is None
    ends, _, proof = cookie.partition('.')
    for forged in (f'{int(ends) + 1}.{proof}', f'{ends}.{"0" * 64}', ends, '', f'{ends}.', f'١.{proof}', 'x' * 10_000):
        assert Logins(tokens=[ann]).by_cookie(forged) is None
    monkeypatch.setattr(time, 'time', lambda: float(ends) + 1)
    assert Logins(tokens=[ann]).by_cookie(cookie) is None


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


# --- guesses ----------------------------------------------------------------------------------------------------------


def test_who_guesses_has_to_wait_longer_and_longer(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    client = create_app(redis, auth='basic', password=PASSWORD).test_client()
    for number in range(FREE_FAILURES + 1):
        assert client.get('/', headers=basic('admin', f'guess {number}')).status_code == 401
    answer = client.get('/', headers=basic('admin', PASSWORD))
    assert answer.status_code == 429 and 1 <= int(answer.headers['Retry-After']) <= 3
    check_headers(answer)
    elsewhere = {'REMOTE_ADDR': '192.0.2.7'}
    assert client.get('/', headers=basic('admin', PASSWORD), environ_base=elsewhere).status_code == 200
    refused = [record.getMessage() for record in caplog.records]
    assert len(refused) == FREE_FAILURES + 1 and "address '127.0.0.1', name 'admin'" in refused[0]
    assert 'guess' not in str(refused)


def test_pauses_double_and_are_counted_by_network() -> None:
    failures = Failures()
    pauses = []
    for number in range(20):
        failures.note('2001:db8::1', b'%d' % number)
        pauses.append(round(failures.pause('2001:db8::ffff')))
    assert pauses[:FREE_FAILURES] == [0] * FREE_FAILURES
    assert pauses[FREE_FAILURES : FREE_FAILURES + 4] == [2, 4, 8, 16] and pauses[-1] == 300
    assert failures.pause('2001:db8:0:1::1') == failures.pause('192.0.2.1') == 0


def test_a_forgotten_tab_with_an_old_password_locks_nobody_out(redis: Redis) -> None:
    client = create_app(redis, auth='basic', password=PASSWORD).test_client()
    assert {client.get('/', headers=basic('admin', 'the old one')).status_code for _ in range(30)} == {401}
    assert client.get('/', headers=basic('admin', PASSWORD)).status_code == 200


def test_what_is_remembered_of_guesses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from rq.dashboard import logins

    monkeypatch.setattr(logins, 'MOST_ADDRESSES', 50)
    failures = Failures()
    for number in range(500):
        failures.note(f'10.0.{number // 250}.{number % 250}', b'x')
    assert len(failures._known) == 50


@pytest.mark.serial
def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password() -> None:
    found = Logins([Login('ann', 'viewer', generate_password_hash(PASSWORD))])

    def seconds(name: str) -> float:
        began = time.perf_counter()
        assert found.by_password(name, 'wrong') is None
        return time.perf_counter() - began

    known, unknown = (min(seconds(name) for _ in range(5)) for name in ('ann', 'nobody'))
    assert 0.5 < known / unknown < 2


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


def test_lines_of_a_file_of_users() -> None:
    assert ledger('ann:viewer:a:b c\n  # no\n', 'x') == [Login('ann', 'viewer', 'a:b c')]
    for line in ('ann', 'ann:viewer', ':viewer:x', 'ann:viewer:', 'ann:root:sesame'):
        with pytest.raises(SettingsError, match='x, line 1: expected name:role:secret') as told:
            ledger(line, 'x')
        assert 'sesame' not in str(told.value)


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
