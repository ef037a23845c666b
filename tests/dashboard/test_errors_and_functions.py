"""Pages Errors and Functions: what failed and how, what runs and what it costs; acted on by clicking, whatever the data."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from redis import Redis

from rq import Queue, SimpleWorker
from rq.dashboard.names import to_path
from rq.fingerprint import describe
from rq.monitor import errors as monitor
from rq.registry import FailedJobRegistry
from rq.store import errors, stats
from rq.store.stats import HEAVY, SLOW, Batch
from tests.dashboard.conftest import Complaints

HOSTILE = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>'
CHARGES = f'{__name__}.charges'


def charges(card: str) -> None:
    raise ValueError(f'card {card} was refused')


def work(redis: Redis, *calls: tuple[Any, ...]) -> Queue:
    queue = Queue('shop', connection=redis)
    for function, *arguments in calls:
        queue.enqueue(function, *arguments)
    SimpleWorker([queue], connection=redis).work(burst=True, logging_level='CRITICAL')
    return queue


@pytest.fixture
def failed(redis: Redis) -> str:
    """The fingerprint of three failures."""
    work(redis, (charges, 1), (charges, 2), (charges, 3), ('operator.add', 1, 2))
    [fingerprint] = errors.fingerprints(redis, 0, 10)
    return fingerprint


def test_failures_that_look_alike_are_one_line_with_a_page_of_its_own(client: FlaskClient, failed: str) -> None:
    listed = client.get('/errors').text
    assert 'ValueError' in listed and f'/error/{failed}' in listed and CHARGES in listed
    page = client.get(f'/error/{failed}').text
    assert 'test_errors_and_functions.py charges' in page and 'Traceback (most recent call last)' in page
    assert page.count('class="id"') == 3
    told = client.get(f'/api/v1/error/{failed}').json
    assert told is not None and told['group']['count'] == 3 and len(told['jobs']) == 3


def test_a_job_of_today_and_its_stored_traceback_have_the_same_fingerprint(redis: Redis, failed: str) -> None:
    job = Queue('shop', connection=redis).fetch_job(FailedJobRegistry('shop', connection=redis).get_job_ids()[0])
    assert job is not None and describe(job.latest_result().exc_string or '').fingerprint == failed  # type: ignore[union-attr]


def test_a_group_is_muted_heard_again_and_retried_by_clicking(
    page: Page, dashboard: str, redis: Redis, failed: str, complaints: Complaints
) -> None:
    complaints.confirm = True
    page.goto(f'{dashboard}/error/{failed}')
    page.get_by_role('button', name='Mute').click()
    expect(page.get_by_role('button', name='Unmute')).to_be_visible()
    page.goto(f'{dashboard}/errors')
    expect(page.get_by_text('All of these are muted')).to_be_visible()
    page.goto(f'{dashboard}/errors?show=muted')
    page.get_by_role('link', name='ValueError').click()
    page.get_by_role('button', name='Unmute').click()
    expect(page.get_by_role('button', name='Mute')).to_be_visible()
    page.get_by_role('button', name='Retry these jobs').click()
    page.get_by_role('button', name=re.compile('Requeue')).first.click()
    expect(page.locator('.flash')).to_contain_text('3')
    assert Queue('shop', connection=redis).count == 3


def test_functions_are_listed_by_cost_and_shown_one_by_one(client: FlaskClient, redis: Redis) -> None:
    work(redis, ('time.sleep', 0.02), ('operator.add', 1, 2), (charges, 1))
    listed = client.get('/functions').text
    assert listed.index('time.sleep') < listed.index('operator.add')
    order = client.get('/functions?sort=failures').text
    assert order.index(CHARGES) < order.index('time.sleep')
    for span in ('1h', '24h', '7d', '90d'):
        page = client.get(f'/function/{to_path("time.sleep")}?span={span}').text
        assert 'Slowest runs' in page and page.count('class="id"') >= 1
    told = client.get(f'/api/v1/function/{to_path("time.sleep")}').json
    assert told is not None and told['one']['function']['runs'] == 1
    assert client.get('/function/nobody').status_code == 404


def test_a_page_of_functions_renews_itself_while_a_worker_works(page: Page, dashboard: str, redis: Redis) -> None:
    page.goto(f'{dashboard}/functions')
    expect(page.get_by_text('No function has run')).to_be_visible()
    work(redis, ('operator.add', 1, 2))
    expect(page.get_by_role('link', name='operator.add')).to_be_visible()


def test_hostile_names_and_messages_are_shown_as_text(page: Page, dashboard: str, redis: Redis) -> None:
    now = stats.server_time(redis)
    name = stats.clean_name(HOSTILE)
    row = ['a' * 12, now, now, 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, [name], [HOSTILE, now]]
    function = [int(now), name, 1, 1, 10, 10, 10, 10, [12, 1], [12, 1]]
    tops = [[int(now), kind, name, 10, HOSTILE] for kind in (SLOW, HEAVY)]
    stats.record(redis, 'w', 1, Batch([[int(now), name, 1, 1, 0, 0, 0, 0, 1, 1]], [function], tops, [row]))
    stats.mark_deploy(redis, HOSTILE)
    for path in ('/errors', '/error/' + 'a' * 12, '/functions', f'/function/{to_path(name)}'):
        page.goto(dashboard + path)
        expect(page.get_by_text('<script>').first).to_be_attached()


def test_many_functions_and_errors_are_paged(client: FlaskClient, redis: Redis) -> None:
    now = stats.server_time(redis)
    rows = [[int(now), f'f{number:03}', 1, 0, 1000 - number, 0, 0, 0, [12, 1], [12, 1]] for number in range(400)]
    errors_ = [[f'{number:012x}', now, now, 1, f'E{number}', 'no', '', '', '1', ['f'], []] for number in range(400)]
    stats.record(redis, 'w', 1, Batch(functions=rows, errors=errors_))
    assert 'f024' in client.get('/functions').text and 'f025' in client.get('/functions?page=2').text
    assert client.get('/errors').text.count('/error/0') == 25
    assert 'of 400' in client.get('/errors?page=2').text
    assert monitor.groups(redis).total == 400
