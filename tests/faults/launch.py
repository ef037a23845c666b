"""`python -m tests.faults.launch '{"settings": {...}, "work": {...}, "options": {...}}' queue...`: a worker in a hurry.

A worker as `rq worker` starts it, with other numbers in rq/worker/settings.py: what happens in production once in a
million packs is then met every second. The connection is that of RQ_REDIS_URL.
"""

from __future__ import annotations

import json
import os
import sys

from redis import Redis

from rq.worker import Worker, settings


def main(told: dict[str, dict[str, object]], queues: list[str]) -> None:
    for name, value in told.get('settings', {}).items():
        assert hasattr(settings, name), name
        setattr(settings, name, value)
    worker = Worker(queues, connection=Redis.from_url(os.environ['RQ_REDIS_URL']), **told.get('worker', {}))  # type: ignore[arg-type]
    for name, value in told.get('options', {}).items():
        setattr(worker.horse_options, name, value)
    worker.work(logging_level='INFO', **told.get('work', {}))  # type: ignore[arg-type]


if __name__ == '__main__':
    main(json.loads(sys.argv[1]), sys.argv[2:])
