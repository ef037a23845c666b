"""Page Schedules in a browser: cron jobs and scheduled jobs, while a scheduler and a worker work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from rq import Queue, SimpleWorker
from rq.store import cron, keys
from tests.monitor import work
from tests.monitor.test_schedules import scheduler
from tests.support.processes import ROOT, Processes

FILE = """
from os import getcwd
from rq import cron
cron.register(getcwd, 'slots', cron='* * * * * *', name='ticks')
"""


@pytest.mark.serial
def test_runs_appear_while_a_scheduler_works_until_it_is_paused(
    redis: Redis, redis_url: str, dashboard: str, page: Page, processes: Processes, tmp_path: Path
) -> None:
    path = tmp_path / 'crons.py'
    path.write_text(FILE)
    processes.rq('cron', str(path), url=redis_url, env={'PYTHONPATH': str(ROOT)})
    page.goto(f'{dashboard}/schedules')
    row = page.locator('tr', has_text='ticks')
    expect(row.locator('svg.cells rect')).not_to_have_count(0)
    expect(row).to_contain_text('Every minute')
    row.get_by_role('button', name='Pause').click()
    expect(page.locator('#flash')).to_contain_text('Cron job ticks is paused')
    expect(page.locator('tr', has_text='ticks').locator('.status-paused')).to_have_count(1)
    assert cron.paused(redis, ['ticks']) == [True]
    page.locator('tr', has_text='ticks').get_by_role('button', name='Resume').click()
    expect(page.locator('tr', has_text='ticks').locator('.status-paused')).to_have_count(0)


def test_a_run_is_asked_for_by_a_click(redis: Redis, dashboard: str, page: Page) -> None:
    scheduler(redis)
    page.goto(f'{dashboard}/schedules')
    row = page.locator('tr', has_text='nightly')
    expect(row).to_contain_text('At 03:00 every day')
    expect(row).to_contain_text('Europe/Prague')
    expect(page.locator('tr', has_text='letters')).to_contain_text('token=(hidden)')
    row.get_by_role('button', name='Run now').click()
    page.get_by_role('button', name='Run now').first.click()
    expect(page.locator('#flash')).to_contain_text('is enqueued by the next scheduler')
    assert redis.hget(keys.cron_state('nightly'), 'run')


def test_scheduled_jobs_are_enqueued_now_by_choice(redis: Redis, dashboard: str, page: Page) -> None:
    queue = Queue('q', connection=redis)
    for number in range(3):
        queue.enqueue_in(timedelta(hours=number + 1), work.send, to='Ann', job_id=f'soon-{number}')
    page.goto(f'{dashboard}/schedules')
    expect(page.locator('tbody tr')).to_have_count(3)
    expect(page.locator('tbody tr').first).to_contain_text('soon-0')
    page.locator('tbody tr').nth(1).get_by_role('checkbox').check()
    page.get_by_role('button', name='Enqueue now').click()
    expect(page.locator('tbody tr')).to_have_count(2)
    assert queue.get_job_ids() == ['soon-1']
    SimpleWorker([queue], connection=redis).work(burst=True)


def test_hostile_names_stay_text(redis: Redis, dashboard: str, page: Page) -> None:
    script = '<img src=x onerror=alert(1)>'
    made = scheduler(redis)
    made.register(work.add, script, args=(script, script), cron='0 0 * * *', name=script)
    made.register_birth()
    made.heartbeat()
    redis.hset(keys.cron_scheduler(made.name), mapping={'hostname': script, 'pid': script})
    Queue(script, connection=redis).enqueue_in(timedelta(hours=1), work.send, to=script)
    page.goto(f'{dashboard}/schedules')
    expect(page.locator('main')).to_contain_text('onerror')
    assert page.locator('main img').count() == 0
