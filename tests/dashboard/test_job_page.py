"""Page Job: what it shows of each state, that it keeps up with a worker, that each button does what it says."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from redis import Redis

from rq import Callback, Queue, RateLimit, Retry
from rq.dashboard import create_app
from rq.job import Dependency
from rq.store import keys
from tests.dashboard.conftest import Complaints
from tests.support.reads import reading
from tests.support.waiting import wait_for
from tests.worker import jobs, stacked
from tests.worker.conftest import WorkerMaker

XSS = '<script>alert(1)</script><img src=x onerror=alert(2)>"\'`{{7*7}}'


def path(job_id: str) -> str:
    from rq.dashboard.names import to_path

    return f'/job/{to_path(job_id)}'


def told(client: FlaskClient, job_id: str) -> Any:
    """The page's values, once its HTML has been made as well."""
    assert client.get(path(job_id)).status_code == 200
    return client.get(f'/api/v1{path(job_id)}').json['job']  # type: ignore[index]


# --- what it shows ----------------------------------------------------------------------------------------------------


def test_a_failed_job_shows_its_call_its_error_and_its_attempts(
    client: FlaskClient, queue: Queue, burst: WorkerMaker
) -> None:
    job = queue.enqueue(
        jobs.fail, 'out of hay', meta={'progress': 40, 'token': 'abcdef'}, description='f(password="abcdef")',
        retry=Retry(max=2), on_failure=Callback('tests.worker.callbacks.failed'),
    )  # fmt: skip
    burst('--name', 'w1')
    found = told(client, job.id)
    assert found['call'] | {'size': 0} == {
        'function': 'tests.worker.jobs.fail', 'args': ["'out of hay'"], 'kwargs': {}, 'more': 0, 'size': 0, 'problem': '',
    }  # fmt: skip
    assert [step['name'] for step in found['steps']] == ['made', 'waited', 'ran', 'failed']
    assert [one['ended'] for one in found['attempts']] == ['failed']
    assert found['attempts'][0]['said'] == 'ValueError: out of hay'
    assert found['retried'] == 2
    assert found['failure']['title'] == 'ValueError: out of hay'
    assert 'raise ValueError(text)' in found['failure']['text']
    assert re.fullmatch('[0-9a-f]{12}', found['failure']['fingerprint'])
    assert ['On failure', 'tests.worker.callbacks.failed'] in found['options']
    assert found['meta'] == {'progress': '40', 'token': '(hidden)'}
    assert found['progress'] == 0.4
    page = client.get(path(job.id)).text
    assert 'abcdef' not in page
    assert '2 earlier attempts failed and were tried again' in page
    assert found['why']['kind'] == 'failed'
    assert found['cost']['runs'] == 3
    error = re.search('href="(/error/[0-9a-f]{12})"', page)
    assert error is not None and client.get(error[1]).status_code == 200
    assert ' a run and ' in page


def test_a_finished_job_shows_its_result_and_a_stored_stack_has_its_own_panel(
    client: FlaskClient, queue: Queue, burst: WorkerMaker
) -> None:
    good = queue.enqueue(jobs.say, {'answer': 42, 'password': 'abcdef'})
    late = queue.enqueue(stacked.busy_c_code, job_timeout=1)
    burst('--name', 'w1', settings={'HARD_GRACE': 0.3})
    assert told(client, good.id)['result'] == "{'answer': 42, 'password': (hidden)}"
    found = told(client, late.id)
    assert found['failure']['title'].startswith('rq.timeouts.JobTimeoutException: Task exceeded maximum timeout')
    assert 'in busy_c_code' in found['failure']['stack']
    assert 'Where it stood when its process was ended' in client.get(path(late.id)).text


def test_jobs_before_and_after_it_are_drawn_and_linked(client: FlaskClient, queue: Queue) -> None:
    for number in range(20):
        queue.enqueue(jobs.say, job_id=f'before-{number}')
    job = queue.enqueue(jobs.say, job_id='middle', depends_on=Dependency([f'before-{number}' for number in range(20)]))
    for number in range(3):
        queue.enqueue(jobs.say, job_id=f'after-{number}', depends_on=job)
    page = client.get(path('middle')).text
    assert page.count('<a href="/job/before-') == 8
    assert 'and 12 more</text>' in page
    assert page.count('<a href="/job/after-') == 3
    assert 'It waits for 20 jobs. 3 wait for it.' in page


def test_there_is_no_such_job_and_the_page_says_where_it_may_be(client: FlaskClient, queue: Queue) -> None:
    queue.enqueue(jobs.say, job_id='there')
    answer = client.get('/job/There')
    assert answer.status_code == 404
    assert 'there is `there`: is that meant?' in answer.text
    assert client.get('/raw/There/call').status_code == 404
    assert client.get('/raw/there/nothing').status_code == 404


def test_its_parts_are_plain_text(client: FlaskClient, queue: Queue, burst: WorkerMaker) -> None:
    job = queue.enqueue(jobs.fail, XSS, meta={'a': XSS})
    burst()
    for part in ('fields', 'call', 'meta', 'error'):
        answer = client.get(f'/raw/{job.id}/{part}')
        assert (answer.status_code, answer.mimetype) == (200, 'text/plain')
        assert answer.headers['X-Content-Type-Options'] == 'nosniff'
    assert XSS in client.get(f'/raw/{job.id}/error').text


def test_the_command_shown_runs_the_job_and_stores_nothing(client: FlaskClient, queue: Queue, redis: Redis) -> None:
    job = queue.enqueue('math.sqrt', 16)
    command = client.get(f'/api/v1/job/{job.id}').json['commands']['run']  # type: ignore[index]
    before = redis.hgetall(keys.job(job.id))
    script = command.replace('python', sys.executable, 1)
    done = subprocess.run(script, shell=True, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    assert done.stdout == '4.0\n'
    assert redis.hgetall(keys.job(job.id)) == before


def test_a_page_takes_at_most_twenty_round_trips_and_writes_nothing(
    client: FlaskClient, queue: Queue, redis: Redis, burst: WorkerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.enqueue(jobs.fail, job_id='failed')
    burst()
    limit = RateLimit('mail', concurrency=1)
    for number in range(12):
        queue.enqueue(jobs.say, job_id=f'n{number}', depends_on=f'n{number - 1}' if number else None)
    for name in ('l0', 'l1'):
        queue.enqueue(jobs.say, rate_limit=limit, job_id=name, meta={'a': 1})
    queue.enqueue_in(timedelta(hours=1), jobs.say, job_id='later')
    for job_id in ('failed', 'n0', 'n5', 'n11', 'l0', 'l1', 'later', 'none'):
        with reading(redis, monkeypatch) as cost:
            client.get(path(job_id))
        assert 0 < cost.trips <= 20, job_id


# --- in a browser -----------------------------------------------------------------------------------------------------


def test_it_keeps_up_with_a_worker_from_queued_to_finished(
    page: Page, dashboard: str, queue: Queue, worker: WorkerMaker
) -> None:
    job = queue.enqueue(jobs.sleep, 1.5)
    page.goto(f'{dashboard}/job/{job.id}')
    expect(page.locator('h1 .status')).to_have_text('queued')
    expect(page.locator('#why')).to_contain_text('No live worker listens on queue default')
    worker('--name', 'w1')
    expect(page.locator('h1 .status')).to_have_text('started')
    expect(page.locator('#why')).to_contain_text('on worker w1')
    expect(page.locator('h1 .status')).to_have_text('finished')
    expect(page.locator('#result pre')).to_have_text("'slept'")
    expect(page.locator('#states tbody tr')).to_have_count(4)


def test_each_button_does_what_it_says(
    page: Page, dashboard: str, queue: Queue, redis: Redis, complaints: Complaints, lasting: WorkerMaker
) -> None:
    complaints.confirm = True
    later = queue.enqueue_in(timedelta(hours=1), jobs.say, job_id='later')
    page.goto(f'{dashboard}/job/later')
    page.get_by_role('button', name='Enqueue now').click()
    expect(page.locator('h1 .status')).to_have_text('queued')
    page.get_by_role('button', name='Cancel').click()
    expect(page.locator('h1 .status')).to_have_text('canceled')
    page.get_by_role('button', name='Delete').click()
    expect(page.locator('h1')).to_have_text('Not found')
    complaints.texts.clear()  # the 404 of the page that it goes back to
    assert not redis.exists(keys.job(later.id))
    job = queue.enqueue(jobs.sleep, 60, job_id='long')
    lasting('--name', 'w1')
    wait_for(lambda: redis.hget(keys.worker('w1'), 'current_job'), 15)
    page.goto(f'{dashboard}/job/long')
    page.get_by_role('button', name='Stop').click()
    expect(page.locator('h1 .status')).to_have_text('stopped')
    page.get_by_role('button', name='Requeue').click()
    expect(page.locator('h1 .status')).to_have_text(re.compile('queued|started'))
    page.get_by_role('button', name='Run again as a copy').click()
    page.get_by_role('button', name=re.compile('Run again as a copy|Yes|copy', re.IGNORECASE)).last.click()
    wait_for(lambda: queue.count + queue.started_job_registry.count == 2, 10)
    assert job.get_status() in ('queued', 'started')


def test_where_a_job_stands_is_shown_by_a_click(
    page: Page, dashboard: str, queue: Queue, redis: Redis, lasting: WorkerMaker
) -> None:
    job = queue.enqueue(stacked.busy_c_code)
    lasting('--name', 'w1')
    wait_for(lambda: redis.hget(keys.worker('w1'), 'current_job'), 15)
    page.goto(f'{dashboard}/job/{job.id}')
    page.get_by_role('button', name='Show where it stands').click()
    expect(page.locator('#stack pre')).to_contain_text('return sum(range(10**12))')
    expect(page.locator('#flash')).to_contain_text('1 job asked where they stand')


def test_who_may_only_look_has_no_button_and_is_refused(serve: Any, redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(jobs.say)
    client = create_app(redis, auth='none', read_only=True).test_client()
    assert '<button class' not in client.get(f'/job/{job.id}').text.partition('<main')[2]
    answer = client.post(
        '/do/stack', data={'job': job.id}, headers={'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-origin'}
    )
    assert answer.status_code == 403


def test_hostile_fields_are_text_and_break_nothing(
    page: Page, dashboard: str, client: FlaskClient, queue: Queue, redis: Redis
) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (exec, ("open('/tmp/packhorse-was-here', 'w')",))

    job = queue.enqueue(jobs.say, XSS, job_id='hostile', meta={XSS: XSS})
    fields = redis.hgetall(keys.job(job.id))
    for name in [
        *fields,
        b'deaths',
        b'webhooks',
        b'dependency_ids',
        b'rate_limit_key',
        b'group_id',
        b'worker_name',
        b'exc_info',
    ]:
        for value in (XSS.encode(), b'\xff\xfe\x00', b'9' * 400, b'1e400', b'[' * 5000, pickle.dumps(Evil()), b''):
            if name not in (b'status', b'origin'):
                redis.hset(keys.job(job.id), name, value)
                assert client.get('/job/hostile').status_code == 200, (name, value)
        redis.hset(keys.job(job.id), name, fields.get(name, XSS.encode()))
    redis.hset(keys.job(job.id), mapping={'status': 'failed', 'description': XSS * 5000, 'exc_info': XSS})
    redis.set(keys.stack(job.id), f'{{"text": "{"<script>alert(3)</script>"}", "worker": "w"}}')
    redis.sadd(keys.dependents(job.id), XSS, b'\xff\xfe')
    page.goto(f'{dashboard}/job/hostile')
    expect(page.locator('#error pre')).to_contain_text('<script>alert(1)</script>')
    expect(page.locator('#stack pre')).to_have_text('<script>alert(3)</script>')
    for what in ('status', 'origin'):
        redis.hset(keys.job(job.id), what, XSS.encode() + b'\xff')
        assert client.get('/job/hostile').status_code == 200
    redis.delete(keys.job(job.id), keys.results(job.id))
    for name in (keys.dependents, keys.dependencies, keys.results, keys.stack):
        redis.delete(name('hostile'))
        redis.hset(name('hostile'), 'a', 'b')
    queue.enqueue(jobs.say, job_id='hostile', meta={'a': 'x' * 5_000_000})
    assert 'meta takes' in client.get('/job/hostile').text or 'Not all' in client.get('/job/hostile').text
    assert not Path('/tmp/packhorse-was-here').exists()
    redis.flushall()


def test_ids_of_any_kind_have_a_page(client: FlaskClient, queue: Queue, redis: Redis) -> None:
    for job_id in ('a/b', '../x', 'žluť', 'a b', "o'clock", '-x', '"', XSS):
        redis.hset(
            keys.job(job_id), mapping={'status': 'queued', 'created_at': '2026-11-24T00:00:00Z', 'origin': 'default'}
        )
        assert client.get(path(job_id)).status_code == 200
    redis.flushall()
