"""SpawnWorker: a new interpreter for each job, told over a pipe what `ps` must not show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Queue, SpawnWorker
from rq.job import JobStatus
from rq.server import EmbeddedServer
from rq.store import keys
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker


def test_jobs_run_each_in_an_interpreter_of_its_own(queue: Queue, burst: WorkerMaker) -> None:
    one, two, bad, dead = (queue.enqueue(call) for call in (jobs.pid, jobs.interpreter, jobs.fail, jobs.segfault))
    process = burst('-w', 'rq.worker.SpawnWorker', '-n', 'w')
    assert one.return_value() not in (process.pid, two.return_value()['pid'])
    assert two.return_value()['started'] and two.return_value()['stdin'] == ''
    assert two.return_value()['names'] == ['w', two.id, two.latest_result().execution_id]  # type: ignore[union-attr]
    assert 'ValueError: broken' in (bad.latest_result().exc_string or '')  # type: ignore[union-attr]
    assert 'signal 11, SIGSEGV' in (dead.latest_result().exc_string or '')  # type: ignore[union-attr]


def test_no_process_shows_the_password_of_the_server(
    other_server: Callable[..., EmbeddedServer], worker: WorkerMaker, journal: Journal, disorder: None
) -> None:
    secret = 'open-sesame-1234'
    server = other_server(config={'requirepass': secret})
    url = server.url
    assert secret in url
    with Redis.from_url(url) as redis:
        job = Queue(connection=redis).enqueue(jobs.sleep, 2)
        process = worker(
            '--burst', '-w', 'rq.worker.SpawnWorker', '-n', 'w', '-c', 'settings',
            env={'RQ_REDIS_URL': '', 'PYTHONPATH': str(_settings(journal.path.parent, url))},
        )  # fmt: skip
        wait_for(lambda: 'sleep 2' in journal.lines, timeout=20, message=process.report)
        [child] = psutil.Process(process.pid).children()
        shown = ' '.join([*child.cmdline(), *child.environ().values(), *psutil.Process(process.pid).cmdline()])
        assert 'pickle' in shown and secret not in shown
        wait_for(lambda: job.get_status() is JobStatus.FINISHED)
        assert process.wait(10) == 0


def _settings(folder: Path, url: str) -> Path:
    (folder / 'settings.py').write_text(f'REDIS_URL = {url!r}\n')
    return folder


def test_what_cannot_be_handed_over_is_said_before_any_job_runs(redis: Redis) -> None:
    worker = SpawnWorker('default', connection=redis, exception_handlers=[lambda *_: None])
    with pytest.raises(TypeError, match=r'its exception_handlers cannot be handed .* make it importable'):
        worker.work(burst=True)
    assert not redis.exists(keys.worker(worker.name))
