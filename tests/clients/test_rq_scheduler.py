"""rq-scheduler 0.14, unmodified: its own process enqueues into our queue; our worker runs what it brought."""

from __future__ import annotations

import json

from redis import Redis

from rq import Queue
from rq.job import Job
from tests.clients.conftest import Client

# Run in the clients' environment. A cron job is made due at once by rq-scheduler's own call.
SCHEDULE = """
import json, os
from datetime import datetime, timedelta
from redis import Redis
from rq_scheduler import Scheduler
from tests.clients import jobs

scheduler = Scheduler(queue_name='default', connection=Redis.from_url(os.environ['RQ_REDIS_URL']))
soon = datetime.utcnow() - timedelta(seconds=1)
once = scheduler.enqueue_at(soon, jobs.add, 1, 2)
later = scheduler.enqueue_in(timedelta(hours=1), jobs.add, 1, 2)
front = scheduler.schedule(soon, jobs.add, args=[3, 4], at_front=True, queue_name='other')
often = scheduler.schedule(soon, jobs.add, args=[5, 6], interval=3, repeat=2, result_ttl=600)
cron = scheduler.cron('0 0 1 1 *', jobs.add, args=[7, 8])
scheduler.change_execution_time(cron, soon)
print(json.dumps({'once': once.id, 'later': later.id, 'front': front.id, 'often': often.id, 'cron': cron.id}))
"""
LOOK = """
import json, os
from redis import Redis
from rq_scheduler import Scheduler
scheduler = Scheduler(connection=Redis.from_url(os.environ['RQ_REDIS_URL']))
print(json.dumps([job.id for job in scheduler.get_jobs()]))
"""


def test_jobs_once_periodic_and_by_cron_come_into_our_queue_and_run(
    client: Client, redis: Redis, redis_url: str
) -> None:
    ids = json.loads(client.run('python', '-W', 'ignore', '-c', SCHEDULE))
    client.worker('default', 'other')  # first: a job that still waits when its next time comes is queued once
    client.start('rqscheduler', '--url', redis_url, '--interval', '0.1')
    jobs = {name: Job.fetch(job_id, connection=redis) for name, job_id in ids.items()}

    def runs(name: str) -> int:
        return len(jobs[name].results())

    client.until(lambda: runs('often') == 2, message='both runs of the periodic job')
    client.until(lambda: runs('once') == runs('front') == runs('cron') == 1)
    assert {name: jobs[name].return_value() for name in ids} == {
        'once': 3,
        'later': None,
        'front': 7,
        'often': 11,
        'cron': 15,
    }
    still = json.loads(client.run('python', '-W', 'ignore', '-c', LOOK))
    assert runs('often') == 2
    assert sorted(still) == sorted([ids['later'], ids['cron']])
    assert (Queue('other', connection=redis).count, Queue(connection=redis).count) == (0, 0)
