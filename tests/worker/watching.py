"""What tests of workers wait for and look at."""

from __future__ import annotations

from redis import Redis

from rq.job import Job
from tests.support.waiting import wait_for
from tests.worker.conftest import Journal

__all__ = ['begun', 'last_line', 'ready', 'says']


def says(job: Job, status: str, timeout: float = 10) -> None:
    """Waits until a job has a status."""
    wait_for(lambda: job.get_status() == status, timeout, lambda: f'{job.get_status()}, not {status}')


def begun(journal: Journal, *words: str) -> None:
    """Waits until a job has noted that it runs, in a line that begins with one of these words."""
    wait_for(lambda: [line for line in journal.lines if line.startswith(words or ('sleep', 'child'))])


def ready(redis: Redis, name: str = 'w1') -> None:
    """Waits until a worker listens."""
    wait_for(lambda: redis.pubsub_numsub(f'rq:pubsub:{name}')[0][1])


def last_line(job: Job) -> str:
    """The last line of why a job failed."""
    result = job.latest_result()
    assert result is not None and result.exc_string is not None
    return result.exc_string.strip().splitlines()[-1]
