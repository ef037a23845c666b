"""Flask-RQ2 18.3, unmodified, though nobody maintains it: its jobs, its worker (which RQ 3.0 itself breaks), its info."""

from __future__ import annotations

import json

from redis import Redis

from rq.job import Job
from tests.clients.conftest import Client

APP = {'FLASK_APP': 'tests.clients.flask2_site', 'PYTHONWARNINGS': 'ignore'}
USE = """
import json
from datetime import timedelta
from tests.clients.flask2_site import double, greet
print(json.dumps([greet.queue('you').id, double.queue(4).id, double.schedule(timedelta(hours=1), 5).id]))
"""


def test_jobs_are_enqueued_scheduled_and_run_within_the_application(client: Client, redis: Redis) -> None:
    found = [Job.fetch(job_id, connection=redis) for job_id in json.loads(client.run('python', '-c', USE, env=APP))]
    assert [(job.origin, job.timeout, job.result_ttl) for job in found[:2]] == [('default', 180, 500), ('low', 60, 77)]
    assert '1 queues, 1 jobs total' in client.run('flask', 'rq', 'info', env=APP)
    client.run('flask', 'rq', 'worker', '--burst', 'default', 'low', env=APP)
    assert [job.return_value() for job in found] == ['Hello, you', 8, None]
    assert redis.zrange('rq:scheduler:scheduled_jobs', 0, -1) == [found[2].id.encode()]
