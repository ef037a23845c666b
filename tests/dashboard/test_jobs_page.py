"""Page Jobs: searching, narrowing, choosing, going on; in a browser and without one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from redis import Redis

from rq import Queue, SimpleWorker
from rq.dashboard import create_app
from rq.store import keys
from tests.monitor import work
from tests.monitor.test_search import fill


def test_typing_finds_and_the_address_can_be_shared(redis: Redis, dashboard: str, page: Page) -> None:
    mail = Queue('mail', connection=redis)
    for name in ('Ann', 'Bob'):
        mail.enqueue(work.send, to=name, token='s3cret', job_id=f'to-{name}')
    page.goto(f'{dashboard}/jobs')
    expect(page.locator('tbody tr')).to_have_count(2)
    page.keyboard.press('/')
    page.keyboard.type('fn:*.send arg.to=bob')
    page.keyboard.press('Enter')
    page.wait_for_url('**q=fn*')
    expect(page.locator('tbody tr')).to_have_count(1)
    expect(page.locator('tbody tr')).to_contain_text('to-Bob')
    expect(page.locator('tbody tr')).to_contain_text('token=(hidden)')
    assert 's3cret' not in page.content()
    page.goto(page.url)
    expect(page.locator('tbody tr')).to_have_count(1)
    page.fill('#q', 'stat:failed')
    page.keyboard.press('Enter')
    expect(page.locator('.notice')).to_contain_text('There is no filter stat: - was state: meant?')


def test_counts_narrow_the_list_and_a_choice_is_requeued(redis: Redis, dashboard: str, page: Page) -> None:
    queue = Queue('q', connection=redis)
    for number in range(3):
        queue.enqueue(work.fail, 'no', job_id=f'broken-{number}')
    SimpleWorker([queue], connection=redis).work(burst=True)
    queue.enqueue(work.add, 1, 2, job_id='fine')
    page.goto(f'{dashboard}/jobs')
    page.locator('a:has(.status-failed)').first.click()
    page.wait_for_url('**state*failed*')
    expect(page.locator('tbody tr')).to_have_count(3)
    page.locator('tbody tr', has_text='broken-1').get_by_role('checkbox').check()
    expect(page.locator('[data-chosen]')).to_have_text('1')
    page.get_by_role('button', name='Requeue', exact=True).click()
    expect(page.locator('#flash')).to_contain_text('1 job requeued')
    expect(page.locator('tbody tr')).to_have_count(2)
    assert queue.get_job_ids() == ['fine', 'broken-1']
    page.locator('tbody tr', has_text='broken-2').get_by_role('checkbox').check()
    page.get_by_role('button', name='Run as a copy …').click()
    page.get_by_role('button', name='Run again as a copy: 1 job').click()
    expect(page.locator('#flash')).to_contain_text('1 job copied and enqueued')
    page.get_by_role('button', name='Requeue …').click()
    expect(page.locator('main')).to_contain_text('2 jobs')
    page.get_by_role('button', name='Requeue 2 jobs').click()
    expect(page.locator('tbody tr')).to_have_count(0)
    *known, _ = sorted(
        queue.get_job_ids(), key=lambda one: (one not in ('broken-0', 'broken-1', 'broken-2', 'fine'), one)
    )
    assert known == ['broken-0', 'broken-1', 'broken-2', 'fine']


def test_the_list_renews_itself_while_a_worker_works(redis: Redis, dashboard: str, page: Page) -> None:
    queue = Queue('q', connection=redis)
    queue.enqueue(work.add, 1, 2, job_id='one', result_ttl=500)
    page.goto(f'{dashboard}/jobs')
    expect(page.locator('tbody .status')).to_have_text('queued')
    SimpleWorker([queue], connection=redis).work(burst=True)
    expect(page.locator('tbody .status')).to_have_text('finished')


def test_the_help_stays_open_while_it_is_read(redis: Redis, serve: Callable[..., str], page: Page) -> None:
    page.goto(serve(create_app(redis, auth='none', live_seconds=0.2)) + '/jobs')
    with page.expect_response('**fragment=1*'):
        pass
    page.get_by_text('What can be asked for').click()
    fill(redis, 1)
    page.wait_for_timeout(800)  # four renewals that do not happen
    expect(page.locator('details[open]')).to_contain_text('arg.customer=42')
    page.get_by_text('What can be asked for').click()
    expect(page.locator('tbody tr')).to_have_count(1)


def test_who_may_only_look_has_nothing_to_click(redis: Redis) -> None:
    fill(redis, 1)
    text = create_app(redis, auth='none', read_only=True).test_client().get('/jobs?q=state:queued').text
    assert 'queued-000000' in text and 'Requeue' not in text and 'Delete' not in text and 'name="to"' not in text


def test_a_search_goes_on_where_it_ended(redis: Redis, client: FlaskClient) -> None:
    fill(redis, 300)
    seen: list[str] = []
    where = '/api/v1/jobs?q=fn:shop.pay&per_page=60'
    cursor = ''
    while True:
        found = client.get(f'{where}&cursor={cursor}').get_json()['found']
        seen += [job['id'] for job in found['jobs']]
        cursor = found['cursor']
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 150
    text = client.get('/jobs?q=fn:shop.pay').get_data(as_text=True)
    assert '<b>150</b> found among all 300 looked at' in ' '.join(text.split())


def test_what_is_hostile_stays_text(redis: Redis, dashboard: str, page: Page) -> None:
    script = '<script>alert(1)</script>'
    call: Any = pickle.dumps((script, None, (script, '"><img src=x onerror=alert(1)>'), {script: script}))
    fill(redis, 1, data=call, origin=script, status=script, worker_name=script, group_id=script)
    fill(redis, 1, start=1, data=b'\xff\xfe\x00', origin=b'\xff\xfe', status=b'\x80')
    redis.rpush(keys.queue(script), script)
    redis.sadd(keys.queues(), keys.queue(script))
    redis.hset(keys.job(script), mapping={'data': call, 'status': 'queued', 'origin': script})
    page.goto(f'{dashboard}/jobs')
    expect(page.locator('tbody tr')).to_have_count(3)
    page.fill('#q', f'"{script}" <img/src=x>')
    page.keyboard.press('Enter')
    expect(page.locator('.empty')).to_have_count(1)
    assert page.locator('main script, main img').count() == 0
    page.get_by_text('What can be asked for').click()
    expect(page.locator('details')).to_contain_text('arg.customer=42')
