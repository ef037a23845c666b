"""Where webhooks go: the checked address, with the name that was given, and never to where a cloud keeps its secrets."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rq.job import Job
from rq.webhook import Rules, Webhook
from rq.webhook.address import Address, Refused, addresses
from rq.webhook.transport import Request, send
from tests.webhook.conftest import Start

STRICT = Rules(strict=True)

LINK_LOCAL = ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe',
              '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1']  # fmt: skip
NOT_PUBLIC = ['127.0.0.1', '127.1.2.3', '0.0.0.0', '10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '224.0.0.1',
              '239.1.1.1', '255.255.255.255', '240.0.0.1', '::1', '::', 'fc00::1', 'fd00:ec2::254', 'fec0::1', 'ff02::1',
              '::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::7f00:1', '2002:0a00:0001::1']  # fmt: skip
PUBLIC = ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808']


def known_as(*ips: str) -> Callable[[str, int], list[Address]]:
    """A resolver that knows every name by these addresses."""

    def resolve(host: str, port: int) -> list[Address]:
        return [(socket.AF_INET6, (ip, port, 0, 0)) if ':' in ip else (socket.AF_INET, (ip, port)) for ip in ips]

    return resolve


def permitted(ip: str, **rules: Any) -> bool:
    try:
        found = addresses('a.test', 80, Rules(resolve=known_as(ip), **rules), 10)
    except Refused:
        return False
    return [address[1][0] for address in found] == [ip]


@pytest.mark.parametrize('ip', LINK_LOCAL)
def test_link_local_addresses_are_refused_whatever_the_rules(ip: str) -> None:
    assert not permitted(ip)
    assert not permitted(ip, strict=True)
    assert not permitted(ip, strict=True, allow=('a.test', '169.254.0.0/16', 'fe80::/10', '::/0'))


@pytest.mark.parametrize('ip', NOT_PUBLIC)
def test_what_is_not_public_is_refused_by_strict_rules_only(ip: str) -> None:
    assert permitted(ip)
    assert not permitted(ip, strict=True)
    assert permitted(ip, strict=True, allow=('b.test', 'A.TEST'))
    assert permitted(ip, strict=True, allow=('0.0.0.0/0', '::/0'))
    assert not permitted(ip, strict=True, allow=('192.0.2.0/24', 'test'))


@pytest.mark.parametrize('ip', PUBLIC)
def test_what_is_public_is_permitted(ip: str) -> None:
    assert permitted(ip)
    assert permitted(ip, strict=True)


@pytest.mark.parametrize(
    'host',
    ['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '0xa9.0xfe.0xa9.0xfe', '169.254.43518',
     '[fe80::1]', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '１６９.254.169.254'],
)  # fmt: skip
def test_however_it_is_written_link_local_is_refused(host: str, job: Job, caplog: Any) -> None:
    Webhook(f'http://{host}/latest/meta-data', 'finished', timeout=3).send(job)
    (record,) = caplog.records
    assert 'where webhooks must not go' in record.message


def test_a_name_of_a_link_local_address_is_refused(job: Job, caplog: Any) -> None:
    rules = Rules(resolve=known_as('169.254.169.254', 'fe80::1'))
    Webhook('http://metadata.test/', 'finished').send(job, rules=rules)
    (record,) = caplog.records
    assert 'metadata.test is 169.254.169.254, fe80::1, where webhooks must not go' in record.message


def test_a_refused_address_beside_a_good_one_is_left_out(endpoint: Start) -> None:
    server = endpoint()
    rules = Rules(resolve=known_as('169.254.169.254', '127.0.0.1'))
    assert send(Request('GET', f'http://mixed.test:{server.port}/'), 10, rules) == 200


def test_what_was_checked_is_what_is_connected_to(endpoint: Start) -> None:
    # A name server may answer the check with a good address and the connection with a bad one.
    server, asked = endpoint(), []

    def resolve(host: str, port: int) -> list[Address]:
        asked.append(host)
        return known_as('127.0.0.1' if len(asked) == 1 else '169.254.169.254')(host, port)

    assert send(Request('GET', f'http://turning.test:{server.port}/'), 10, Rules(resolve=resolve)) == 200
    assert asked == ['turning.test']
    assert f'\r\nHost: turning.test:{server.port}\r\n' in server.request


def test_a_redirect_is_checked_anew(endpoint: Start) -> None:
    server, asked = endpoint(b'HTTP/1.1 302 x\r\nLocation: /there\r\n\r\n'), []

    def resolve(host: str, port: int) -> list[Address]:
        asked.append(host)
        return known_as('127.0.0.1' if len(asked) == 1 else '169.254.169.254')(host, port)

    with pytest.raises(Refused, match='must not go'):
        send(Request('GET', f'http://turning.test:{server.port}/'), 10, Rules(resolve=resolve))
    assert len(server.requests) == 1


def test_strict_rules_refuse_this_very_machine(job: Job, endpoint: Start, caplog: Any) -> None:
    server = endpoint()
    for host in ('127.0.0.1', 'localhost', '2130706433', '017700000001', '0', '[::ffff:127.0.0.1]'):
        Webhook(f'http://{host}:{server.port}/', 'finished').send(job, rules=STRICT)
    assert [record.message.endswith('must not go') for record in caplog.records] == [True] * 6
    assert server.connections == 0
    Webhook(server.url, 'finished').send(job, rules=Rules(strict=True, allow=('127.0.0.0/8',)))
    assert server.request


@pytest.mark.serial
def test_a_name_without_an_answer_is_given_up_in_time() -> None:
    never = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r'not done within 0\.2 s'):
        send(Request('GET', 'http://slow.test/'), 0.2, Rules(resolve=lambda *_: never.wait(60) and []))  # type: ignore[arg-type,return-value]
    assert time.monotonic() - started < 3
    never.set()


def test_a_name_that_nobody_knows_is_a_line_in_the_log(job: Job, caplog: Any) -> None:
    def unknown(host: str, port: int) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

    for url in ('http://nowhere.test/', 'http://a:99999/', f'http://{"a" * 64}.test/', 'http://a..b/'):
        Webhook(url, 'finished').send(job, rules=Rules(resolve=unknown))
    Webhook('http://a.test/', 'finished').send(job, rules=Rules(resolve=known_as()))
    assert len(caplog.records) == 5
    assert 'gaierror' in caplog.records[0].message


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of hooks.test with its key, signed by itself."""
    folder = tmp_path_factory.mktemp('tls')
    command = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
               '-subj', '/CN=hooks.test', '-addext', 'subjectAltName=DNS:hooks.test',
               '-keyout', f'{folder}/key.pem', '-out', f'{folder}/cert.pem']  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder


def secured(server: Any, certificate: Path) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / 'cert.pem', certificate / 'key.pem')
    server.tls = context
    return server


def test_the_certificate_is_checked_against_the_name_that_was_given(
    endpoint: Start, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = secured(endpoint(), certificate)
    rules = Rules(resolve=known_as('127.0.0.1'))
    good, wrong = (Request('GET', f'https://{host}:{server.port}/') for host in ('hooks.test', 'other.test'))
    with pytest.raises(ssl.SSLCertVerificationError, match='self-signed'):
        send(good, 10, rules)
    monkeypatch.setenv('SSL_CERT_FILE', str(certificate / 'cert.pem'))
    with pytest.raises(ssl.SSLCertVerificationError, match='not valid for'):
        send(wrong, 10, rules)
    assert server.requests == []
    assert send(good, 10, rules) == 200
    assert f'\r\nHost: hooks.test:{server.port}\r\n' in server.request


def test_bad_tls_is_a_line_in_the_log(job: Job, endpoint: Start, certificate: Path, caplog: Any) -> None:
    selfsigned, plain = secured(endpoint(), certificate), endpoint(greeting=b'no tls here')
    Webhook(selfsigned.url, 'finished').send(job)
    Webhook(f'https://127.0.0.1:{plain.port}', 'finished', timeout=3).send(job)
    assert 'SSLCertVerificationError' in caplog.records[0].message
    assert 'SSLError' in caplog.records[1].message
    assert len(caplog.records) == 2
    assert selfsigned.requests == []
