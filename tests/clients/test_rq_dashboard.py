"""rq-dashboard 0.9, unmodified: its command serves all pages and data over our jobs, and its buttons work."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis import Redis

from rq import Queue
from rq.job import Job, JobStatus
from tests.clients import jobs
from tests.clients.conftest import Client, Site

# Without the folder of ours on the path, in which there is an `rq_dashboard` too: the installed one is the released one.
INSTALLED = {'PYTHONPATH': None}
REGISTRIES = ['queued', 'started', 'finished', 'failed', 'deferred', 'scheduled', 'canceled']


@pytest.fixture
def dashboard(serve: Callable[..., Site], redis_url: str) -> Site:
    arguments = ('--bind', '127.0.0.1', '--port', '{port}', '--redis-url', redis_url)
    return serve('rq-dashboard', *arguments, env=INSTALLED)


@pytest.fixture
def everywhere(client: Client, redis: Redis) -> dict[str, str]:
    """An id of a job in each registry of `default` (none in deferred), and a worker that runs one."""
    queue = Queue(connection=redis)
    found = {'finished': queue.enqueue(jobs.add, 1, 2).id, 'failed': queue.enqueue(jobs.divide, 1, 0).id}
    client.burst('default')
    running = queue.enqueue(jobs.sleep, 60)
    client.worker('default', name='running')
    client.until(lambda: running.get_executions(), message='a job that is shown to run')
    canceled = queue.enqueue(jobs.add, 1, 2)
    canceled.cancel()
    scheduled = queue.enqueue_in(timedelta(hours=1), jobs.add, 1, 2)
    queued = queue.enqueue(jobs.add, 3, b=4, meta={'who': 'me'})
    return {
        **found,
        'started': running.id,
        'canceled': canceled.id,
        'scheduled': scheduled.id,
        'queued': queued.id,
    }


def test_it_is_the_released_one_that_is_tested(client: Client) -> None:
    folder = client.run('python', '-c', 'import rq_dashboard; print(rq_dashboard.__file__)', env=INSTALLED)
    assert 'site-packages' in folder
    assert (
        '--show-full-args' in (told := client.run('rq-dashboard', '--help', env=INSTALLED))
        and '--allow-host' not in told
    )


def test_every_page_and_every_list_shows_our_data(dashboard: Site, everywhere: dict[str, str]) -> None:
    for path in ('/', '/0/view', '/0/view/queues', '/0/view/workers', '/0/view/jobs', '/favicon.ico'):
        assert dashboard.get(path).status == 200, path
    [listed] = dashboard.get('/0/data/queues.json').data['queues']
    assert (listed['name'], listed['count']) == ('default', 1)
    counted = {name: listed[f'{name}_job_registry_count'] for name in REGISTRIES if name != 'queued'}
    assert counted == {name: int(name in everywhere) for name in counted}
    for registry in everywhere:
        page = dashboard.get(f'/0/view/jobs/default/{registry}/10/asc/1')
        assert page.status == 200, registry
        for order in ('asc', 'dsc'):
            data = dashboard.get(f'/0/data/jobs/default/{registry}/10/{order}/1.json').data
            assert [job['id'] for job in data['jobs']] == [everywhere[registry]], registry


def test_the_page_of_a_job_tells_its_state_its_result_and_its_error(
    dashboard: Site, everywhere: dict[str, str]
) -> None:
    shown = {}
    for registry, job_id in everywhere.items():
        assert dashboard.get(f'/0/view/job/{job_id}').status == 200
        shown[registry] = dashboard.get(f'/0/data/job/{job_id}.json').data
    assert {registry: data['status'] for registry, data in shown.items()} == {name: name for name in everywhere}
    assert shown['finished']['result'] == 3
    assert 'ZeroDivisionError' in shown['failed']['exc_info']
    assert shown['queued']['description'] == 'tests.clients.jobs.add(3, b=4)'
    assert json.loads(shown['queued']['metadata']) == {'who': 'me'}


def test_a_worker_is_shown_with_its_job(dashboard: Site, everywhere: dict[str, str]) -> None:
    [worker] = dashboard.get('/0/data/workers.json').data['workers']
    assert (worker['state'], worker['queues']) == ('busy', ['default'])
    assert worker['current_job']['job_id'] == everywhere['started']


def test_its_buttons_requeue_delete_empty_and_compact(
    dashboard: Site, everywhere: dict[str, str], redis: Redis
) -> None:
    queue = Queue(connection=redis)

    def press(path: str) -> None:
        page = dashboard.post(path)
        assert page.status == 200, page.text

    press(f'/job/{everywhere["failed"]}/requeue')
    assert queue.job_ids == [everywhere['queued'], everywhere['failed']]
    press(f'/job/{everywhere["failed"]}/delete')
    assert not Job.exists(everywhere['failed'], connection=redis)
    assert queue.job_ids == [everywhere['queued']]
    redis.rpush(queue.key, 'a-job-that-is-gone')
    press('/queue/default/compact')
    assert queue.job_ids == [everywhere['queued']]
    for registry in ('queued', 'finished', 'canceled', 'scheduled'):
        press(f'/queue/default/{registry}/empty')
        assert not Job.exists(everywhere[registry], connection=redis), registry
    assert Job.fetch(everywhere['started'], connection=redis).get_status() == JobStatus.STARTED


def test_all_failed_jobs_are_requeued_by_one_button(
    dashboard: Site, client: Client, redis: Redis, queue: Queue
) -> None:
    failed = [queue.enqueue(jobs.divide, 1, 0).id for _ in range(3)]
    client.burst()
    assert dashboard.post('/requeue/default').status == 200
    assert (sorted(queue.job_ids), queue.failed_job_registry.count) == (sorted(failed), 0)


def test_the_page_of_a_job_with_dependencies_names_them(dashboard: Site, queue: Queue) -> None:
    first = queue.enqueue(jobs.add, 1, 2)
    second = queue.enqueue(jobs.add, 1, 2, depends_on=first)
    assert dashboard.get(f'/0/view/job/{second.id}').status == 200
    page = dashboard.get(f'/0/data/job/{second.id}.json')
    assert page.status == 200
    assert first.id in page.text
    assert dashboard.get('/0/data/jobs/default/deferred/10/asc/1.json').data['jobs'][0]['id'] == second.id
