"""What workers run is counted: what it came to, how long it took and waited, and which failures are of one kind."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from rq import Queue, Retry, SimpleWorker, Worker
from rq.monitor import errors, functions, history
from rq.store import keys, stats
from rq.store.claim import Claimed, Lease
from rq.store.stats import QueueCounts
from rq.worker.care import Care
from rq.worker.inbox import Alone, Inbox
from rq.worker.mishaps import Odd
from rq.worker.pack import Pack
from rq.worker.tally import Tally
from tests.support.invariants import violations
from tests.support.processes import Processes
from tests.support.waiting import wait_for
from tests.worker import jobs

KINDS = 'tests.worker.kinds.'


def counts(redis: Redis, queue: str = 'default') -> QueueCounts:
    """What was counted in the last hours."""
    now = stats.server_time(redis)
    rows = stats.queues(redis, 3600, stats.buckets(now, 3600, 3600), [queue])
    found = [row[queue] for row in rows if queue in row]
    return QueueCounts(*map(sum, zip(*found, strict=True))) if found else QueueCounts()


def runs(redis: Redis) -> dict[str, tuple[int, int]]:
    """Runs and failures of each function."""
    return {one.name: (one.runs, one.failures) for one in functions.listing(redis, '24h').functions}


def mixed(redis: Redis) -> Queue:
    """A queue with eight jobs: five finish, one fails, one fails and is tried again, with success the second time."""
    queue = Queue(connection=redis)
    for number in range(5):
        queue.enqueue(jobs.say, number)
    queue.enqueue(jobs.fail)
    queue.enqueue(jobs.fail, retry=Retry(1))
    return queue


EXPECTED = {'tests.worker.jobs.say': (5, 0), 'tests.worker.jobs.fail': (3, 3)}


@pytest.fixture(autouse=True)
def journal(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jobs.JOURNAL, str(tmp_path / 'journal'))


@pytest.mark.parametrize(
    'arguments', [[], ['-w', 'rq.SimpleWorker'], ['-w', KINDS + 'All']], ids=['', 'simple', 'classic']
)
def test_each_way_of_working_counts_what_became_of_its_jobs(
    redis: Redis, redis_url: str, processes: Processes, arguments: list[str]
) -> None:
    mixed(redis)
    processes.rq('worker', '--burst', *arguments, url=redis_url).wait(timeout=30)
    found = counts(redis)
    assert found[:6] == (8, 5, 2, 1, 0, 0)
    assert found.run_us > 0 and found.wait_us > 0
    assert runs(redis) == EXPECTED
    [group] = errors.groups(redis).groups
    assert (group.count, group.functions, group.type) == (3, ('tests.worker.jobs.fail',), 'ValueError')
    assert group.place.endswith('jobs.py fail')
    one = errors.group(redis, group.fingerprint)
    assert one is not None and 'Traceback' in one.traceback and one.job_total == 2
    assert history.deploys(redis, '1h')[0].version.startswith('packhorse ')
    assert violations(redis) == []


@pytest.mark.parametrize('by', ['RQ_STATS', 'stats='])
def test_switched_off_nothing_is_written(redis: Redis, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed(redis)
    if by == 'RQ_STATS':
        monkeypatch.setenv('RQ_STATS', '0')
        worker = SimpleWorker(['default'], connection=redis)
    else:
        worker = SimpleWorker(['default'], connection=redis, stats=False)
    worker.work(burst=True, logging_level='CRITICAL')
    names = [name.decode() for name in redis.scan_iter()]
    assert [
        name for name in names if 'stats' in name or 'recorded' in name or 'error' in name or 'deploys' in name
    ] == []


def test_the_command_switches_it_off_as_well(redis: Redis, redis_url: str, processes: Processes) -> None:
    mixed(redis)
    processes.rq('worker', '--burst', '--no-stats', url=redis_url).wait(timeout=30)
    assert redis.keys('rq:stats:*') == [] and redis.keys('rq:error*') == []


def test_a_job_whose_process_dies_is_lost_and_of_a_kind(redis: Redis, redis_url: str, processes: Processes) -> None:
    queue = Queue(connection=redis)
    for _ in range(2):
        queue.enqueue(os.abort)
    processes.rq('worker', '--burst', url=redis_url).wait(timeout=30)
    assert counts(redis)[:6] == (2, 0, 0, 0, 2, 0)
    assert runs(redis) == {'posix.abort': (2, 2)}
    [group] = errors.groups(redis).groups
    assert group.count == 2 and 'SIGABRT' in group.message and group.functions == ('posix.abort',)


def test_what_a_dead_worker_ran_is_counted_by_whoever_takes_it(redis: Redis) -> None:
    care = Care(Worker(['default'], connection=redis), redis, list)
    assert care.tally is not None
    redis.hset(keys.job('j'), mapping={'status': 'failed', 'description': 'shop.charge(3)'})
    care.tally.lose(Lease('default', 'j', ''), (0, 0), 'rq.exceptions.AbandonedJobError: it died')
    care.leave()
    assert counts(redis)[:6] == (1, 0, 0, 0, 1, 0) and runs(redis) == {'shop.charge': (1, 1)}
    redis.delete(keys.job('j'))


def test_a_lost_job_whose_key_has_another_type_holds_back_no_count(redis: Redis) -> None:
    care = Care(Worker(['default'], connection=redis), redis, list)
    assert care.tally is not None
    redis.set(keys.job('j'), 'text')
    care.tally.lose(Lease('default', 'j', ''), (0, 0), 'rq.exceptions.AbandonedJobError: it died')
    care.leave()
    assert counts(redis)[:6] == (1, 0, 0, 0, 1, 0)
    redis.delete(keys.job('j'))


@pytest.mark.parametrize('arguments', [[], ['-w', 'rq.SimpleWorker']], ids=['', 'simple'])
def test_killed_and_started_again_workers_count_no_job_twice(
    redis: Redis, redis_url: str, processes: Processes, arguments: list[str]
) -> None:
    queue = Queue(connection=redis)
    queue.enqueue_many([Queue.prepare_data('time.sleep', (0.002,)) for _ in range(3_000)])
    for _ in range(2):
        worker = processes.rq('worker', *arguments, url=redis_url)
        done, told = redis.zcard(keys.finished('default')), counts(redis).done
        wait_for(
            lambda done=done, told=told: (
                redis.zcard(keys.finished('default')) > done + 100 and counts(redis).done > told
            ),
            20,
        )
        worker.kill()
    redis.delete(*redis.keys('rq:lease:*'))
    # Horses without a supervisor end the job in hand, and may still tell of it.
    wait_for(lambda: counts(redis).started == sum(run[0] for run in runs(redis).values()), 20)
    found = counts(redis)
    assert found.done <= redis.zcard(keys.finished('default')) + 64 and found.lost == 0


def test_a_long_job_does_not_hold_back_what_was_counted_before_it(
    redis: Redis, redis_url: str, processes: Processes
) -> None:
    queue = Queue(connection=redis)
    queue.enqueue('time.sleep', 1.05)
    queue.enqueue('time.sleep', 4)
    worker = processes.rq('worker', url=redis_url)
    wait_for(lambda: counts(redis).done == 1, 20)
    assert redis.zcard(keys.finished('default')) <= 1
    worker.kill()


def test_a_worker_samples_how_many_wait(redis: Redis, redis_url: str, processes: Processes) -> None:
    mixed(redis)
    processes.rq('worker', url=redis_url)
    wait_for(lambda: any(length is not None for length in history.series(redis, '1h').waiting), 20)


def test_an_idle_worker_sends_what_it_has_counted(redis: Redis, redis_url: str, processes: Processes) -> None:
    worker = processes.rq('worker', url=redis_url)
    worker.wait_for_output('Listening')
    for number in range(3):
        Queue(connection=redis).enqueue(jobs.say, number)
        wait_for(lambda number=number: counts(redis).done == number + 1, 20)


# --- one tally


class Written(list[tuple[str, int, dict[str, Any]]]):
    """Batches as they were sent; told to, it fails first."""

    failures = 0

    def __call__(self, writer: str, number: int, batch: str) -> None:
        self.append((writer, number, json.loads(batch)))
        if self.failures:
            self.failures -= 1
            raise RedisConnectionError('lost reply')


@pytest.fixture
def tally() -> Tally:
    return Tally(['q', 'other'], '1.0')


NOW_US = 1_795_564_800_000_000


def pack_of(*runs: tuple[int, int, str], enqueued: bytes = b'2026-11-24T23:59:59.000000Z') -> tuple[Pack, list[Any]]:
    """A pack, and its runs: (begin, end) in microseconds after NOW_US, and the function."""
    pack = Pack(1, [], NOW_US)
    pack.clock_ns = 0
    found = []
    for number, (begin, end, name) in enumerate(runs):
        claimed = Claimed(0, b'job%d' % number, b'e', {b'enqueued_at': enqueued})
        found.append((0, name, claimed, begin * 1000, end * 1000))
    return pack, found


def sent(tally: Tally) -> dict[str, Any]:
    written = Written()
    tally.send(written)
    return written[0][2]


def test_a_pack_is_counted_with_sums_histograms_and_its_slowest_runs(tally: Tally) -> None:
    pack, ran = pack_of(*((100 * n, 100 * n + 10 + n, 'f') for n in range(64)))
    tally.begin()
    tally.take(pack, ran, [], [])
    batch = sent(tally)
    [row] = batch['queues']
    assert row[:8] == [NOW_US // 10**6, 'q', 64, 64, 0, 0, 0, 0] and row[8] == sum(range(10, 74))
    assert row[9] == pytest.approx(64 * 1_003_150, rel=0.01)
    [function] = batch['functions']
    assert function[2:5] == [64, 0, row[8]] and sum(function[8][1::2]) == sum(function[9][1::2]) == 64
    assert [top[3] for top in batch['tops']][-10:] and max(top[3] for top in batch['tops']) == 73
    tally.take(*pack_of((0, 5, 'f')), [], [])
    assert sent(tally)['tops'] == []


def test_each_hour_has_its_own_slowest_runs(tally: Tally) -> None:
    tally.take(*pack_of(*((n, n + 100, 'f') for n in range(10))), [], [])
    tally.take(*pack_of((0, 5, 'f')), [], [])
    an_hour = 3_600_000_000
    tally.take(*pack_of((an_hour, an_hour + 5, 'f')), [], [])
    found = [(top[0] - NOW_US // 10**6, top[3]) for top in sent(tally)['tops']]
    assert found == [(0, 100)] * 10 + [(3600, 5)]


def test_functions_and_queues_of_a_pack_are_told_apart(tally: Tally) -> None:
    pack, ran = pack_of((0, 10, 'f'), (10, 30, 'g'), (30, 60, 'f'))
    ran[1] = (1, *ran[1][1:])
    tally.take(pack, ran, [], [])
    batch = sent(tally)
    assert sorted((row[1], row[2], row[8]) for row in batch['queues']) == [('other', 1, 20), ('q', 2, 40)]
    assert sorted((row[1], row[2], row[4]) for row in batch['functions']) == [('f', 2, 40), ('g', 1, 20)]


def test_each_run_of_a_long_pack_counts_in_its_own_minute_with_its_own_cost(tally: Tally) -> None:
    pack, ran = pack_of((0, 400, 'short'), (400, 61_000_400, 'long'))
    tally.begin()
    tally.take(pack, ran, [], [(1, (tally._cpu_us + 5_000_400, tally._children_us, 10**9))])
    batch = sent(tally)
    assert sorted(row[0] - NOW_US // 10**6 for row in batch['queues']) == [0, 60]
    assert {row[1]: row[6:8] for row in batch['functions']} == {'short': [400, 0], 'long': [5_000_000, 10**9]}
    assert [top[2:4] for top in batch['tops'] if top[1] == 'heaviest'] == [['long', 10**9]]


@pytest.mark.parametrize(
    'enqueued', [b'', b'nonsense', b'2026-11-24T23:59:59Z', b'2026-11-25T00:00:01.000000Z', b'\xff' * 27]
)
def test_a_time_that_cannot_be_read_costs_no_count(tally: Tally, enqueued: bytes) -> None:
    tally.take(*pack_of((0, 10, 'f'), enqueued=enqueued), [], [])
    assert sent(tally)['queues'][0][2:4] == [1, 1]


@pytest.mark.parametrize(('kind', 'left', 'column'), [
    (b'X', b'', 4), (b'X', b'2', 5), (b'X', b'x', 4), (b'Y', b'2', 4), (b'M', b'', 4), (b'R', b'', 5), (b'A', b'', 5),
    (b'S', b'', 7), (b'G', b'', 6),
])  # fmt: skip
def test_each_end_counts_where_it_belongs(tally: Tally, kind: bytes, left: bytes, column: int) -> None:
    pack, ran = pack_of((0, 10, 'f'))
    ran[0][2].hash[b'retries_left'] = left
    tally.take(pack, ran, [Odd(0, 'f', ran[0][2], 10_000, kind, 'ValueError: no')], [])
    batch = sent(tally)
    assert [place for place, count in enumerate(batch['queues'][0][2:8], 2) if count] == [2, column]
    assert len(batch['errors']) == (kind not in (b'R', b'A', b'S'))


def test_a_batch_whose_reply_is_lost_is_sent_again_with_its_number(tally: Tally) -> None:
    written = Written()
    written.failures = 1
    tally.take(*pack_of((0, 10, 'f')), [], [])
    with pytest.raises(RedisConnectionError):
        tally.send(written)
    tally.take(*pack_of((0, 10, 'g')), [], [])
    tally.send(written)
    tally.send(written)
    assert written[0] == written[1] and [number for _, number, _ in written] == [1, 1, 2]
    assert written[2][2]['functions'][0][1] == 'g'
    tally.send(written)
    assert len(written) == 3 and not tally.pending


def test_a_mistake_in_counting_costs_no_job(tally: Tally) -> None:
    tally.take(Pack(1, [], 0), ['nonsense'], [], [])


def test_a_thousand_kinds_of_failures_and_of_jobs_are_bounded(tally: Tally) -> None:
    pack, ran = pack_of((0, 10, 'f'))
    for number in range(3_000):
        text = f'Error{number % 1_000 + 1 if number < 1_000 else 1}: no'.replace(
            'Error', f'E{"x" * (number % 300)}.Error'
        )
        tally.take(pack, ran, [Odd(0, 'f', ran[0][2], 10_000, b'X', text)], [])
    batch = sent(tally)
    assert len(batch['errors']) == 50 and all(len(row[10]) <= 2_000 for row in batch['errors'])
    assert len(json.dumps(batch)) < 3_000_000


def test_lines_of_single_jobs_arrive_whole_whatever_is_in_them() -> None:
    inbox = Inbox()
    runs = [
        Alone('q', 'f', 'j', '', '', (1, 2), 'X', text, 0, 0)
        for text in ('', 'é' * 100_000, '\n\n', 'x' * 1_500, '\ud800', '"\\')
    ]
    for run in runs:
        inbox.put(run)
    found = inbox.take()
    assert len(found) == len(runs) and [run.function for run in found] == ['f'] * len(runs)
    assert found[2] == runs[2] and found[3] == runs[3]
    for _ in range(1_000):
        inbox.put(runs[3])  # the pipe is full at some time
    assert 10 < len(inbox.take()) < 1_000
    assert inbox.take() == []
    inbox.close()


def test_the_names_of_workers_readers_see_their_release(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('RQ_RELEASE', 'shop 4.2')
    worker = SimpleWorker(['default'], connection=redis, name='w')
    worker.register_birth()
    assert redis.hget(keys.worker('w'), 'code') == b'shop 4.2'
    assert [mark.version for mark in history.deploys(redis, '1h')] == ['shop 4.2']
    worker.register_death()


def test_readers_see_what_a_worker_costs_and_how_many_horses_it_had(
    redis: Redis, redis_url: str, processes: Processes
) -> None:
    queue = Queue(connection=redis)
    for _ in range(2):
        queue.enqueue(os.abort)
    processes.rq('worker', '-n', 'w', url=redis_url)

    def horses() -> int:
        return int(redis.hget(keys.worker('w'), 'horses') or 0)

    wait_for(lambda: horses() >= 3, 20)
    assert int(redis.hget(keys.worker('w'), 'rss') or 0) > 10_000_000
    assert 0.05 < float(redis.hget(keys.worker('w'), 'cpu') or 0) < 60
    assert Worker.all(connection=redis)[0].name == 'w'
