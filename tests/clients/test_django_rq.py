"""django-rq 4.2 with Django 5.2, unmodified: its pages, its buttons, its commands, its ways to enqueue."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue
from rq.job import Job, JobStatus
from tests.clients import jobs
from tests.clients.conftest import Client, Page, Site
from tests.clients.environment import ROOT

SETTINGS = {'DJANGO_SETTINGS_MODULE': 'tests.clients.site.settings', 'PYTHONWARNINGS': 'ignore'}
HOME = '/admin/django_rq/dashboard/'


@pytest.fixture(scope='session')
def database(clients: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's database, with its tables and one superuser."""
    path = tmp_path_factory.mktemp('site') / 'database.sqlite3'
    make = (
        'import django; django.setup()\n'
        'from django.core.management import call_command\n'
        'from django.contrib.auth.models import User\n'
        "call_command('migrate', verbosity=0)\n"
        "User.objects.create_superuser('me', 'me@example.org', 'secret')\n"
    )
    env = {**SETTINGS, 'SITE_DATABASE': str(path), 'PYTHONPATH': str(ROOT)}
    subprocess.run([clients / 'python', '-c', make], env=env, check=True, timeout=60)
    return path


@pytest.fixture
def project(database: Path, tmp_path: Path) -> dict[str, str]:
    """The environment variables of a project with a database of its own."""
    shutil.copy(database, tmp_path / 'database.sqlite3')
    return {**SETTINGS, 'SITE_DATABASE': str(tmp_path / 'database.sqlite3')}


class Admin:
    """The project's pages, for its superuser."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.get('/admin/login/')
        answer = self._post('/admin/login/?next=/admin/', username='me', password='secret')
        assert (answer.status, answer.url) == (200, f'{site.base}/admin/'), answer.text

    def get(self, path: str) -> str:
        """The text of a page of django-rq."""
        return self._text(path, self.site.get(HOME + path))

    def press(self, path: str, **fields: str | list[str]) -> str:
        """What a button's form leads to."""
        return self._text(path, self._post(HOME + path, **fields))

    def _post(self, path: str, **fields: str | list[str]) -> Page:
        token = self.site.cookie('csrftoken')
        return self.site.post(path, **{'csrfmiddlewaretoken': token, **fields})

    @staticmethod
    def _text(path: str, page: Page) -> str:
        title = re.search('<title>(.*?)</title>', page.text, re.DOTALL)
        assert page.status == 200, f'{path}: {title[1] if title else page.text}'
        return page.text


@pytest.fixture
def admin(serve: Callable[..., Site], project: dict[str, str]) -> Admin:
    options = ('--noreload', '--skip-checks', '127.0.0.1:{port}')
    return Admin(serve('python', '-m', 'django', 'runserver', *options, env=project))


@pytest.fixture
def low(redis: Redis) -> Queue:
    return Queue('low', connection=redis)


# --- pages


def test_every_page_shows_our_data(admin: Admin, client: Client, redis: Redis, queue: Queue) -> None:
    good, bad = queue.enqueue(jobs.add, 1, 2), queue.enqueue(jobs.divide, 1, 0)
    client.burst('default')
    running = queue.enqueue(jobs.sleep, 60)
    client.worker('default', '--name', 'shown')
    client.until(lambda: running.get_executions(), message='a job that is shown to run')
    queued = queue.enqueue(jobs.add, 3, b=4)
    scheduled = queue.enqueue_in(timedelta(hours=1), jobs.add, 1, 2)
    deferred = queue.enqueue(jobs.add, 1, 2, depends_on=queued)

    [told] = [found for found in json.loads(admin.site.get(f'{HOME}stats.json').text)['queues'] if found['jobs']]
    counted = {name: told[f'{name}_jobs'] for name in ('finished', 'started', 'failed', 'scheduled', 'deferred')}
    assert (told['name'], told['jobs'], told['workers']) == ('default', 1, 1)
    assert counted == dict.fromkeys(counted, 1)
    assert 'default' in admin.get('')
    assert queued.id in admin.get('queues/0/')
    assert 'default' in admin.get('queues/0/details/')
    shown = {'finished': good, 'failed': bad, 'started': running, 'scheduled': scheduled, 'deferred': deferred}
    for registry, job in shown.items():
        assert job.id in admin.get(f'queues/0/{registry}/'), registry
    assert queued.id in admin.get(f'queues/0/{deferred.id}/')
    assert deferred.id in admin.get(f'queues/0/{queued.id}/')
    assert 'shown' in admin.get('workers/0/')
    assert 'shown' in admin.get('workers/0/rq:worker:shown/')


def test_the_page_of_a_job_tells_its_call_its_result_and_its_error(admin: Admin, client: Client, queue: Queue) -> None:
    good, bad = queue.enqueue(jobs.add, 1, b=2), queue.enqueue(jobs.divide, 1, 0)
    client.burst()
    page = admin.get(f'queues/0/{good.id}/')
    assert 'tests.clients.jobs.add' in page and 'finished' in page
    [result] = bad.results()
    assert f'/{bad.id}/results/{result.id}/' in admin.get(f'queues/0/{bad.id}/')
    assert 'ZeroDivisionError' in admin.get(f'queues/0/{bad.id}/results/{result.id}/')


def test_the_page_of_rq_scheduler_lists_its_jobs(admin: Admin, client: Client, queue: Queue) -> None:
    schedule = (
        'import os; from datetime import timedelta; from redis import Redis; from rq_scheduler import Scheduler\n'
        'from tests.clients import jobs\n'
        "scheduler = Scheduler(connection=Redis.from_url(os.environ['RQ_REDIS_URL']))\n"
        'print(scheduler.enqueue_in(timedelta(hours=1), jobs.add, 1, 2).id)\n'
    )
    job_id = client.run('python', '-W', 'ignore', '-c', schedule).strip()
    assert job_id in admin.get('schedulers/0/')


# --- buttons


def test_one_job_is_requeued_enqueued_and_deleted(admin: Admin, client: Client, redis: Redis, queue: Queue) -> None:
    bad = queue.enqueue(jobs.divide, 1, 0)
    client.burst()
    scheduled = queue.enqueue_in(timedelta(hours=1), jobs.add, 1, 2)
    deferred = queue.enqueue(jobs.add, 3, 4, depends_on=scheduled)
    admin.press(f'queues/0/{bad.id}/requeue/', requeue='1')
    admin.press(f'queues/0/{deferred.id}/enqueue/', enqueue='1')
    admin.press(f'queues/0/{scheduled.id}/enqueue/', enqueue='1')
    assert queue.job_ids == [bad.id, deferred.id, scheduled.id]
    left = (queue.failed_job_registry, queue.scheduled_job_registry, queue.deferred_job_registry)
    assert [registry.count for registry in left] == [0, 0, 0]
    admin.press(f'queues/0/{bad.id}/delete/', post='yes')
    assert not Job.exists(bad.id, connection=redis)
    client.burst()
    assert (scheduled.return_value(), deferred.return_value()) == (3, 7)


def test_queues_are_emptied_and_failed_jobs_requeued_or_cleared(
    admin: Admin, client: Client, redis: Redis, queue: Queue, low: Queue
) -> None:
    failed = [low.enqueue(jobs.divide, 1, 0).id for _ in range(2)]
    client.burst('low')
    waits = queue.enqueue(jobs.add, 1, 2)
    admin.press('queues/0/empty/', post='yes')
    assert (queue.count, Job.exists(waits.id, connection=redis)) == (0, False)
    admin.press('queues/1/requeue-all/', post='yes')
    assert (sorted(low.job_ids), low.failed_job_registry.count) == (sorted(failed), 0)
    client.burst('low')
    admin.press('queues/1/failed/clear/', post='yes')
    assert low.failed_job_registry.count == 0
    assert not any(Job.exists(job_id, connection=redis) for job_id in failed)


def test_chosen_jobs_are_deleted_and_requeued(admin: Admin, client: Client, redis: Redis, queue: Queue) -> None:
    bad = [queue.enqueue(jobs.divide, 1, 0).id for _ in range(3)]
    client.burst()
    asked = admin.press('queues/confirm-action/0/', action='requeue', _selected_action=bad[:2])
    assert bad[0] in asked and bad[2] not in asked
    admin.press('queues/actions/0/', action='requeue', job_ids=bad[:2])
    assert sorted(queue.job_ids) == sorted(bad[:2])
    admin.press('queues/actions/0/', action='delete', job_ids=[bad[0], bad[2]])
    assert [Job.exists(job_id, connection=redis) for job_id in bad] == [False, True, False]


def test_a_running_job_is_stopped(admin: Admin, client: Client, queue: Queue) -> None:
    running = queue.enqueue(jobs.sleep, 60)
    client.worker('default')
    client.until(lambda: running.get_executions(), message='a job that is shown to run')
    admin.press('queues/actions/0/', action='stop', job_ids=[running.id])
    client.until(lambda: running.get_status() == JobStatus.STOPPED, message='a stopped job')


# --- commands


def test_its_ways_to_enqueue_and_its_worker(client: Client, project: dict[str, str], redis: Redis) -> None:
    told = json.loads(client.run('python', '-m', 'tests.clients.site.use', env=project))
    assert (told['answered'], told['seen before the commit']) == (False, False)  # django-rq waits for the commit
    found = {name: Job.fetch(job_id, connection=redis) for name, job_id in told['ids'].items()}
    assert {name: (job.origin, job.timeout) for name, job in found.items()} == {
        'plain': ('default', 300),
        'decorated': ('low', 300),
        'database': ('low', 300),
        'committed': ('default', 300),
    }
    client.run('django-admin', 'rqworker', 'default', 'low', '--burst', env=project)
    returned = {name: job.return_value() for name, job in found.items()}
    assert returned == {'plain': 3, 'decorated': 'Hello, you', 'database': 1, 'committed': 11}
    assert found['decorated'].result_ttl == 77


def test_its_commands_enqueue_suspend_resume_and_count(client: Client, project: dict[str, str], queue: Queue) -> None:
    def command(*arguments: str) -> str:
        return client.run('django-admin', *arguments, env=project)

    command('rqenqueue', 'tests.clients.jobs.add', '1', '2')
    [told] = [found for found in json.loads(command('rqstats', '--json'))['queues'] if found['name'] == 'default']
    assert (told['jobs'], told['workers']) == (1, 0)
    command('rqsuspend')
    command('rqworker', 'default', '--burst')
    assert queue.count == 1
    command('rqresume')
    command('rqworker', 'default', '--burst')
    assert queue.count == 0


def test_its_worker_enqueues_what_is_due(client: Client, project: dict[str, str], queue: Queue) -> None:
    due = queue.enqueue_in(timedelta(seconds=-1), jobs.add, 1, 2)
    client.run('django-admin', 'rqworker', 'default', '--with-scheduler', '--burst', env=project)
    assert due.return_value() == 3


def test_its_pool_runs_jobs(client: Client, project: dict[str, str], queue: Queue) -> None:
    done = [queue.enqueue(jobs.add, 1, n) for n in range(4)]
    client.run('django-admin', 'rqworker-pool', 'default', '--burst', '--num-workers', '2', env=project)
    assert [job.return_value() for job in done] == [1, 2, 3, 4]


def test_its_cron_enqueues_and_is_shown(
    admin: Admin, client: Client, project: dict[str, str], redis: Redis, queue: Queue
) -> None:
    cron = client.start('django-admin', 'rqcron', 'tests.clients.site.cron_config', env=project)
    client.until(lambda: queue.count == 1, message='the job of the cron file')
    [job] = queue.jobs
    assert (job.func_name, job.args) == ('tests.clients.jobs.add', (1, 2))
    [name] = re.findall(r'cron-schedulers/0/([^/"]+)/', admin.site.get(HOME).text)
    assert 'tests.clients.jobs.add' in admin.get(f'cron-schedulers/0/{name}/')
    cron.terminate()
    assert cron.wait() == 0
