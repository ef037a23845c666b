"""Pages Dependencies and Limits in a browser, while a worker works."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from redis import Redis

from rq import Queue, SimpleWorker
from rq.group import Group
from rq.rate_limit import RateLimit
from rq.store import keys
from tests.monitor import work


def test_the_chain_is_a_click_away_and_the_page_renews_itself(redis: Redis, dashboard: str, page: Page) -> None:
    queue = Queue('q', connection=redis)
    queue.enqueue(work.add, 1, 2, job_id='first')
    queue.enqueue(work.add, 1, 2, job_id='second', depends_on='first')
    queue.enqueue(work.add, 1, 2, job_id='third', depends_on='second')
    Group.create(redis, name='import').enqueue_many(
        queue, [Queue.prepare_data(work.add, (1, 2), result_ttl=500) for _ in range(3)]
    )
    page.goto(f'{dashboard}/dependencies')
    expect(page.locator('tr', has_text='second').first).to_contain_text('first')
    page.locator('tr', has_text='third').get_by_role('link', name='chain').click()
    expect(page.locator('ol li', has_text='First')).to_contain_text('first')
    expect(page.locator('ol li')).to_have_count(3)
    page.get_by_role('link', name='All waiting jobs').click()
    expect(page.locator('tr', has_text='import')).to_contain_text('0 of 3')
    SimpleWorker([queue], connection=redis).work(burst=True)
    expect(page.locator('tr', has_text='import')).to_contain_text('3 of 3')
    expect(page.locator('main')).to_contain_text('No job waits for another')
    page.get_by_role('link', name='import').click()
    expect(page.locator('tbody tr')).to_have_count(3)


def test_what_failed_of_a_group_is_retried_and_the_rest_canceled(redis: Redis, dashboard: str, page: Page) -> None:
    queue, other = (Queue(name, connection=redis) for name in ('q', 'other'))
    for name in ('import', 'import "*"'):
        group = Group.create(redis, name=name)
        group.enqueue_many(queue, [Queue.prepare_data(work.fail, ('no',), result_ttl=500) for _ in range(2)])
        SimpleWorker([queue], connection=redis).work(burst=True, logging_level='CRITICAL')
        group.enqueue_many(other, [Queue.prepare_data(work.add, (1, 2)) for _ in range(3)])
    page.goto(f'{dashboard}/dependencies')
    rows = page.locator('tr', has_text='import')
    expect(rows).to_have_count(2)
    expect(rows.get_by_role('button')).to_have_count(2)  # a filter cannot name the second one alone
    rows.get_by_role('button', name='Cancel the rest …').click()
    page.get_by_role('button', name='Cancel 3 jobs').click()
    expect(page.locator('#flash')).to_contain_text('3 jobs canceled')
    page.get_by_role('button', name='Requeue failed …').click()
    page.get_by_role('button', name='Requeue 2 jobs').click()
    expect(page.locator('#flash')).to_contain_text('2 jobs requeued')
    assert len(queue.job_ids) == 2 and len(other.job_ids) == 3


def test_a_slot_that_is_held_for_nothing_is_released(redis: Redis, dashboard: str, page: Page) -> None:
    queue = Queue('q', connection=redis)
    for name in ('holds', 'waits'):
        queue.enqueue(work.add, 1, 2, job_id=name, rate_limit=RateLimit('crm', concurrency=1))
    page.goto(f'{dashboard}/limits')
    expect(page.locator('tr', has_text='crm')).to_contain_text('1 held')
    page.get_by_role('link', name='crm').click()
    expect(page.locator('tr', has_text='waits')).to_contain_text('rate limited')
    redis.delete(keys.job('holds'))
    row = page.locator('tr', has_text='holds')
    expect(row).to_contain_text('not stored any more')
    row.get_by_role('button', name='Release').click()
    page.get_by_role('button', name='Release').first.click()
    expect(page.locator('#flash')).to_contain_text('The slot is free again')
    expect(page.locator('tr', has_text='waits')).to_contain_text('queued')


def test_hostile_names_stay_text(redis: Redis, dashboard: str, page: Page) -> None:
    script = '"><img src=x onerror=alert(1)>'
    queue = Queue(script, connection=redis)
    queue.enqueue(work.send, to=script, job_id='first', rate_limit=RateLimit(script, concurrency=1))
    queue.enqueue(work.send, to=script, job_id='next', depends_on='first')
    Group.create(redis, name=script).enqueue_many(queue, [Queue.prepare_data(work.send, (script,))])
    redis.sadd(keys.dependencies('next'), script, b'\xff\xfe')
    redis.sadd(keys.groups(), b'\xff\xfe')
    for where in ('dependencies', 'dependencies?job=next', 'limits', 'limits?name=onerror'):
        page.goto(f'{dashboard}/{where}')
        expect(page.locator('main')).to_contain_text('onerror')
        assert page.locator('main img').count() == 0
    page.goto(f'{dashboard}/limits')
    page.locator('tbody a').first.click()
    expect(page.locator('h1')).to_contain_text('onerror')
    page.goto(f'{dashboard}/dependencies')
    page.locator('tr', has_text='onerror').last.locator('a').first.click()
    expect(page.locator('main')).to_contain_text('looked at')
