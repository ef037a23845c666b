"""Overview and Workers in a browser, while workers work."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from redis import Redis

from rq import Queue
from rq.dashboard.names import to_path
from rq.store import keys, stats
from rq.store.stats import Batch
from tests.dashboard.conftest import Complaints
from tests.monitor.test_workers import born
from tests.support.processes import Processes


def test_what_needs_attention_comes_and_goes_by_itself(page: Page, dashboard: str, redis: Redis) -> None:
    page.goto(dashboard)
    expect(page.locator('.fine')).to_contain_text('Nothing.')
    born(redis, 'w1')
    Queue('exports', connection=redis).enqueue('f')
    concern = page.locator('.concern.bad')
    expect(concern).to_contain_text('Queue exports has no worker')
    redis.sadd(keys.workers_of('exports'), keys.worker('w1'))
    expect(page.locator('.fine')).to_be_visible()


def test_all_work_is_paused_and_resumed_by_clicks(
    page: Page, dashboard: str, redis: Redis, complaints: Complaints
) -> None:
    complaints.confirm = True
    page.goto(dashboard)
    page.get_by_role('button', name='Pause all work').click()
    expect(page.locator('.concern.warn')).to_contain_text('All work is paused')
    expect(page.locator('.strip')).to_contain_text('All paused')
    assert redis.exists(keys.suspended())
    page.get_by_role('button', name='Resume all work').click()
    expect(page.locator('.fine')).to_be_visible()
    assert not redis.exists(keys.suspended())


def test_what_a_worker_does_is_seen_while_it_does_it(
    page: Page, dashboard: str, redis: Redis, redis_url: str, processes: Processes
) -> None:
    queue = Queue('mail', connection=redis)
    jobs = [queue.enqueue('time.sleep', 1.5), *(queue.enqueue('time.sleep', 0.01) for _ in range(20))]
    page.goto(dashboard)
    expect(page.locator('.strip')).to_contain_text('21 waiting')
    processes.rq('worker', '--name', 'web-1', 'mail', url=redis_url)
    running = page.locator('section', has_text='Running now').locator('tbody tr')
    expect(running).to_contain_text(['time.sleep'])
    assert jobs[0].id[:8] in running.inner_text()
    expect(page.locator('.tiles')).to_contain_text('1 of 1')
    expect(page.locator('.strip')).to_contain_text('0 waiting')
    page.goto(f'{dashboard}/workers')
    expect(page.locator('tbody tr')).to_contain_text(['web-1'])


def test_the_charts_show_what_was_recorded_in_the_chosen_time(page: Page, dashboard: str, redis: Redis) -> None:
    now = stats.server_time(redis)
    rows = [[now - ago, 'mail', 60, 57, 3, 0, 0, 0, 10**6, 10**6] for ago in (120, 180, 40_000)]
    stats.record(redis, 'test', 1, Batch(queues=rows))
    redis.zadd(keys.deploys(), {'v<7>': now - 1000})
    page.goto(dashboard)
    chart = page.locator('svg.line').first
    texts = chart.locator('title').all_text_contents()
    assert any(text.endswith('finished 57, failed 3, came in 60') or 'finished 57, failed 3' in text for text in texts)
    assert any('v<7> seen first' in text for text in texts)
    assert sum('finished 57' in text for text in texts) == 2
    page.click('.spans a:text-is("24 h")')
    page.wait_for_url('**/?span=24h')
    assert page.locator('.spans a[aria-current]').inner_text() == '24 h'
    # The two minutes may lie in two steps of ten minutes, and one that has only begun tells nothing.
    told = page.locator('svg.line').first.locator('title', has_text='finished 5.7').count()
    assert 1 <= told <= 2


def test_a_worker_is_stopped_by_clicks(page: Page, dashboard: str, redis_url: str, processes: Processes) -> None:
    worker = processes.rq('worker', '--name', 'web-1', 'mail', url=redis_url)
    page.goto(f'{dashboard}/workers')
    page.get_by_role('link', name='web-1').click()
    page.wait_for_url('**/worker/web-1')
    page.get_by_role('button', name='Stop after this job').click()
    page.get_by_role('button', name='Shut down').click()
    expect(page.locator('.flash')).to_contain_text('web-1 is told to shut down')
    assert worker.popen.wait(timeout=10) == 0
    page.goto(f'{dashboard}/workers')
    expect(page.locator('main')).to_contain_text('No worker is running')


def test_a_worker_that_never_was_is_told_so(page: Page, dashboard: str, complaints: Complaints) -> None:
    page.goto(f'{dashboard}/worker/~~3Cb~3E')
    expect(page.locator('main')).to_contain_text("There is no worker '<b>'")
    complaints.texts.clear()  # Chromium notes the 404


def test_workers_of_one_queue_and_different_versions_are_told_apart(page: Page, dashboard: str, redis: Redis) -> None:
    born(redis, 'old', version='2.9')
    born(redis, 'one')
    born(redis, 'two')
    page.goto(f'{dashboard}/workers?queue=a')
    expect(page.locator('h1')).to_have_text('Workers of queue a')
    expect(page.locator('.notice')).to_contain_text('2 × 3.0.0, 1 × 2.9')
    expect(page.locator('tbody tr', has_text='old')).to_contain_text('version 2.9')
    redis.delete(keys.lease('two'))
    expect(page.locator('tbody tr', has_text='two')).to_contain_text('silent')


def test_the_jobs_of_a_worker_are_found_whatever_its_name(page: Page, dashboard: str, redis: Redis) -> None:
    born(redis, 'web 1, left')
    job = Queue('q', connection=redis).enqueue('f')
    redis.hset(keys.job(job.id), 'worker_name', 'web 1, left')
    page.goto(f'{dashboard}/worker/{to_path("web 1, left")}')
    page.get_by_role('link', name='Its jobs').click()
    expect(page.locator('tbody tr')).to_contain_text(job.id[:8])
