"""`rq stack`: where a running job stands, or why nobody can say."""

from __future__ import annotations

import pytest
from redis import Redis

from rq import Queue, command
from rq.monitor import stack as monitor
from rq.store import keys
from tests.cli.conftest import Run
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


def test_an_answer_from_redis_steers_no_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = monitor.Stack('running', 'line\n\x1b]0;title\x07', 'a\x1b[2Jb', 'w1', None, None)
    monkeypatch.setattr(command, 'send_dump_stack_command', lambda *_: None)
    monkeypatch.setattr(monitor, 'wait', lambda *_: answer)
    result = run('stack', 'any')
    assert (result.stdout, result.stderr) == ('line\n\\x1b]0;title\\x07\n', 'a\\x1b[2Jb\n')
