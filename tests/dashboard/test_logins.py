"""Names, passwords and tokens: the ways to log in, the cookie of the form, guesses that are slowed down."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from werkzeug.security import generate_password_hash

from rq.dashboard import create_app
from rq.dashboard.logins import FREE_FAILURES, Failures, Login, Logins, SettingsError, ledger
from tests.dashboard.attack import OTHER_TOKEN, PASSWORD, SAME, TOKEN, basic, bearer, check_headers


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


def test_lines_of_a_file_of_users() -> None:
    assert ledger('ann:viewer:a:b c\n  # no\n', 'x') == [Login('ann', 'viewer', 'a:b c')]
    for line in ('ann', 'ann:viewer', ':viewer:x', 'ann:viewer:', 'ann:root:sesame'):
        with pytest.raises(SettingsError, match='x, line 1: expected name:role:secret') as told:
            ledger(line, 'x')
        assert 'sesame' not in str(told.value)


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
