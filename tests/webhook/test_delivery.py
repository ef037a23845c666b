"""Delivery: to good servers and to bad ones, on real sockets. It always ends in time, and it never raises."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq.job import Job, JobStatus
from rq.webhook import Webhook, deliver
from rq.webhook.address import OPEN, Refused, Rules
from rq.webhook.transport import Request, send
from tests.webhook.conftest import Start
from tests.webhook.endpoint import OK, black_hole, reply


def failures(caplog: Any) -> list[str]:
    """The lines in the log; none of them is more than a line."""
    messages = [record.getMessage() for record in caplog.records]
    assert all('\n' not in message for message in messages)
    assert not any(record.exc_info for record in caplog.records)
    return messages


# --- What is sent -----------------------------------------------------------------------------------------------------


def test_a_get_has_no_body(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint()
    Webhook(f'{server.url}/done?x=1#part', 'finished').send(job)
    head, _, body = server.request.partition('\r\n\r\n')
    assert head.startswith('GET /done?x=1 HTTP/1.1\r\n')
    assert f'\r\nHost: 127.0.0.1:{server.port}\r\n' in head
    assert 'Content-' not in head
    assert body == ''
    assert failures(caplog) == []


def test_a_post_tells_the_outcome_as_json(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint()
    webhook = Webhook(f'{server.url}/done', 'failed', method='POST')
    webhook.send(job, exc_string='Oh\nnö')
    head, _, body = server.request.partition('\r\n\r\n')
    assert head.startswith('POST /done HTTP/1.1\r\n')
    assert '\r\nContent-Type: application/json' in head
    assert f'\r\nContent-Length: {len(body)}' in head
    assert json.loads(body) == webhook.get_payload(job, exc_string='Oh\nnö')
    assert failures(caplog) == []


def test_the_callers_headers_go_before_ours(job: Job, endpoint: Start) -> None:
    server = endpoint()
    headers = {'content-type': 'text/x', 'Host': 'there', 'User-Agent': 'me', 'X-Number': 1, 'Content-Length': '0',
               'transfer-encoding': 'chunked'}  # fmt: skip
    Webhook(server.url, 'finished', method='POST', headers=headers).send(job)
    head, _, body = server.request.partition('\r\n\r\n')
    lines = [line.lower() for line in head.split('\r\n')]
    assert {'content-type: text/x', 'host: there', 'user-agent: me', 'x-number: 1'} < set(lines)
    names = [line.partition(':')[0] for line in lines]
    assert len(names) == len(set(names))
    assert f'content-length: {len(body)}' in lines
    assert 'transfer-encoding' not in names


@pytest.mark.parametrize(
    'headers', [{'X': 'a\r\nB: c'}, {'X\r\nB': 'c'}, {'X': 'a\n B'}, {'X': 'ж'}, {'X:': 'a'}, {'X': None}]
)
def test_a_header_that_cannot_be_one_is_not_sent(
    headers: dict[str, Any], job: Job, endpoint: Start, caplog: Any
) -> None:
    server = endpoint()
    Webhook(server.url, 'finished', headers=headers).send(job)
    assert len(failures(caplog)) == 1
    assert server.requests == []


@pytest.mark.parametrize(
    ('path', 'sent'),
    [('/\r\nX: y', '/X:%20y'), ('/a b', '/a%20b'), ('/é%20?q=ž', '/%C3%A9%20?q=%C5%BE'), ('?a', '/?a')],
)
def test_a_path_is_one_path(path: str, sent: str, job: Job, endpoint: Start) -> None:
    server = endpoint()
    Webhook(f'{server.url}{path}', 'finished').send(job)
    assert server.request.startswith(f'GET {sent} HTTP/1.1\r\n')
    assert '\r\nX: y' not in server.request


@given(
    st.text(),
    st.text(),
    st.text(),
    st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none())),
)
def test_no_text_breaks_out_of_its_place(host: str, path: str, query: str, headers: dict[str, Any]) -> None:
    unknown = Rules(resolve=lambda host, port: [])
    request = Request('GET', f'http://a{host}/{path}?{query}', headers)
    with contextlib.suppress(ValueError):
        assert re.fullmatch(r'/[!-~]*', request.target)
        for name, value in request.all_headers.items():
            assert not re.search(r'[\r\n\0]', f'{name}{value}')
    with pytest.raises((Refused, ValueError, OSError)):
        send(request, 5, unknown)


def test_those_that_ask_for_the_status_are_sent_in_their_order(job: Job, endpoint: Start) -> None:
    server = endpoint()
    statuses = ['finished', 'failed', 'finished', 'failed']
    job.webhooks = [Webhook(f'{server.url}/{n}', status) for n, status in enumerate(statuses)]  # type: ignore[arg-type]
    deliver(job, JobStatus.FINISHED)
    assert [request.split()[1] for request in server.requests] == [b'/0', b'/2']
    deliver(job, 'FAILED', exc_string='x')
    assert [request.split()[1] for request in server.requests[2:]] == [b'/1', b'/3']
    deliver(job, 'stopped')
    assert len(server.requests) == 4


def test_the_id_of_a_delivery_is_the_same_when_it_is_told_again(job: Job, endpoint: Start) -> None:
    server = endpoint()
    job.webhooks = [Webhook(server.url, 'finished'), Webhook(server.url, 'finished')]
    for execution in ('one', 'one', 'two', '', ''):
        deliver(job, 'finished', execution=execution)
    ids = [request.partition(b'X-RQ-Delivery: ')[2].partition(b'\r\n')[0].decode() for request in server.requests]
    assert ids[0:2] == ids[2:4]
    assert ids[6:8] == ids[8:10]
    assert len(set(ids)) == 6
    assert all(len(one) == 32 and one.isalnum() for one in ids)


def test_no_proxy_of_the_environment_is_asked(
    job: Job, endpoint: Start, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = endpoint(), endpoint()
    for name in ('http_proxy', 'HTTP_PROXY', 'ALL_PROXY'):
        monkeypatch.setenv(name, proxy.url)
    Webhook(server.url, 'finished').send(job)
    assert server.request
    assert proxy.connections == 0


def test_ipv6_is_spoken(job: Job, endpoint: Start, caplog: Any) -> None:
    try:
        server = endpoint(host='::1')
    except OSError:
        pytest.skip('this machine has no IPv6')
    Webhook(server.url, 'finished').send(job)
    assert f'\r\nHost: [::1]:{server.port}\r\n' in server.request
    assert failures(caplog) == []


# --- Bad servers ------------------------------------------------------------------------------------------------------


def dead_port() -> str:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return f'http://127.0.0.1:{taken.getsockname()[1]}/'


def test_a_dead_port_is_a_line_in_the_log(job: Job, caplog: Any) -> None:
    url = dead_port()
    Webhook(url, 'finished').send(job)
    (line,) = failures(caplog)
    assert line.startswith(f'Failed to send webhook to {url[:-1]} for job abc: ConnectionRefusedError')
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    ('answer', 'said'),
    [
        (reply(500), 'it answered 500'),
        (reply(404, body=b'x' * 100), 'it answered 404'),
        (reply(304), 'it answered 304'),
        (reply(302), 'it answered 302'),  # to nowhere
        (b'SSH-2.0-x\r\n', 'BadStatusLine'),
        (b'', 'RemoteDisconnected'),
        (b'HTTP/1.1 200 OK\r\nA: \x1b[2J\x07' + b'x' * 70_000, 'longer than 65536 bytes'),
        (b'HTTP/1.1 200 OK\r\n' + (b'A: ' + b'x' * 1000 + b'\r\n') * 99 + b'\r\n', 'longer than 65536 bytes'),
        (b'HTTP/1.1 200 OK\r\n' + b'A: b\r\n' * 200 + b'\r\n', 'HTTPException'),
        (b'\x1b[2J' * 1000 + b'\r\n\r\n', 'BadStatusLine'),
    ],
)
def test_a_bad_answer_is_a_line_in_the_log(answer: bytes, said: str, job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint(answer)
    Webhook(server.url, 'finished').send(job)
    (line,) = failures(caplog)
    assert said in line
    assert line.isprintable()
    assert len(line) < 500


def test_a_huge_body_is_not_read(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n' + b'x' * 1_000_000)
    Webhook(server.url, 'finished').send(job)
    assert failures(caplog) == []


@pytest.mark.serial
def test_a_body_without_an_end_is_not_waited_for(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint(lambda connection: server.drip(connection, b'HTTP/1.1 200 OK\r\n\r\n'))
    started = time.monotonic()
    Webhook(server.url, 'finished', timeout=30).send(job)
    assert time.monotonic() - started < 5
    assert failures(caplog) == []


def in_time(request: Request, seconds: float = 0.3, rules: Any = OPEN) -> None:
    """Sends it, and fails unless it is given up when its time is over."""
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        send(request, seconds, rules)
    assert seconds * 0.9 <= time.monotonic() - started < seconds + 2  # 2: a machine with other work


@pytest.mark.serial
def test_a_server_that_takes_no_connection_is_given_up_in_time() -> None:
    with black_hole() as port:
        in_time(Request('GET', f'http://127.0.0.1:{port}'))


@pytest.mark.serial
def test_a_server_that_reads_nothing_is_given_up_in_time(endpoint: Start) -> None:
    listener = socket.create_server(('127.0.0.1', 0))
    with listener:
        in_time(Request('POST', f'http://127.0.0.1:{listener.getsockname()[1]}', body=b'x' * 30_000_000))


@pytest.mark.serial
def test_a_server_that_answers_nothing_is_given_up_in_time(endpoint: Start) -> None:
    server = endpoint(lambda connection: server.ended.wait())
    in_time(Request('GET', server.url))


@pytest.mark.serial
@pytest.mark.parametrize('first', [b'', b'HTTP/1.1 200 OK\r\nX: '])
def test_a_slow_loris_is_given_up_in_time(first: bytes, endpoint: Start) -> None:
    server = endpoint(lambda connection: server.drip(connection, first))
    in_time(Request('GET', server.url))


@pytest.mark.serial
def test_a_tls_handshake_without_an_end_is_given_up_in_time(endpoint: Start) -> None:
    listener = socket.create_server(('127.0.0.1', 0))
    with listener:
        in_time(Request('GET', f'https://127.0.0.1:{listener.getsockname()[1]}'))


@pytest.mark.serial
def test_all_redirects_have_one_deadline(endpoint: Start) -> None:
    def slow(connection: socket.socket) -> None:
        server.ended.wait(0.2)
        connection.sendall(reply(302, 'Location: /again\r\n'))

    server = endpoint(slow)
    in_time(Request('GET', server.url), 0.3)


@pytest.mark.serial
def test_one_address_that_does_not_answer_leaves_time_for_the_next(endpoint: Start, caplog: Any) -> None:
    server = endpoint()
    with black_hole() as port:
        both = [(socket.AF_INET, ('127.0.0.1', one)) for one in (port, server.port)]
        assert send(Request('GET', 'http://two.test/'), 1, Rules(resolve=lambda *_: both)) == 200


@pytest.mark.serial
def test_the_deadline_of_a_webhook_is_its_timeout(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint(lambda connection: server.drip(connection))
    started = time.monotonic()
    Webhook(server.url, 'finished', timeout=1).send(job)
    assert 0.9 < time.monotonic() - started < 3
    (line,) = failures(caplog)
    assert line.endswith('TimeoutError: not done within 1 s')


def test_one_that_fails_keeps_no_other_from_being_sent(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint()
    job.webhooks = [Webhook(dead_port(), 'failed'), Webhook(server.url, 'failed')]
    deliver(job, 'failed')
    assert server.request
    assert len(failures(caplog)) == 1


def test_webhooks_that_cannot_be_read_are_a_line_in_the_log(job: Job, caplog: Any) -> None:
    job.webhooks = 3
    deliver(job, 'failed')
    assert len(failures(caplog)) == 1


def test_the_log_tells_no_secrets_and_no_lies(job: Job, caplog: Any) -> None:
    port = dead_port().rpartition(':')[2]
    secret = f'http://127.0.0.1:{port}s3cret?token=s3cret'
    job._id = 'a\nb'
    Webhook(secret, 'finished', headers={'Authorization': 's3cret'}).send(job)
    Webhook(secret.replace('127', 'me:s3cret@127'), 'finished').send(job)
    first, second = failures(caplog)
    assert 's3cret' not in first + second
    assert 'for job a b' in first
    assert 'put them into a header' in second


# --- Redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_host_is_followed(status: int, job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint(reply(status, 'Location: /there\r\n'), OK)
    Webhook(f'{server.url}/here', 'finished', method='POST', headers={'X': '1'}).send(job)
    first, second = server.requests
    kept = status in (307, 308)
    assert second.startswith(b'POST /there ' if kept else b'GET /there ')
    assert (second.partition(b'\r\n\r\n')[2] == first.partition(b'\r\n\r\n')[2]) is kept
    assert (b'Content-Type' in second) is kept
    assert b'\r\nX: 1\r\n' in second
    assert failures(caplog) == []


@pytest.mark.parametrize('there', ['http://localhost:{port}/', '//evil.test/', 'http://127.0.0.2/', 'ftp://127.0.0.1/',
                                   'http://127.0.0.1:1/', 'file:///etc/passwd', 'http://127.0.0.1@evil.test/'])  # fmt: skip
def test_a_redirect_to_another_place_is_not_followed(there: str, job: Job, endpoint: Start, caplog: Any) -> None:
    other = endpoint()
    server = endpoint(reply(302, f'Location: {there.format(port=other.port)}\r\n'))
    Webhook(server.url, 'finished').send(job)
    (line,) = failures(caplog)
    assert 'it redirects to another' in line
    assert (len(server.requests), other.connections) == (1, 0)


def test_a_redirect_may_lead_to_tls_and_not_away_from_it() -> None:
    plain, secret = Request('GET', 'http://a.test/'), Request('GET', 'https://a.test/')
    assert plain.redirected(301, 'https://a.test/x').url == 'https://a.test/x'
    with pytest.raises(Refused, match='another port'):
        secret.redirected(301, 'http://a.test/x')


def test_a_circle_of_redirects_ends(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint(reply(302, 'Location: /again\r\n'))
    Webhook(server.url, 'finished').send(job)
    assert len(server.requests) == 4
    (line,) = failures(caplog)
    assert line.endswith('it redirects more than 3 times')
