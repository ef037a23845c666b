"""A worker's ear: commands are done, and whatever else is said on its channel is not."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Worker
from rq.worker.hearing import Ear
from tests.support.waiting import wait_for

GARBAGE = [
    b'nojson',
    b'\xff\xfe\x00',
    b'',
    b'3',
    b'[]',
    b'null',
    b'"shutdown"',
    b'{}',
    b'{"command": 5}',
    b'{"command": null}',
    b'{"command": ["shutdown"]}',
    b'{"command": "SHUTDOWN"}',
    b'{"command": "unheard-of"}',
    b'{"command": "stop-job"}',
    b'{"command": "stop-job", "job_id": 5}',
    b'{"command": "stop-job", "job_id": null}',
    b'{"command": "stop-job", "job_id": ""}',
    b'{"command": "stop-job", "job_id": {"$ne": 1}}',
    b'{"command": "stop-execution", "job_id": "a"}',
    b'{"command": "dump-stack"}',
    b'{"command": "dump-stack", "job_id": {"a": 1}}',
    b'{"command": "stop-execution", "job_id": "a", "execution_id": []}',
    b'{"command": "stop-job", "job_id": "' + b'x' * 100_000 + b'"}',
    b'[' * 10_000,
    b'{"command": "shutdown"',
]


@pytest.mark.parametrize('message', GARBAGE, ids=lambda message: message[:40].decode('utf-8', 'replace'))
def test_what_is_no_command_is_ignored(redis: Redis, message: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Said to the part of the worker that listens: nothing is done, nothing is raised."""
    worker = Worker(['default'], connection=redis, name='w1')
    done: list[Any] = []

    class Chief:
        shut_down = kill_horse = stop_run = lambda self, *args: done.append(args)

    worker._chief = Chief()
    worker.subscribe()
    ear = Ear(worker)
    ear.listen()
    wait_for(lambda: redis.pubsub_numsub('rq:pubsub:w1')[0][1])
    redis.publish('rq:pubsub:w1', message)
    redis.publish('rq:pubsub:w1', '{"command": "stop-job", "job_id": "last"}')

    def heard() -> bool:
        ear.listen()
        return bool(done)

    wait_for(heard)
    worker.unsubscribe()
    assert done == [('last', '')]
