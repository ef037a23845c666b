"""Each action done by clicking in a real browser: what it does in Redis, and what the page says then."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from rq import Queue
from rq.cron import CronScheduler
from rq.dashboard import create_app
from rq.dashboard.access import User
from rq.dashboard.actions import running
from rq.dashboard.actions.deeds import ACTIONS, JobAction
from rq.job import Job
from rq.rate_limit import RateLimit
from rq.store import admin, audit, bulk, keys
from tests.dashboard.conftest import Complaints
from tests.dashboard.doing import fail, newest, put, statuses
from tests.support.invariants import violations
from tests.support.processes import Processes


@pytest.fixture(autouse=True)
def invariants(redis: Redis) -> Iterator[None]:
    """After each test I1, I3 and I15 hold."""
    yield
    assert violations(redis) == []


def choose(page: Page, *ids: str) -> None:
    for job_id in ids:
        page.locator(f'input[name=job][value="{job_id}"]').check()


def press(page: Page, name: str, within: str = 'main') -> None:
    page.locator(within).get_by_role('button', name=name, exact=True).click()


def says(page: Page, text: str) -> None:
    expect(page.locator('#flash')).to_contain_text(text)


def test_chosen_failed_jobs_are_requeued(redis: Redis, dashboard: str, page: Page) -> None:
    ids = fail(redis, 4)
    page.goto(f'{dashboard}/queue/q?state=failed')
    choose(page, *ids[:2])
    expect(page.locator('[data-chosen]').first).to_have_text('2')
    press(page, 'Requeue', '#selection')
    says(page, '2 jobs requeued.')
    assert page.url.endswith('/queue/q?state=failed')
    expect(page.locator('tbody tr')).to_have_count(2)
    assert statuses(redis, ids) == ['queued'] * 2 + ['failed'] * 2
    assert (newest(redis)['action'], newest(redis)['count']) == ('requeue', '2')


def test_all_failed_jobs_are_deleted_and_brought_back(redis: Redis, dashboard: str, page: Page) -> None:
    ids = fail(redis, 130)
    page.goto(f'{dashboard}/queue/q?state=failed')
    press(page, 'Delete all …')
    expect(page.locator('main')).to_contain_text('130 jobs: all that are failed in queue q')
    press(page, 'Delete 130 jobs')
    says(page, '130 jobs deleted.')
    expect(page.locator('main')).to_contain_text('No job of this queue is failed')
    assert set(statuses(redis, ids)) == {'-'}
    page.goto(f'{dashboard}/audit')
    expect(page.locator('table').last).to_contain_text('130 jobs deleted.')
    press(page, 'Undo')
    says(page, '130 jobs brought back.')
    expect(page.get_by_role('button', name='Undo')).to_have_count(0)
    assert set(statuses(redis, ids)) == {'failed'}
    page.goto(f'{dashboard}/queue/q?state=failed')
    expect(page.locator('.tabs')).to_contain_text('failed 130')


def test_waiting_jobs_are_moved_canceled_deleted_and_emptied(redis: Redis, dashboard: str, page: Page) -> None:
    ids = put(redis, 8)
    page.goto(f'{dashboard}/queue/q')
    choose(page, *ids[:2])
    page.get_by_label('Other queue').fill('other')
    press(page, 'Move', '#selection')
    says(page, '2 jobs moved.')
    choose(page, ids[2])
    press(page, 'Cancel', '#selection')
    says(page, '1 job canceled.')
    choose(page, ids[3])
    press(page, 'Delete', '#selection')
    says(page, '1 job deleted.')
    press(page, 'Empty …')
    press(page, 'Delete 4 jobs')
    says(page, '4 jobs deleted.')
    assert Queue('other', connection=redis).job_ids == ids[:2]
    assert statuses(redis, ids[2:]) == ['canceled'] + ['-'] * 5


def test_delayed_jobs_are_enqueued_now_and_run_again_as_copies(redis: Redis, dashboard: str, page: Page) -> None:
    queue = Queue('q', connection=redis)
    delayed = queue.enqueue_in(timedelta(hours=1), 'nothing.here')
    page.goto(f'{dashboard}/queue/q?state=scheduled')
    choose(page, delayed.id)
    press(page, 'Enqueue now', '#selection')
    says(page, '1 job enqueued.')
    assert queue.job_ids == [delayed.id]
    (failed,) = fail(redis, 1, 'other')
    page.goto(f'{dashboard}/queue/other?state=failed')
    choose(page, failed)
    press(page, 'Run as a copy …', '#selection')
    expect(page.locator('main')).to_contain_text('1 job chosen')
    press(page, 'Run again as a copy: 1 job')
    says(page, '1 job copied and enqueued.')
    (copy,) = Queue('other', connection=redis).jobs
    assert (copy.func_name, copy.args) == ('nothing.here', (0,))


def test_queues_are_paused_and_resumed(redis: Redis, dashboard: str, page: Page, complaints: Complaints) -> None:
    put(redis, 1)
    page.goto(f'{dashboard}/queues')
    press(page, 'Pause')
    says(page, 'Queue q is paused')
    assert admin.is_suspended(redis, 'q')
    press(page, 'Resume')
    says(page, 'Queue q is resumed')
    complaints.confirm = True
    press(page, 'Pause all')
    says(page, 'All queues are paused')
    assert admin.is_suspended(redis)
    press(page, 'Resume all')
    says(page, 'All queues are resumed')
    assert not admin.is_suspended(redis) and not admin.is_suspended(redis, 'q')


def test_a_running_job_is_stopped_and_its_worker_shut_down(
    redis: Redis, redis_url: str, dashboard: str, page: Page, processes: Processes
) -> None:
    job = Queue('q', connection=redis).enqueue('time.sleep', 60)
    worker = processes.rq('worker', '-n', 'w1', 'q', url=redis_url)
    processes.wait_for(lambda: job.get_executions())
    page.goto(f'{dashboard}/queue/q?state=started')
    choose(page, job.id)
    press(page, 'Stop', '#selection')
    says(page, '1 job told to stop.')
    processes.wait_for(lambda: job.get_status() == 'stopped')
    page.goto(f'{dashboard}/worker/w1')
    press(page, 'Stop after this job …')
    expect(page.locator('main')).to_contain_text('finishes the one it runs, and ends')
    press(page, 'Shut down')
    says(page, 'Worker w1 is told to shut down')
    assert worker.wait(20) == 0


def test_cron_jobs_are_paused_resumed_and_run_and_a_slot_is_released(redis: Redis, dashboard: str, page: Page) -> None:
    made = CronScheduler(redis, name='cron.1')
    made.register('shop.jobs.nightly', 'q', cron='0 3 * * *')
    made.register_birth()
    ids = put(redis, 2, rate_limit=RateLimit('k', 1))
    page.goto(f'{dashboard}/schedules')
    press(page, 'Pause')
    says(page, 'is paused')
    press(page, 'Resume')
    says(page, 'goes on with its next time')
    press(page, 'Run now')
    press(page, 'Run now')
    says(page, 'is enqueued by the next scheduler')
    page.goto(f'{dashboard}/limit/k')
    press(page, 'Release')
    expect(page.locator('main')).to_contain_text(f'Job {ids[0]} gives back its slot of limit k')
    press(page, 'Release')
    says(page, 'The slot is free again; 1 job got one')
    assert statuses(redis, ids) == ['queued', 'queued']
    audits = [entry.fields['action'] for entry in audit.newest(redis, 9)]
    assert audits == ['release', 'cron-run', 'cron-resume', 'cron-pause']
    redis.delete(keys.limit_holders('k'), keys.limit('k'), keys.limits())


def test_without_scripts_everything_is_done_by_links_and_forms(redis: Redis, dashboard: str, browser: Browser) -> None:
    ids = fail(redis, 5)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f'{dashboard}/queue/q?state=failed')
    choose(page, ids[0])
    press(page, 'Requeue', '#selection')
    says(page, '1 job requeued.')
    press(page, 'Requeue all …')
    press(page, 'Requeue 4 jobs')
    says(page, '4 jobs requeued.')
    press(page, 'Empty …')
    page.get_by_label('Keep them for').check()
    press(page, 'Delete 5 jobs')
    says(page, '5 jobs deleted.')
    page.goto(f'{dashboard}/audit')
    press(page, 'Undo')
    says(page, '5 jobs brought back.')
    assert statuses(redis, ids) == ['queued'] * 5
    page.context.close()


@pytest.mark.parametrize('scripts', [True, False], ids=['scripts', 'no scripts'])
def test_a_long_action_shows_how_far_it_is_by_itself(
    redis: Redis, dashboard: str, browser: Browser, monkeypatch: pytest.MonkeyPatch, scripts: bool
) -> None:
    fail(redis, 210)
    go, requeue = threading.Event(), ACTIONS['requeue']
    assert isinstance(requeue, JobAction)

    def slowly(*args: Any) -> Any:
        assert go.wait(20)
        return requeue.step(*args)

    monkeypatch.setitem(ACTIONS, 'requeue', replace(requeue, step=slowly))
    page = browser.new_context(java_script_enabled=scripts).new_page()
    page.goto(f'{dashboard}/queue/q?state=failed')
    press(page, 'Requeue all …')
    press(page, 'Requeue 210 jobs')
    expect(page.locator('main')).to_contain_text('0 of 210 done')
    go.set()
    expect(page.locator('main')).to_contain_text('210 of 210 done', timeout=10_000)
    expect(page.locator('main')).to_contain_text('210 jobs requeued.')
    page.context.close()
    running.wait(audit.newest(redis, 1)[0].fields['bulk'], 10)


def test_a_long_action_is_halted_and_gone_on_with(
    redis: Redis, dashboard: str, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fail(redis, 130)
    go, requeue = threading.Event(), ACTIONS['requeue']
    assert isinstance(requeue, JobAction)

    def slowly(*args: Any) -> Any:
        assert go.wait(20)
        return requeue.step(*args)

    monkeypatch.setitem(ACTIONS, 'requeue', replace(requeue, step=slowly))
    monkeypatch.setattr(running, 'NOTE_EVERY', 0)
    page.goto(f'{dashboard}/queue/q?state=failed')
    press(page, 'Requeue all …')
    press(page, 'Requeue 130 jobs')
    press(page, 'Stop here')
    says(page, 'It ends after its next step')
    go.set()
    page.goto(f'{dashboard}/audit')
    page.get_by_role('link', name='queue:q state:failed').first.click()
    expect(page.locator('main .status')).to_have_text('halted')
    assert sorted(statuses(redis, ids)) == ['failed'] * 30 + ['queued'] * 100
    press(page, 'Go on')
    expect(page.locator('main')).to_contain_text('130 jobs requeued.')
    assert statuses(redis, ids) == ['queued'] * 130


def test_the_process_of_a_running_job_is_killed(
    redis: Redis, redis_url: str, dashboard: str, page: Page, processes: Processes
) -> None:
    job = Queue('q', connection=redis).enqueue('time.sleep', 60)
    processes.rq('worker', '-n', 'w1', 'q', url=redis_url)
    processes.wait_for(lambda: job.get_executions())
    page.goto(f'{dashboard}/worker/w1')
    press(page, 'Kill the running job’s process …')
    expect(page.locator('main')).to_contain_text('The running job counts as lost')
    press(page, 'Kill its job')
    says(page, 'Worker w1 is told to kill its job')
    processes.wait_for(lambda: job.get_status() == 'failed')


def test_who_may_only_look_sees_nothing_to_click(redis: Redis, page: Page, serve: Callable[..., str]) -> None:
    fail(redis, 2)
    dashboard = serve(create_app(redis, auth=lambda _: User('ann', 'viewer')))
    for address in ('/queues', '/queue/q?state=failed', '/audit'):
        page.goto(dashboard + address)
        buttons = page.locator('main').get_by_role('button').all_text_contents()
        assert set(buttons) <= {'Show'}
        assert page.locator('main input[type=checkbox]').count() == 0


def test_names_that_are_markup_are_text_wherever_they_are_shown(redis: Redis, dashboard: str, page: Page) -> None:
    evil = '<img src=x onerror=alert(1)>"\''
    ids = put(redis, 2, evil)
    redis.hset(keys.job(ids[0]), 'description', evil)
    page.goto(f'{dashboard}/queues')
    page.get_by_role('link', name=re.compile('img')).click()
    choose(page, ids[0])
    page.get_by_label('Other queue').fill('<b>bold</b>')
    press(page, 'Move', '#selection')
    says(page, '1 job moved.')
    press(page, 'Empty …')
    expect(page.locator('main')).to_contain_text(f'in queue {evil}')
    press(page, 'Delete 1 job')
    says(page, '1 job deleted.')
    audit.write(redis, {'user': evil, 'action': evil, 'on': evil, 'said': evil})
    page.goto(f'{dashboard}/audit')
    expect(page.locator('main')).to_contain_text(evil)
    assert page.locator('main img').count() == page.locator('b', has_text='bold').count() == 0
    assert bulk.kept(redis) and Job.exists(ids[0], redis)
