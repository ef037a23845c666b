"""Real `rq cron` processes: two of them, one stopped and killed, and a server that goes away."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue
from rq.cron import CronScheduler
from rq.server import EmbeddedServer
from rq.store import cron as store
from rq.store import keys
from tests.support.processes import ROOT, Process, Processes
from tests.support.waiting import wait_for

pytestmark = pytest.mark.serial

FILE = """
from os import getcwd, getpid
from rq import cron
cron.register(getcwd, 'slots', cron='* * * * * *', name='slots')
cron.register(getcwd, 'every', cron='* * * * * *', name='every', misfire='all')
cron.register(getpid, 'interval', interval=0.5, name='interval')
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / 'crons.py'
    path.write_text(FILE)
    return path


def start(processes: Processes, url: str, file: Path) -> Process:
    return processes.rq('cron', str(file), url=url, env={'PYTHONPATH': str(ROOT)})


def enqueued(redis: Redis, queue: str) -> list[float]:
    """When its jobs were enqueued, by Redis time."""
    return [at for _, at in redis.zrange(keys.cron_history(queue), 0, -1, withscores=True)]


def test_two_schedulers_enqueue_each_slot_once_though_one_is_stopped_and_one_killed(
    redis: Redis, redis_url: str, processes: Processes, file: Path
) -> None:
    first, second = start(processes, redis_url, file), start(processes, redis_url, file)
    for process in (first, second):
        process.wait_for_output('registering birth')
    begun = store.look(redis, [])[0] / 1e6
    for _ in range(3):  # stopped wherever it is, in the middle of a look if chance will have it
        for process in (first, second):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.27)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.11)
    first.send_signal(signal.SIGSTOP)
    time.sleep(2)
    first.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    second.kill()
    time.sleep(1.5)
    first.terminate()
    assert first.wait() == 0
    ended = store.look(redis, [])[0] / 1e6
    times = enqueued(redis, 'every')  # one a slot: the n-th is that of the n-th second
    first_slot = int(times[0])
    late = [at - slot for slot, at in enumerate(times, start=first_slot)]
    print(f'slots are enqueued {min(late) * 1000:.0f} to {max(late) * 1000:.0f} ms after their time')
    assert min(late) >= 0 and max(late) < 1 + 0.3, late
    assert first_slot <= begun + 1 and first_slot + len(times) >= int(ended), (begun, ended, times)
    assert len(times) == Queue('every', connection=redis).count
    # Of this one a slot is left out if both were held up for so long that the next one had come.
    assert len(times) - 2 <= len(enqueued(redis, 'slots')) <= len(times)
    beats = enqueued(redis, 'interval')
    apart = [later - earlier for earlier, later in pairwise(beats)]
    assert min(apart) > 0.05 and len(beats) <= (ended - begun) / 0.5 + 3
    assert [one.pid for one in CronScheduler.all(redis)] == [second.pid]
    assert 'shutdown complete' in first.output


def test_a_scheduler_goes_on_when_redis_is_back(
    other_server: Callable[..., EmbeddedServer], processes: Processes, tmp_path: Path, file: Path
) -> None:
    server = other_server(data_dir=tmp_path / 'data')
    port = server.port
    process = start(processes, server.url, file)
    with Redis.from_url(server.url) as redis:
        wait_for(lambda: redis.exists(keys.cron_history('slots')))
        server.kill()
        process.wait_for_output('Redis is away, going on when it is back')
        time.sleep(1.2)
        again = other_server(port=port, data_dir=tmp_path / 'data')
        process.wait_for_output('Redis is back')
        before = len(enqueued(redis, 'slots'))
        wait_for(lambda: len(enqueued(redis, 'slots')) > before + 1)
        slots = Counter(int(at) for at in enqueued(redis, 'slots'))
        assert max(slots.values()) <= 2  # the newest that was missed comes in the second of the next
        assert process.output.count('Redis is away') == 1
        process.send_signal(signal.SIGSTOP)
        os.kill(again.pid, signal.SIGSTOP)  # a server that says nothing
        process.send_signal(signal.SIGCONT)
        process.interrupt()
        os.kill(again.pid, signal.SIGCONT)
        assert process.wait() == 0
    assert 'Traceback' not in process.output


def test_it_does_not_start_without_a_server(processes: Processes, file: Path) -> None:
    process = start(processes, 'redis://127.0.0.1:1', file)
    assert process.wait() == 1
    assert process.stderr.splitlines()[-1].startswith('Error 111 connecting to 127.0.0.1:1')
    assert 'Traceback' not in process.output
