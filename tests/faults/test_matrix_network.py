"""The fault matrix (docs/guarantees.md), rows about the way to Redis: silent, slow, cut for one of two, refusing, full."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from rq import Queue
from rq.server import EmbeddedServer
from rq.store import keys
from tests.faults import jobs
from tests.faults.batch import all_are, put
from tests.faults.conftest import ALL
from tests.faults.herd import Herd, Member
from tests.faults.ledger import Ledger
from tests.faults.mixture import PAUSE, SCALED
from tests.support.faults import delay, error
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for

Measure = Callable[[str, str], None]
ServerMaker = Callable[..., EmbeddedServer]
# Patience in the scale of the rest.
QUICK = {**SCALED, 'courier.WIRE_TIMEOUT': 0.4, 'horse.WIRE_TIMEOUT': 0.4, 'SUPERVISOR_TIMEOUT': 0.3}
REFUSALS = [
    "READONLY You can't write against a read only replica.",
    'BUSY Redis is busy running a script.',
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'LOADING Redis is loading the dataset in memory',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'NOAUTH Authentication required.',
    'CLUSTERDOWN The cluster is down',
    "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'NOREPLICAS Not enough good replicas to write.',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'ERR max number of clients reached',
]
FALSE_ALARM = 'dead worker|died without a word|too late|another worker has taken'


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


def settle(redis: Redis, ledger: Ledger) -> None:
    """Lets a worker run a few jobs."""
    first = len(ledger.begun()) + 1000
    some = put(redis, first, 20)
    wait_for(lambda: all_are(redis, some), 20)


def files(member: Member) -> int:
    """Open files of a worker and its horse."""
    return sum(psutil.Process(pid).num_fds() for pid in (member.pid, member.horse()))


def test_row_12_I12_a_silent_network_holds_a_worker_up_no_longer_than_its_patience(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    member = herd.start(url=proxy.url, settings=QUICK)
    herd.start(worker={'name': 'watches'}, settings=SCALED).horse()
    many = put(redis, 0, 3000)
    wait_for(lambda: len(ledger.begun()) > 300)
    proxy.black_hole()
    time.sleep(PAUSE)
    proxy.cut_all()  # what was silent is gone
    proxy.heal()
    healed = time.monotonic()
    later = put(redis, 3000, 50)
    wait_for(lambda: all_are(redis, [*many, *later]), 20, herd.process.report)
    horse = member.horse()
    last = put(redis, 4000, 200, 0.005)
    wait_for(lambda: all_are(redis, last), 20)
    pids = {entry.pid for entry in ledger.entries() if entry.number >= 4000}
    assert horse in pids, 'the one that was cut off works again'
    assert member.status is None
    measured('12', f'all done {time.monotonic() - healed:.1f} s after the silence')


def test_row_13_I10_a_slow_network_costs_throughput_and_raises_no_alarm(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    proxy.on('', delay(0.1), times=None)
    settings = {**SCALED, 'LEASE': 2, 'rq.store.worker.LEASE_MS': 2000}
    member = herd.start(url=proxy.url, settings=settings)
    herd.start(worker={'name': 'watches'}, settings=settings).horse()
    many = put(redis, 0, 800, 0.002)
    wait_for(lambda: all_are(redis, many), 30, herd.process.report)
    time.sleep(2.2)  # more than a lease
    assert re.findall(FALSE_ALARM, herd.process.output) == []
    assert sorted(ledger.begun()) == list(range(800))
    assert member.status is None
    measured('13', 'each request 100 ms late: false reaps 0')


@pytest.mark.parametrize('whom', ['horse', 'supervisor'])
def test_row_14_I3_where_one_of_two_processes_is_cut_off_each_job_has_one_outcome(
    redis: Redis, redis_url: str, proxy: Proxy, herd: Herd, ledger: Ledger, measured: Measure, whom: str
) -> None:
    settings = {**QUICK, 'notes.LEASE': 2}
    ways = {'url': redis_url, 'horse_url': proxy.url} if whom == 'horse' else {'url': proxy.url, 'horse_url': redis_url}
    cut = herd.start(worker={'name': 'cut'}, settings=settings, **ways)
    cut.horse()
    first = put(redis, 0, 300)
    wait_for(lambda: all_are(redis, first))
    long = Queue(connection=redis).enqueue(jobs.note_times, 1000, PAUSE + 1.5)
    wait_for(lambda: 1000 in ledger.begun())
    herd.start(worker={'name': 'other'}, settings=SCALED)
    proxy.black_hole()
    second = put(redis, 300, 300)
    wait_for(lambda: all_are(redis, second), 20, herd.process.report)
    wait_for(lambda: 1000 in [entry.number for entry in ledger.entries('e')], 10)
    proxy.heal()
    wait_for(lambda: all_are(redis, [long]) or all_are(redis, [long], 'failed'), 20, herd.process.report)
    begins = ledger.counts()[1000]
    if whom == 'horse':  # its supervisor has spoken for it all the time
        assert (long.get_status(), begins) == ('finished', 1)
    wait_for(lambda: redis.zcard(keys.wip('default')) == 0)
    assert {redis.xlen(keys.results(job.id)) for job in [*first, *second, long]} == {1}
    assert [number for number in ledger.twice() if number != 1000] == []
    assert cut.status is None
    measured('14', f'{whom} cut off: one outcome each, the long job began {begins} time(s)')


def test_row_20_I6_a_server_that_forgets_its_scripts_all_the_time_is_told_again(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    member = herd.start(settings=SCALED)
    stop, flushed, queue = threading.Event(), [0], Queue(connection=redis)

    def forget() -> None:
        while not stop.wait(0.02):
            redis.script_flush()
            flushed[0] += 1

    thread = threading.Thread(target=forget)
    thread.start()
    try:
        put_ = [queue.enqueue(jobs.note, number, job_id=f'j{number}') for number in range(200)]
        with redis.pipeline() as pipeline:
            for number in range(200, 300):
                queue.enqueue(jobs.note, number, job_id=f'j{number}', pipeline=pipeline)
            pipeline.execute()
        put_ += put(redis, 300, 700)
        wait_for(lambda: len(ledger.begun()) == 1000, 20, herd.process.report)
        wait_for(lambda: all_are(redis, put_))
    finally:
        stop.set()
        thread.join()
    assert ledger.begun() == list(range(1000))
    assert 'Redis trouble' not in herd.process.output
    assert member.status is None
    measured('20', f'{flushed[0]} times forgotten, errors 0')


@pytest.mark.parametrize(
    'text',
    REFUSALS if ALL else REFUSALS[:3],
    ids=lambda text: text.split()[0],
)
def test_row_23_I12_whatever_redis_answers_a_worker_lives_and_its_jobs_run_once(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger, measured: Measure, text: str
) -> None:
    member = herd.start(url=proxy.url, settings=QUICK)
    first = put(redis, 0, 200)
    wait_for(lambda: len(ledger.begun()) > 20)
    rule = proxy.on('EVALSHA', error(text), k=2, times=4)
    later = put(redis, 200, 200)
    wait_for(lambda: rule.fired == 4 and all_are(redis, [*first, *later]), 30, herd.process.report)
    assert ledger.begun() == list(range(400))
    assert member.status is None
    said = len(re.findall('trying again', herd.process.output))
    assert said <= 4, 'each process says it once an outage'
    measured('23', 'exits 0, each job once')


def test_row_30_I10_a_script_of_somebody_that_runs_for_seconds_raises_no_alarm(
    other_server: ServerMaker, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    server = other_server(config={'busy-reply-threshold': '100'})
    redis = Redis.from_url(server.url)
    members = [herd.start(url=server.url, worker={'name': f'w{number}'}, settings=QUICK) for number in range(2)]
    many = put(redis, 0, 1500)
    wait_for(lambda: len(ledger.begun()) > 100)
    spin = "local t = redis.call('TIME')[1] while redis.call('TIME')[1] - t < 4 do for i = 1, 100000 do end end"
    fixed = 'local n = 0 for i = 1, 250000000 do n = n + i % 7 end return n'
    began = time.monotonic()
    with Redis.from_url(server.url, socket_timeout=60) as rude:
        rude.eval(fixed if _frozen(redis) else spin, 0)
    seconds = time.monotonic() - began
    wait_for(lambda: all_are(redis, many), 20, herd.process.report)
    assert ledger.twice() == []
    assert re.findall(FALSE_ALARM, herd.process.output) == []
    assert [member.status for member in members] == [None, None]
    measured('30', f'script of {seconds:.1f} s: false reaps 0')
    redis.close()


def _frozen(redis: Redis) -> bool:
    """Whether time stands still within a script (Redis 7 and later)."""
    return int(redis.info('server')['redis_version'].split('.')[0]) >= 7


def test_row_33_I12_where_there_are_too_many_connections_workers_wait_and_leak_none(
    other_server: ServerMaker, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    server = other_server(config={'maxclients': '20'})
    redis = Redis.from_url(server.url)
    member = herd.start(url=server.url, settings=SCALED)
    first = put(redis, 0, 50)
    wait_for(lambda: all_are(redis, first))
    before = 0
    for _ in range(5):
        hogs: list[Redis] = []
        redis.client_kill_filter(_type='normal', skipme=True)
        try:
            for _ in range(40):
                hogs.append(Redis.from_url(server.url, single_connection_client=True))
                hogs[-1].ping()
        except RedisError:
            pass  # full
        time.sleep(0.3)
        for hog in hogs:
            hog.close()
        if not before:  # once each of its connections has been used
            wait_for(lambda: 'Redis is back' in herd.process.output, 10, herd.process.report)
            settle(redis, ledger)
            before = files(member)
    settle(redis, ledger)
    later = put(redis, 50, 100)
    wait_for(lambda: all_are(redis, later), 20, herd.process.report)
    # A leak would be one a round; a process may have opened one more of the few connections that it keeps.
    wait_for(lambda: files(member) <= before + 2, 5, lambda: f'{files(member)} files, {before} before')
    assert not ledger.twice()
    assert member.status is None
    measured('33', f'{before} open files before, {files(member)} after')
    redis.close()
