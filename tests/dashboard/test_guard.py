"""What is refused before anything is read: foreign names, other sites' requests, methods, bodies; headers everywhere."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from redis import Redis

from rq import Queue
from rq.dashboard import create_app, guard
from tests.dashboard.attack import SAME, ask, check_headers, raw, routes
from tests.dashboard.conftest import Complaints, chromium

FOREIGN_HOSTS = [
    'evil.example', 'evil.example:9181', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '[2001:db8::1]',
    'evil.example@localhost', 'localhost/evil', 'localhost, evil.example', '127.0.0.1:80:80', '', '0.0.0.0', 'LOCALHOST.EVIL',
]  # fmt: skip
FOREIGN_ORIGINS = [
    {},
    {'Origin': 'null'},
    {'Origin': ''},
    {'Origin': 'http://evil.example'},
    {'Origin': 'http://localhost:9999'},
    {'Origin': 'https://localhost:9181'},
    {'Origin': 'http://localhost.evil.example'},
    {'Origin': 'http://localhost@evil.example'},
    {'Origin': 'http://localhost, http://evil.example'},
    {'Origin': 'file://'},
    {'Sec-Fetch-Site': 'same-origin'},
    {'Sec-Fetch-Site': 'same-site', 'Origin': 'http://localhost'},
    {'Sec-Fetch-Site': 'cross-site', 'Origin': 'http://localhost'},
    {'Sec-Fetch-Site': 'none', 'Origin': 'http://localhost'},
    {'Sec-Fetch-Site': 'same-origin', 'Origin': 'null'},
    {'Sec-Fetch-Site': 'same-origin', 'Origin': 'http://evil.example'},
    {'Authorization': 'Bearer of-nothing'},
    {'X-HTTP-Method-Override': 'POST', 'Origin': 'http://evil.example'},
]


def nothing_written(redis: Redis) -> bool:
    """Whether no command that writes has been called since the statistics were reset."""
    writing = set(redis.acl_cat('write'))
    used = {name.removeprefix('cmdstat_').partition('|')[0] for name in redis.info('commandstats')}
    return not used & writing


@pytest.mark.parametrize('host', FOREIGN_HOSTS)
def test_a_request_for_a_name_that_is_not_ours_is_refused_on_every_route(
    client: FlaskClient, app: Flask, host: str
) -> None:
    for route in routes(app):
        answer = ask(client, route, headers={'Host': host, 'Origin': f'http://{host}', 'Sec-Fetch-Site': 'same-origin'})
        assert answer.status_code == 421, route
        check_headers(answer)


@pytest.mark.parametrize(
    'host', ['localhost', 'LocalHost:9181', '127.0.0.1', '127.8.9.1:1', '[::1]:9181', 'localhost.']
)
def test_the_names_of_this_machine_are_ours(client: FlaskClient, host: str) -> None:
    assert client.get('/', headers={'Host': host}).status_code == 200


def test_a_name_that_was_added_is_ours(redis: Redis) -> None:
    client = create_app(redis, auth='none', hosts='rq.example, jobs.example').test_client()
    assert client.get('/', headers={'Host': 'JOBS.example:8443'}).status_code == 200
    assert client.get('/', headers={'Host': 'other.example'}).status_code == 421


@pytest.mark.parametrize('headers', FOREIGN_ORIGINS, ids=str)
def test_a_request_that_another_site_may_have_made_changes_nothing(
    app: Flask, redis: Redis, headers: dict[str, str]
) -> None:
    job = Queue(connection=redis).enqueue('math.sqrt', 4)
    client = app.test_client()
    redis.config_resetstat()
    for route in routes(app):
        if route.method != 'GET':
            answer = ask(client, route, headers=headers, data={'job': job.id, 'queue': 'default', 'sure': 'yes'})
            assert answer.status_code == 403, route
            check_headers(answer)
    assert nothing_written(redis) and Queue(connection=redis).job_ids == [job.id]


@pytest.mark.parametrize('origin', ['http://localhost', 'http://LOCALHOST:80'])
def test_a_form_of_our_own_page_is_let_through(app: Flask, origin: str) -> None:
    client = app.test_client()
    for site in ({}, {'Sec-Fetch-Site': 'same-origin'}):
        assert client.post('/do/no-such-action', headers={'Origin': origin, **site}).status_code == 404


def test_behind_a_proxy_with_tls_the_origin_has_its_scheme(redis: Redis) -> None:
    client = create_app(redis, auth='none', hosts=['rq.example']).test_client()
    headers = {'Host': 'rq.example', 'Origin': 'https://rq.example'}
    assert client.post('/do/x', headers=headers).status_code == 404
    assert client.post('/do/x', headers={**headers, 'Origin': 'https://rq.example:8443'}).status_code == 403
    secure = {'wsgi.url_scheme': 'https'}
    plain = {'Host': 'rq.example', 'Origin': 'http://rq.example'}
    assert client.post('/do/x', headers=plain, environ_overrides=secure).status_code == 403


def test_no_get_changes_anything(client: FlaskClient, app: Flask, redis: Redis) -> None:
    job = Queue(connection=redis).enqueue('math.sqrt', 4)
    redis.config_resetstat()
    changing = {route.path for route in routes(app) if route.method == 'POST'}
    assert len(changing) > 5
    for path in changing:
        for method in ('GET', 'HEAD'):
            query = {'job': job.id, 'queue': 'default', 'all': 'yes', 'sure': 'yes', '_method': 'POST'}
            answer = client.open(path, method=method, query_string=query)
            assert answer.status_code in ((404,) if path == '/login' else (405,)), (method, path)
    assert nothing_written(redis)


def test_other_methods_are_there_for_nobody(client: FlaskClient, app: Flask) -> None:
    for route in routes(app):
        for method in ('OPTIONS', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'PROPFIND'):
            headers = {**SAME, 'Access-Control-Request-Method': 'POST'} if method == 'OPTIONS' else SAME
            answer = client.open(route.path, method=method, headers=headers)
            assert answer.status_code == 405, (method, route)
            check_headers(answer)


def test_every_answer_has_the_headers_errors_too(redis: Redis, redis_url: str) -> None:
    away = create_app('redis://127.0.0.1:1', auth='none')
    locked = create_app(redis, auth='basic', password='xyzzy')
    for app in (create_app(redis, auth='none'), away, locked, create_app(redis, auth=lambda _: None)):
        client = app.test_client()
        for route in [*routes(app), *(route._replace(path='/no/such/page') for route in routes(app)[:1])]:
            check_headers(ask(client, route, headers=SAME))
            check_headers(ask(client, route._replace(path=route.path + '?fragment=1'), headers=SAME))


def test_a_page_that_is_broken_says_so_without_a_traceback(redis: Redis) -> None:
    app = create_app(redis, auth='none')

    def broken() -> str:
        raise RuntimeError('secret details')

    app.view_functions['rq_dashboard.workers'] = broken
    answer = app.test_client().get('/workers')
    assert answer.status_code == 500 and 'secret details' not in answer.text and '<h1>' in answer.text
    check_headers(answer)


def test_without_redis_every_page_says_so_and_looks_again_by_itself(
    page: Page, serve: Callable[..., str], complaints: Complaints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, 'RELOAD', 1)
    app = create_app('redis://127.0.0.1:1', auth='none')
    told = [ask(app.test_client(), route) for route in routes(app) if route.method == 'GET' and not route.open]
    for answer in told:
        assert answer.status_code in (503, 404), answer.request.path  # 404: there can be nothing of that name
        assert answer.headers.get('Refresh') == ('1' if answer.status_code == 503 else None), answer.request.path
    assert sum(answer.status_code == 503 for answer in told) > 20
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    page.goto(serve(app) + '/queues')
    assert 'Redis does not answer' in page.inner_text('h1')
    page.wait_for_event('framenavigated', timeout=10_000)
    assert sum(one.endswith('/queues') for one in asked) == 2
    refusals_expected(complaints)


def refusals_expected(complaints: Complaints) -> None:
    """A browser says in its console what was refused, by us or by itself; that is what these tests are about."""
    assert not [text for text in complaints.texts if text.startswith('dialog')]
    complaints.texts.clear()


def test_a_body_that_is_too_large_is_not_read(client: FlaskClient, dashboard: str) -> None:
    answer = client.post('/do/requeue', data='x' * 1_000_001, content_type='application/x-www-form-urlencoded')
    assert answer.status_code == 413
    check_headers(answer)
    chunked = (
        b'POST /do/requeue HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nTransfer-Encoding: chunked\r\n'
    )
    kind = b'Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n'
    body = b'186A00\r\n' + b'x' * 1_600_000 + b'\r\n0\r\n\r\n'
    assert b' 413 ' in raw(dashboard, chunked + kind + body).splitlines()[0]
    huge = b'POST /do/requeue HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n'
    assert b' 413 ' in raw(dashboard, huge).splitlines()[0]


def test_no_file_but_ours_is_served(client: FlaskClient, dashboard: str) -> None:
    assert client.get('/assets/dashboard.css', buffered=True).status_code == 200
    for path in (
        '../app.py',
        '..%2fapp.py',
        '%2e%2e/app.py',
        '....//app.py',
        '/etc/passwd',
        '..\\app.py',
        'x\x00.css',
        '',
    ):
        assert client.get(f'/assets/{path}', follow_redirects=True).status_code == 404, path
    for path in (b'/assets/../app.py', b'/assets/%2e%2e/app.py', b'/assets//etc/passwd', b'/../../../etc/passwd'):
        said = raw(dashboard, b'GET ' + path + b' HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        assert said.split()[1] in (b'404', b'308') and b'root:' not in said and b'create_app' not in said


SMUGGLED = (
    b'POST /do/suspend HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 7\r\n\r\nall=yes'
)
AMBIGUOUS = {
    'both lengths': b'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'two lengths': b'Content-Length: 0\r\nContent-Length: %d\r\n\r\n' % len(SMUGGLED),
    'an unknown coding': b'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'a hidden coding': b'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'a signed length': b'Content-Length: +0\r\n\r\n',
    'a folded line': b'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
    'a blank before the colon': b'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    'a chunk size that is none': b'Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n',
}


@pytest.mark.parametrize('headers', AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_request_whose_end_is_in_doubt_hides_no_other(dashboard: str, redis: Redis, headers: bytes) -> None:
    foreign = b'POST /do/x HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n'
    said = raw(dashboard, foreign + headers + SMUGGLED)
    statuses = [line.split()[1] for line in said.splitlines() if line.startswith(b'HTTP/1.')]
    # Refused, and the connection with it; or understood as one request, and what follows as another of the same sender.
    assert statuses[:1] in ([b'400'], [b'403'], [b'501'])
    if statuses[0] != b'403':
        assert len(statuses) == 1 and not redis.exists('rq:suspended')


def test_line_breaks_in_what_is_asked_make_no_header_and_no_log_line(
    client: FlaskClient, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    evil = 'x\r\nSet-Cookie: evil=1\r\n\r\n<script>'
    form = {'back': f'/{evil}', 'queue': evil, 'name': evil, 'job': evil, 'sure': 'yes', 'bulk': evil, 'all': evil}
    for answer in (
        client.get('/worker/x%0d%0aSet-Cookie:%20evil=1'),
        client.get('/no%0d%0aSet-Cookie:%20evil=1'),
        client.post('/do/suspend', data=form),
        client.post('/do/requeue', data=form),
        client.post('/do/x%0d%0aSet-Cookie:%20evil=1', data=form),
    ):
        assert 'evil' not in str(answer.headers.get_all('Set-Cookie')) and '<script>' not in answer.text
        assert '\n' not in answer.headers.get('Location', '')
    create_app(redis, auth='basic', password='xyzzy').test_client().get('/', auth=('a\r\nforged line', 'b'))
    assert caplog.records and not [record for record in caplog.records if '\n' in record.getMessage()]


# --- in a browser -----------------------------------------------------------------------------------------------------

EVIL = """<!doctype html><title>evil</title>
<form id=f method=post action="{target}/do/suspend"><input name=all value=yes></form>
<iframe id=i src="{target}/"></iframe>
<script>
fetch('{target}/do/suspend', {{method: 'POST', mode: 'no-cors', body: new URLSearchParams('all=yes'), credentials: 'include'}})
  .finally(() => fetch('{target}/api/v1/overview').then(() => 'read', () => 'refused').then(said => {{
    document.title = said
  }}))
</script>"""


@pytest.fixture
def evil(dashboard: str) -> Iterator[str]:
    """A page of another site (another port is one) that attacks the dashboard."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            self.end_headers()
            self.wfile.write(EVIL.format(target=dashboard).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_of_another_site_can_neither_act_nor_read_nor_frame(
    page: Page, evil: str, dashboard: str, redis: Redis, complaints: Complaints
) -> None:
    page.goto(evil)
    page.wait_for_function('document.title != "evil"')
    assert page.title() == 'refused'
    assert page.frame_locator('#i').locator('#menu').count() == 0
    with page.expect_navigation() as navigated:
        page.evaluate('document.getElementById("f").submit()')
    answer = navigated.value
    assert answer.status == 403 and 'another site' in page.inner_text('main')
    assert not redis.exists('rq:suspended')
    refusals_expected(complaints)


def test_a_button_of_our_own_page_acts(page: Page, dashboard: str, redis: Redis, complaints: Complaints) -> None:
    complaints.confirm = True
    page.goto(dashboard)
    page.click('text=Pause all work')
    page.wait_for_selector('text=Resume all work')
    assert redis.exists('rq:suspended')


def test_a_name_that_somebody_lets_point_here_is_refused(browser: Browser, dashboard: str) -> None:
    rule = '--host-resolver-rules=MAP rebound.example 127.0.0.1'
    arguments = ['--no-sandbox', '--disable-dev-shm-usage', rule]
    rebound = browser.browser_type.launch(executable_path=chromium(), args=arguments)
    tab = rebound.new_page()
    answer = tab.goto(dashboard.replace('127.0.0.1', 'rebound.example') + '/api/v1/overview')
    assert answer is not None and answer.status == 421 and 'queues' not in tab.content()
    rebound.close()
