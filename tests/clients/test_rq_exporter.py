"""rq-exporter 3.1, unmodified: Prometheus scrapes our queues and workers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from redis import Redis

from rq import Queue
from tests.clients import jobs
from tests.clients.conftest import Client, Site


def metrics(text: str) -> dict[str, float]:
    """The samples of `rq_*`, each name with its labels but the worker's random name."""
    found = {}
    for name, value in re.findall(r'^(rq_\S+) (\S+)$', text, re.MULTILINE):
        found[name] = float(value)
    return found


def test_jobs_of_each_status_and_workers_with_their_counts_are_metrics(
    client: Client, redis: Redis, queue: Queue, serve: Callable[..., Site], redis_url: str
) -> None:
    for denominator in (1, 2, 0):
        queue.enqueue(jobs.divide, 1, denominator)
    worker = client.worker('default', '--name', 'scraped')
    client.until(lambda: queue.failed_job_registry.count == 1)
    queue.enqueue_in(timedelta(hours=1), jobs.add, 1, 2)
    Queue('other', connection=redis).enqueue(jobs.add, 1, 2)
    site = serve('rq-exporter', '--host', '127.0.0.1', '--port', '{port}', '--redis-url', redis_url)

    def sample() -> dict[str, float]:
        page = site.get('/metrics')
        assert page.status == 200
        return metrics(page.text)

    labels = '{name="scraped",queues="default"}'
    client.until(lambda: sample()[f'rq_workers_success_total{labels}'] == 2)
    found = sample()
    assert found[f'rq_workers_failed_total{labels}'] == 1
    assert found[f'rq_workers_working_time_total{labels}'] > 0
    assert found['rq_workers{name="scraped",queues="default",state="idle"}'] == 1
    counted = {key: value for key, value in found.items() if key.startswith('rq_jobs{') and value}
    assert counted == {
        'rq_jobs{queue="default",status="finished"}': 2,
        'rq_jobs{queue="default",status="failed"}': 1,
        'rq_jobs{queue="default",status="scheduled"}': 1,
        'rq_jobs{queue="other",status="queued"}': 1,
    }
    worker.terminate()
    assert worker.wait() == 0
    assert not [key for key in sample() if 'scraped' in key]
