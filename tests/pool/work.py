"""Jobs and a pool of the tests, for processes that import them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rq import Queue, SimpleWorker, Worker
from rq.job import Job


def long(folder: str, seconds: float = 60) -> None:
    Path(folder, 'began').touch()
    time.sleep(seconds)
    Path(folder, 'done').touch()


def handler(job: Job, *exc_info: Any) -> bool:
    job.meta['handled'] = True
    job.save_meta()
    return True


class OwnJob(Job):
    pass


class OwnQueue(Queue):
    pass


class OwnWorker(SimpleWorker):
    def perform_job(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> bool:
        job.meta['run_by'] = [type(self).__name__, type(queue).__name__, type(job).__name__]
        job.save_meta()
        return super().perform_job(job, queue, *args, **kwargs)


class Unable(Worker):
    def work(self, *args: Any, **kwargs: Any) -> bool:
        raise RuntimeError('no licence')
