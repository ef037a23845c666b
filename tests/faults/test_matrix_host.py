"""The fault matrix (docs/guarantees.md), rows about the machine: its clock, its disk, its names and numbers.

What takes a mount or a namespace of its own is done where that is allowed, as on a CI runner with sudo or in a container.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from rq import Queue
from rq.command import send_shutdown_command
from rq.job import Job
from rq.server import EmbeddedServer
from rq.store import keys
from tests.faults import jobs
from tests.faults.batch import all_are, put
from tests.faults.conftest import WorkerMaker
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.faults.mixture import PAUSE, SCALED
from tests.support.processes import Processes
from tests.support.waiting import wait_for

Measure = Callable[[str, str], None]
ServerMaker = Callable[..., EmbeddedServer]


def allowed(*command: str) -> bool:
    """Whether a command may be run here."""
    try:
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except OSError:
        return False


needs_mounts = pytest.mark.skipif(not allowed('unshare', '-m', 'true'), reason='mounting is not allowed here')
needs_names = pytest.mark.skipif(
    not allowed('unshare', '-u', 'true'), reason='a host name of its own is not allowed here'
)


# --- row 19: the clock


@pytest.mark.parametrize('seconds', [1, -1])
def test_row_19_I10_a_leap_second_and_times_of_a_wrong_clock(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path, seconds: int
) -> None:
    """The clock leaps to and fro while jobs run; what they are told to have taken is by Redis's clock."""
    clock = tmp_path / 'clock'
    herd.start(worker={'name': 'false'}, settings=SCALED, clock=[str(clock), seconds])
    herd.start(worker={'name': 'true'}, settings=SCALED)
    many = put(redis, 0, 600, 0.005)
    for _ in range(10):
        clock.touch()
        time.sleep(0.1)
        clock.unlink()
        time.sleep(0.1)
    wait_for(lambda: all_are(redis, many), 20, herd.process.report)
    assert sorted(ledger.begun()) == list(range(600))
    assert re.findall('dead worker|too late|another worker has taken', herd.process.output) == []


@pytest.mark.parametrize('hours', [1, -1])
def test_row_19_the_times_of_a_job_are_redis_s_whatever_the_clock_of_its_worker_says(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path, hours: int
) -> None:
    clock = tmp_path / 'clock'
    clock.touch()
    herd.start(worker={'name': 'false'}, settings=SCALED, clock=[str(clock), hours * 3600])
    short, long = Queue(connection=redis).enqueue(jobs.note, 0), Queue(connection=redis).enqueue(jobs.note, 1, 0.3)
    wait_for(lambda: all_are(redis, [short, long]), 20, herd.process.report)
    now, _ = redis.time()
    for job in (short, long):
        job.refresh()
        assert job.started_at is not None and job.ended_at is not None
        assert all(abs(at.timestamp() - now) < 60 for at in (job.enqueued_at, job.started_at, job.ended_at) if at)
        assert -0.01 < (job.ended_at - job.started_at).total_seconds() < 5


# --- row 31: the disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 8 MB."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    if not allowed('mount', '-t', 'tmpfs', '-o', 'size=8m', 'none', str(folder)):
        pytest.skip('mounting is not allowed here')
    yield folder
    for _ in range(50):  # its server is being ended
        if allowed('umount', str(folder)):
            return
        time.sleep(0.1)
    assert allowed('umount', '-l', str(folder))


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = folder / 'ballast'
    with ballast.open('ab', buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            with suppress(OSError):
                while True:
                    file.write(b'x' * size)
    return ballast


def test_row_31_I12_a_disk_without_room_for_the_append_only_file_stops_nobody_for_longer_than_it_is_full(
    small_disk: Path, other_server: ServerMaker, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    config = {'appendonly': 'yes', 'appendfsync': 'everysec', 'save': ''}
    server = other_server(data_dir=small_disk, config=config)
    redis = Redis.from_url(server.url)
    member = herd.start(url=server.url, settings=SCALED)
    many = put(redis, 0, 500, 0.01)
    wait_for(lambda: len(ledger.begun()) > 100)
    ballast = fill(small_disk)
    wait_for(lambda: redis.info('persistence')['aof_last_write_status'] == 'err', 20)
    before = redis.dbsize()
    with pytest.raises(ResponseError, match='MISCONF'):
        Queue(connection=redis).enqueue(jobs.note, 9999, job_id='refused')
    assert redis.dbsize() == before
    wait_for(lambda: 'trying again' in herd.process.output, 10, herd.process.report)
    time.sleep(PAUSE)
    ballast.unlink()
    began = time.monotonic()
    wait_for(lambda: all_are(redis, many), 30, herd.process.report)
    took = time.monotonic() - began
    assert ledger.begun() == list(range(500))
    assert member.status is None
    wait_for(lambda: redis.info('persistence')['aof_pending_bio_fsync'] == 0)
    time.sleep(1.1)  # everysec
    server.kill()
    again = Redis.from_url(other_server(data_dir=small_disk, config=config).url)
    assert all_are(again, many)
    measured('31', f'8 MB disk full of the append-only file: lost 0, all done {took:.1f} s after there was room')
    again.close()
    redis.close()
    herd.end()


# --- row 34: names and numbers


def test_row_34_I9_a_dead_worker_whose_process_number_is_somebody_elses_is_dead(
    redis: Redis, herd: Herd, ledger: Ledger, processes: Processes, tmp_path: Path, measured: Measure
) -> None:
    """Its record names this host and a living process, as after a restart of a container, where numbers are the same."""
    dead = herd.start(worker={'name': 'dead'}, settings=SCALED)
    job = Queue(connection=redis, on_lost='requeue').enqueue(jobs.until, 0, str(tmp_path / 'open'))
    wait_for(lambda: redis.hexists(keys.job(job.id), 'announced'))
    horse = dead.horse()
    dead.kill()
    os.kill(horse, signal.SIGKILL)
    other = processes.python('-c', 'import time; time.sleep(60)', name='somebody else')
    redis.hset(keys.worker('dead'), mapping={'pid': other.pid, 'hostname': socket.gethostname()})
    (tmp_path / 'open').touch()
    herd.start(worker={'name': 'other'}, settings=SCALED)
    wait_for(lambda: job.get_status() == 'finished', 15, herd.process.report)
    assert ledger.begun() == [0, 0]
    assert other.running
    measured('34', "a dead worker's process number was somebody else's: its job was taken, he lives")


def test_row_34_I3_workers_with_one_process_number_and_host_name_are_told_apart(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    """As in two containers: nothing but its incarnation is asked for."""
    herd.start(worker={'name': 'one'}, settings=SCALED)
    jobs_ = [Queue(connection=redis).enqueue(jobs.until, number, str(tmp_path / 'open')) for number in range(2)]
    wait_for(lambda: ledger.begun() == [0])
    herd.start(worker={'name': 'two'}, settings=SCALED)
    wait_for(lambda: sorted(ledger.begun()) == [0, 1])
    for name in ('one', 'two'):
        redis.hset(keys.worker(name), mapping={'pid': 7, 'hostname': 'container'})
    time.sleep(PAUSE)
    (tmp_path / 'open').touch()
    wait_for(lambda: all_are(redis, jobs_), 10, herd.process.report)
    assert sorted(ledger.begun()) == [0, 1]


@needs_names
def test_row_34_I3_a_host_that_gets_another_name_keeps_its_leases_and_hears_commands(
    redis: Redis, redis_url: str, processes: Processes, ledger: Ledger, tmp_path: Path, worker: WorkerMaker
) -> None:
    settings = {name: value for name, value in SCALED.items() if '.' not in name}
    run = ('unshare', '-u', sys.executable, '-m', 'tests.worker.launch')
    moved = processes.start(
        *run, json.dumps(settings), 'worker', '-n', 'moved', name='moved', env={'RQ_REDIS_URL': redis_url}
    )
    job = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
    wait_for(lambda: ledger.begun() == [0], 10, moved.report)
    assert allowed('nsenter', '-t', str(moved.pid), '-u', 'hostname', 'another-name')
    worker(settings=SCALED, worker={'name': 'other'})
    time.sleep(PAUSE)
    (tmp_path / 'open').touch()
    wait_for(lambda: job.get_status() == 'finished', 10, moved.report)
    send_shutdown_command(redis, 'moved')
    assert moved.wait(10) == 0
    assert ledger.begun() == [0]


@needs_mounts
def test_row_34_a_worker_needs_no_room_in_dev_shm(
    redis: Redis, redis_url: str, processes: Processes, ledger: Ledger, measured: Measure
) -> None:
    """What its processes share has no name there: a container's 64 MB, or none, do."""
    many: list[Job] = put(redis, 0, 300)
    full = 'mount -t tmpfs -o size=4k none /dev/shm && head -c 4096 /dev/zero > /dev/shm/x && ! echo x > /dev/shm/y'
    command = f'({full}) 2>&1 && exec "$0" -m rq.cli worker --burst'
    worker = processes.start(
        'unshare', '-m', 'bash', '-c', command, sys.executable, name='worker', env={'RQ_REDIS_URL': redis_url}
    )
    assert worker.wait(30) == 0, worker.report()
    assert all_are(redis, many), worker.report()
    assert ledger.begun() == list(range(300))
    measured('34', '/dev/shm full: 300 jobs done')
