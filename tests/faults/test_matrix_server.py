"""The fault matrix (docs/guarantees.md), rows about the server: forgetful, without a disk, emptied; and about broken output."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from rq import Queue, Retry
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.server import EmbeddedServer
from rq.store import admin, keys
from tests.faults import jobs
from tests.faults.batch import all_are, put
from tests.faults.conftest import ALL
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.faults.mixture import PAUSE, SCALED
from tests.support.processes import Processes
from tests.support.waiting import wait_for

Measure = Callable[[str, str], None]
ServerMaker = Callable[..., EmbeddedServer]


def test_row_25_I12_where_the_server_evicts_jobs_their_ids_are_dropped_and_said_and_the_rest_runs(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    many = put(redis, 0, 300)
    evicted = many[::3]
    redis.delete(*(keys.job(job.id) for job in evicted))  # what allkeys-lru does, without a word
    member = herd.start(settings=SCALED)
    rest = [job for job in many if job not in evicted]
    wait_for(lambda: all_are(redis, rest), 10, herd.process.report)
    wait_for(lambda: redis.llen(keys.queue('default')) == 0)
    wait_for(lambda: len(re.findall('Skipped', herd.process.output)) == len(evicted), 10)
    assert member.status is None
    measured('25', f'{len(evicted)} evicted jobs: each said once, 0 others lost')


def test_row_25_I12_a_worker_says_as_it_starts_that_its_server_may_forget_jobs(
    other_server: ServerMaker, herd: Herd, ledger: Ledger
) -> None:
    server = other_server(config={'maxmemory': '100mb', 'maxmemory-policy': 'allkeys-lru'})
    herd.start(url=server.url, work={'burst': True}).wait()
    assert 'forgets jobs or results when it is full (maxmemory-policy allkeys-lru)' in herd.process.output


def test_row_31_I12_while_the_server_cannot_write_its_disk_jobs_wait_and_none_is_lost(
    other_server: ServerMaker, herd: Herd, ledger: Ledger, tmp_path: Path, measured: Measure
) -> None:
    """MISCONF: its snapshot cannot be put in place, as on a full disk, so that it refuses every write."""
    data = tmp_path / 'data'
    server = other_server(data_dir=data, config={'save': '3600 1', 'stop-writes-on-bgsave-error': 'yes'})
    redis = Redis.from_url(server.url)
    member = herd.start(url=server.url, settings=SCALED)
    many = put(redis, 0, 2000)
    wait_for(lambda: len(ledger.begun()) > 100)
    folder, name = (redis.config_get(what)[what] for what in ('dir', 'dbfilename'))
    target = Path(folder) / name
    target.unlink(missing_ok=True)
    (target / 'in the way').mkdir(parents=True)
    redis.bgsave()
    wait_for(lambda: redis.info('persistence')['rdb_last_bgsave_status'] == 'err', 10)
    with pytest.raises(ResponseError, match='MISCONF'):
        redis.set('x', 'y')
    wait_for(lambda: 'trying again' in herd.process.output, 10, herd.process.report)
    time.sleep(PAUSE)
    (target / 'in the way').rmdir()
    target.rmdir()
    redis.bgsave()
    wait_for(lambda: redis.info('persistence')['rdb_last_bgsave_status'] == 'ok', 10)
    back = time.monotonic()
    wait_for(lambda: all_are(redis, many), 20, herd.process.report)
    assert ledger.begun() == list(range(2000))
    assert member.status is None
    measured('31', f'lost 0, all done {time.monotonic() - back:.1f} s after the disk had room')
    redis.close()


@pytest.mark.parametrize('where', ['/dev/full', 'a pipe nobody reads'])
def test_row_32_I12_a_worker_whose_output_goes_nowhere_does_its_jobs(
    redis: Redis, redis_url: str, processes: Processes, ledger: Ledger, measured: Measure, where: str
) -> None:
    if where == '/dev/full' and not os.path.exists(where):
        pytest.skip('this system has no /dev/full')
    queue = Queue(connection=redis)
    put_ = [queue.enqueue(jobs.printed, number) for number in range(30)] + put(redis, 30, 30)
    target = f'> {where}' if where.startswith('/') else '| true'
    command = f'"$0" -m rq.cli worker --burst {target} 2>&1; echo "ended ${{PIPESTATUS[0]}}" >&2'
    worker = processes.start('bash', '-c', command, sys.executable, env={'RQ_REDIS_URL': redis_url})
    worker.wait(30)
    assert 'ended 0' in worker.stderr, worker.report()
    assert all_are(redis, put_)
    assert ledger.begun() == list(range(30, 60))
    measured('32', 'results unaffected')


def test_row_34_I3_a_second_worker_of_a_name_is_refused_and_takes_nothing_from_the_first(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path, measured: Measure
) -> None:
    first = herd.start(worker={'name': 'same'}, settings=SCALED)
    job = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
    wait_for(lambda: redis.hexists(keys.job(job.id), 'announced'))
    second = herd.start(worker={'name': 'same'}, settings=SCALED)
    assert second.wait() != 0
    assert 'There exists an active worker named' in herd.process.output
    first.horse()
    first.kill()
    (tmp_path / 'open').touch()
    wait_for(lambda: job.get_status() == 'finished', 10)  # by the orphan: nobody has taken its lease
    wait_for(lambda: not redis.exists(keys.lease('same')), 5)
    third = herd.start(worker={'name': 'same'}, settings=SCALED)
    later = put(redis, 1, 20)
    wait_for(lambda: all_are(redis, later), 10, herd.process.report)
    assert third.status is None
    assert ledger.begun() == list(range(21))
    measured('34', 'leases taken: 0')


@pytest.mark.parametrize('point', ['before.promote_due', 'after.promote_due'])
def test_row_36_I13_ten_06_a_promoter_that_is_stopped_in_its_tick_lets_nothing_start_twice(
    redis: Redis, armed_herd: Herd, tmp_path: Path, measured: Measure, point: str
) -> None:
    """H: RQ's scheduler, paused in the middle and woken later, enqueued the jobs again."""
    ledger = Ledger(tmp_path / 'ledger')
    told = {'settings': SCALED, 'env': {jobs.LEDGER: str(ledger.path)}}
    stopped = armed_herd.start(worker={'name': 'stopped'}, fault=f'{tmp_path}:{point}=stop@5', **told)
    other = armed_herd.start(worker={'name': 'other'}, fault=f'{tmp_path}:', **told)
    queue = Queue(connection=redis)
    seconds, _ = redis.time()
    due = [
        queue.enqueue_at(datetime.fromtimestamp(seconds + number % 3, UTC), jobs.note, number) for number in range(60)
    ]
    try:
        wait_for(lambda: (tmp_path / f'{point}.struck').exists(), 10, armed_herd.process.report)
        wait_for(lambda: all_are(redis, due), 15, armed_herd.process.report)
        stopped.signal(signal.SIGCONT)
        later = [queue.enqueue_at(datetime.fromtimestamp(seconds, UTC), jobs.note, 100 + n) for n in range(20)]
        wait_for(lambda: all_are(redis, later), 10, armed_herd.process.report)
        assert ledger.twice() == []
        assert (stopped.status, other.status) == (None, None)
        measured('36', 'duplicates 0')
    finally:
        armed_herd.end()


@pytest.mark.parametrize('seed', range(6 if ALL else 1))
def test_row_37_I12_workers_outlive_flushall_and_the_loss_of_any_key(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure, seed: int
) -> None:
    chance = random.Random(seed)
    members = [herd.start(worker={'name': f'w{number}'}, settings=SCALED) for number in range(2)]
    [member.horse() for member in members]
    deleted = set()
    for turn in range(12):
        put(redis, 1000 * turn, 200)
        wait_for(lambda turn=turn: any(n >= 1000 * turn for n in ledger.begun()) or redis.dbsize() < 50, 10)  # type: ignore[misc]
        if turn % 6 == 5:
            redis.flushall()
        else:
            found = sorted(redis.scan_iter(count=1000))
            for name in chance.sample(found, min(5, len(found))):
                redis.delete(name)
                deleted.add(name.split(b':')[1])
    redis.flushall()
    wait_for(lambda: redis.scard(keys.workers()) == 2, 10, herd.process.report)
    last = put(redis, 50_000, 200)
    wait_for(lambda: all_are(redis, last), 15, herd.process.report)
    assert [member.status for member in members] == [None, None]
    assert [number for number in ledger.twice() if number >= 50_000] == []
    assert 'Traceback' not in herd.process.output
    measured('37', f'exits 0 ({len(deleted)} kinds of keys deleted)')


def test_row_38_I1_cancel_delete_requeue_and_stop_race_with_every_phase_and_leave_nothing_in_between(
    redis: Redis, redis_url: str, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    members = [herd.start(worker={'name': f'w{number}'}, settings=SCALED) for number in range(2)]
    queue = Queue(connection=redis)
    put_: list[Job] = []
    for number in range(400):
        function = jobs.fails if number % 5 == 0 else jobs.note
        options = {'retry': Retry(max=1)} if number % 7 == 0 else {}
        if number % 11 == 10:
            options['depends_on'] = put_[-1]  # type: ignore[assignment]
        args = (number,) if function is jobs.fails else (number, 0.002)
        put_.append(queue.enqueue(function, *args, **options))  # type: ignore[arg-type]
    done = [0, 0]

    def meddle(seed: int) -> None:
        chance = random.Random(seed)
        connection = Redis.from_url(redis_url)
        for _ in range(200):
            job_id = chance.choice(put_).id
            try:
                job = Job.fetch(job_id, connection)
                what = chance.choice(['cancel', 'delete', 'requeue', 'stop', 'refresh'])
                if what == 'stop':
                    send_stop_job_command(connection, job_id)
                else:
                    getattr(job, what)()
                done[0] += 1
            except (NoSuchJobError, InvalidJobOperation, RedisError, ValueError):
                done[1] += 1
        connection.close()

    threads = [threading.Thread(target=meddle, args=(seed,)) for seed in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    def quiet() -> bool:
        homes = admin.census(redis, ['default']).homes['default']
        return not (homes['queue'] or homes['wip'] or homes['scheduled'])

    wait_for(quiet, 20, lambda: f'{admin.census(redis, ["default"]).homes["default"]}\n{herd.process.report()}')
    assert [member.status for member in members] == [None, None]
    measured('38', f'{done[0]} calls, {done[1]} refused; nothing in between')
