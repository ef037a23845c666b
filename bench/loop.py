"""`python bench/loop.py <json>`: a bare loop of the worker's script, which is the floor below a worker.

It claims a pack, finishes it with the claim of the next, one request ahead, and runs nothing: no job is unpacked, nothing is
logged, nobody watches. Runs until the queue is empty; answers `{"jobs", "began", "ended", "claims_ms"}` in JSON, by the
machine's monotonic clock.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from base64 import b64encode
from typing import Any

from redis import Redis

from rq.store import claim, worker
from rq.store.wire import Wire, bulk

PAYLOAD = b64encode(pickle.dumps(42))
QUEUE = 'default'


def outcomes(answer: claim.Answer) -> list[bytes]:
    """A success of each job, as a worker packs it."""
    now = bulk(b'%d' % answer.now_us)
    head, tail = bulk(b'F') + bulk(QUEUE.encode()), now + now + bulk(b'500') + bulk(PAYLOAD)
    return [head + bulk(job.id) + bulk(job.execution) + tail for job in answer.jobs]


def main(url: str, pack: int, ahead: bool, most: int) -> dict[str, Any]:
    """Work off the queue, or `most` jobs of it."""
    name = f'loop{os.getpid()}'
    incarnation = os.urandom(8).hex()
    with Redis.from_url(url) as redis:
        seq = worker.register(redis, name, incarnation, [QUEUE], {'queues': QUEUE, 'state': 'started'}, 480) or 0
        wire = Wire(redis)

        def send(room: int, done: list[bytes]) -> claim.Claim:
            nonlocal seq
            seq += 1
            request = claim.Claim(name.encode(), incarnation, seq, [(QUEUE.encode(), pack)], room, done)
            request.send(wire)
            return request

        began = time.monotonic()
        took, jobs, packed, request = [], 0, [], send(pack, [])
        while True:
            sent = time.monotonic()
            answer = request.receive(wire)
            took.append(time.monotonic() - sent)
            jobs += len(answer.jobs)
            if not answer.jobs or jobs >= most:
                break
            if ahead:
                request = send(pack, packed)
                packed = outcomes(answer)  # while the server works
            else:
                request = send(pack, outcomes(answer))
        if packed or answer.jobs:
            send(0, packed + outcomes(answer)).receive(wire)
        ended = time.monotonic()
        worker.retire(redis, name, incarnation, [QUEUE])
        wire.close()
    return {'jobs': jobs, 'began': began, 'ended': ended, 'claims_ms': [seconds * 1e3 for seconds in took]}


if __name__ == '__main__':
    told = json.loads(sys.argv[1])
    print(json.dumps(main(os.environ['BENCH_REDIS_URL'], told['pack'], told['ahead'], told.get('most', 10**9))))
