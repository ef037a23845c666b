"""`rq stack`: where a running job stands, or why nobody can say."""

from __future__ import annotations

from redis import Redis

from rq import Queue
from rq.store import keys
from tests.monitor.conftest import lasting, worker
from tests.support.processes import Processes
from tests.support.waiting import wait_for
from tests.worker import stacked
from tests.worker.conftest import WorkerMaker

__all__ = ['lasting', 'worker']


def test_it_shows_the_stack_of_a_running_job(
    redis: Redis, redis_url: str, processes: Processes, lasting: WorkerMaker
) -> None:
    queue = Queue(connection=redis)
    job, waiting = queue.enqueue(stacked.outer), queue.enqueue(stacked.outer)
    lasting('--name', 'w1')
    wait_for(lambda: redis.hget(keys.worker('w1'), 'current_job'), 15)
    shown, refused = (processes.rq('stack', one.id, url=redis_url) for one in (job, waiting))
    assert (shown.wait(), refused.wait()) == (0, 3)
    assert shown.stdout.startswith('Main thread (most recent call last):\n  (')
    assert shown.stdout.endswith('in inner\n    time.sleep(seconds)\n')
    assert refused.stderr == (f'Job is not currently executing: `rq why {waiting.id}` says where it is\n')
