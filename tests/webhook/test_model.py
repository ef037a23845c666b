"""Webhook: what it takes, what is stored, what is told. RQ 3.0.0's answers, taken down by running it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from redis import Redis

import rq
from rq.job import Job, JobStatus
from rq.webhook import Webhook, from_text, to_text
from tests.support.processes import ROOT

URL = 'must be an http:// or https:// URL'


@pytest.mark.parametrize(
    ('url', 'job_status', 'options'),
    [
        ('http://a/', 'finished', {}),
        ('HTTPS://A', 'failed', {'method': 'POST'}),
        ('http://a:99999/', 'failed', {'timeout': True}),
        (' http://a b/é', JobStatus.FINISHED, {'headers': {}}),
        ('http://u:p@a/', JobStatus.FAILED, {'headers': {'X': 1}, 'timeout': 1}),
    ],
)
def test_what_rq_takes_is_taken(url: str, job_status: Any, options: dict[str, Any]) -> None:
    webhook = Webhook(url, job_status, **options)
    stored = {'url': url, 'job_status': job_status, 'method': 'GET', 'headers': None, 'timeout': 10} | options
    assert webhook.to_dict() == stored
    assert list(webhook.to_dict()) == ['url', 'job_status', 'method', 'headers', 'timeout']
    assert Webhook.from_dict(stored) == webhook == pickle.loads(pickle.dumps(webhook))


@pytest.mark.parametrize(
    ('url', 'job_status', 'options', 'error', 'message'),
    [
        ('ftp://a/', 'failed', {}, ValueError, f"{URL}, got 'ftp://a/'"),
        ('file:///etc/passwd', 'failed', {}, ValueError, URL),
        ('a/b', 'failed', {}, ValueError, URL),
        ('//a/b', 'failed', {}, ValueError, URL),
        ('http://', 'failed', {}, ValueError, URL),
        ('', 'failed', {}, ValueError, URL),
        (None, 'failed', {}, ValueError, f'{URL}, got None'),
        (b'http://a', 'failed', {}, ValueError, URL),
        ('http://[::1', 'failed', {}, ValueError, 'Invalid IPv6 URL'),
        ('http://a', 'queued', {}, ValueError, "job_status must be 'finished' or 'failed', got 'queued'"),
        ('http://a', 'FINISHED', {}, ValueError, 'job_status must be'),
        ('http://a', 'stopped', {}, ValueError, 'job_status must be'),
        ('http://a', None, {}, ValueError, 'job_status must be'),
        ('http://a', 'failed', {'method': 'PUT'}, ValueError, "method must be 'GET' or 'POST', got 'PUT'"),
        ('http://a', 'failed', {'method': 'post'}, ValueError, 'method must be'),
        ('http://a', 'failed', {'timeout': 0}, ValueError, 'timeout must be a positive integer, got 0'),
        ('http://a', 'failed', {'timeout': 1.5}, ValueError, 'timeout must be'),
        ('http://a', 'failed', {'timeout': '5'}, ValueError, 'timeout must be'),
        ('http://a', 'failed', {'timeout': None}, ValueError, 'timeout must be'),
        ('http://a', 'failed', {'headers': [('X', '1')]}, TypeError, 'headers must be a dict or None, got list'),
    ],
)
def test_what_rq_refuses_is_refused(
    url: Any, job_status: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        Webhook(url, job_status, **options)
    assert message in str(raised.value)


@pytest.mark.parametrize('data', [{}, {'url': 'http://a'}, {'url': 'x', 'job_status': 'failed'}, 'x', None, 3])
def test_what_is_stored_and_no_webhook_is_refused(data: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Webhook.from_dict(data)


def test_fields_of_a_later_version_are_left_alone() -> None:
    assert Webhook.from_dict({'url': 'http://a', 'job_status': 'failed', 'x': 1}) == Webhook('http://a', 'failed')


def test_the_stored_form_is_rqs() -> None:
    webhooks = [Webhook('http://a', JobStatus.FINISHED, method='POST', headers={'X': '1'}, timeout=3)]  # type: ignore[arg-type]
    text = '[{"url": "http://a", "job_status": "finished", "method": "POST", "headers": {"X": "1"}, "timeout": 3}]'
    assert to_text(webhooks) == to_text(tuple(webhooks)) == text
    assert from_text(text) == from_text(text.encode()) == webhooks
    assert to_text(None) is to_text([]) is to_text(()) is None
    assert from_text(b'') == from_text('[]') == []


@pytest.mark.parametrize(
    'wrong', [Webhook('http://a', 'failed'), {'url': 'http://a'}, ['http://a'], [None], 'http://a']
)
def test_what_are_no_webhooks_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match='webhooks must be a sequence of Webhook instances'):
        to_text(wrong)


@pytest.mark.parametrize('stored', ['no json', '3', 'null', '{"a": 1}', '[' * 100_000, b'\xff', '["x"]'])
def test_stored_webhooks_that_cannot_be_read_are_a_line_in_the_log(stored: Any, caplog: Any) -> None:
    assert from_text(stored) == []
    (record,) = caplog.records
    assert 'cannot be read' in record.message
    assert '\n' not in record.message


def test_one_stored_webhook_that_cannot_be_read_costs_no_other(caplog: Any) -> None:
    stored = [{'url': 'ftp://a', 'job_status': 'failed'}, Webhook('http://b', 'failed').to_dict()]
    assert from_text(json.dumps(stored)) == [Webhook('http://b', 'failed')]
    assert len(caplog.records) == 1


def test_a_payload_tells_what_rqs_does(job: Job) -> None:
    finished = {
        'job_id': 'abc',
        'func_name': 'shop.orders.bill',
        'status': 'finished',
        'enqueued_at': '2026-01-02T03:04:05.000006+00:00',
        'ended_at': '2026-01-02T03:04:07+00:00',
    }
    assert Webhook('http://a', 'finished').get_payload(job, exc_string='no') == finished
    failed = finished | {'status': 'failed', 'exc_info': None}
    assert Webhook('http://a', 'failed').get_payload(job) == failed
    assert Webhook('http://a', 'failed').get_payload(job, exc_string='x') == failed | {'exc_info': 'x'}


def test_a_job_whose_call_cannot_be_read_is_told_all_the_same() -> None:
    job = Job('abc', connection=Redis(port=1))
    job.restore({b'data': b'broken', b'created_at': b''})
    payload = Webhook('http://a', 'failed').get_payload(job, exc_string='x')
    assert payload == {
        'job_id': 'abc', 'func_name': None, 'status': 'failed', 'enqueued_at': None, 'ended_at': None, 'exc_info': 'x'
    }  # fmt: skip


def test_of_a_huge_traceback_both_ends_are_told(job: Job) -> None:
    text = 'first\n' + 'x' * 10_000_000 + '\nlast'
    told = Webhook('http://a', 'failed').get_payload(job, exc_string=text)['exc_info']
    assert len(told) < 70_000
    assert told.startswith('first\n')
    assert told.endswith('\nlast')
    assert '9934475 characters left out' in told


def test_a_webhook_is_made_without_an_http_client() -> None:
    assert rq.Webhook is Webhook
    code = "import sys, rq; rq.Webhook('http://a', 'failed'); print('http.client' in sys.modules, 'ssl' in sys.modules)"
    without = "import sys, redis; print('http.client' in sys.modules, 'ssl' in sys.modules)"
    told = [
        subprocess.run([sys.executable, '-c', one], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for one in (code, without)
    ]
    assert told[0] == told[1]
