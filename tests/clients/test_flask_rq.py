"""Flask-RQ 1.0, unmodified: views enqueue, `flask rq worker` runs jobs within the application, `flask rq cron` enqueues."""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis

from rq import Queue
from rq.job import Job
from tests.clients.conftest import Client, Site

APP = {'FLASK_APP': 'tests.clients.flask_site'}


def test_a_view_enqueues_and_its_worker_runs_jobs_within_the_application(
    client: Client, serve: Callable[..., Site], redis: Redis
) -> None:
    site = serve('flask', 'run', '--port', '{port}', env=APP)
    ids = site.post('/you').data
    found = {name: Job.fetch(job_id, connection=redis) for name, job_id in ids.items()}
    assert {name: job.origin for name, job in found.items()} == {
        'greet': 'default',
        'double': 'low',
        'plain': 'default',
    }
    client.run('flask', 'rq', 'worker', '--burst', env=APP)
    assert {name: job.return_value() for name, job in found.items()} == {
        'greet': 'Hello, you',
        'double': 8,
        'plain': 5,
    }


def test_its_cron_enqueues(client: Client, redis: Redis) -> None:
    low = Queue('low', connection=redis)
    cron = client.start('flask', 'rq', 'cron', env=APP)
    client.until(lambda: low.count == 1, message='the job of the cron file')
    cron.terminate()
    assert cron.wait() == 0
    [job] = low.jobs
    client.run('flask', 'rq', 'worker', '--burst', env=APP)
    assert job.return_value() == 42
