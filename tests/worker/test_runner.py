"""What becomes of one job, whatever it does, returns or raises, and whatever its hash holds."""

from __future__ import annotations

import pickle
import zlib
from typing import Any

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry
from rq.job import Job
from rq.results import UNSERIALIZABLE_RETURN_VALUE_PAYLOAD
from rq.store import keys
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker


def reason(job: Job) -> str:
    """The last line of why it failed."""
    assert job.is_failed, job.get_status()
    text: str = job.latest_result().exc_string  # type: ignore[union-attr]
    return text.strip().splitlines()[-1]


def done(job: Job) -> Any:
    """What a finished job returned."""
    assert job.is_finished, (job.get_status(), job.latest_result() and job.latest_result().exc_string)  # type: ignore[union-attr]
    return job.return_value()


def test_whatever_a_job_raises_it_fails_with_the_cause_and_the_next_one_runs(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    kinds = ['SystemExit', 'KeyboardInterrupt', 'GeneratorExit', 'BaseException']
    exits = {kind: queue.enqueue(jobs.raise_this, kind) for kind in kinds}
    odd = queue.enqueue(jobs.raise_odd)
    long = queue.enqueue(jobs.raise_long, 10)
    deep = queue.enqueue(jobs.recurse)
    good = queue.enqueue(jobs.say, 'good')
    process = burst()
    for kind, job in exits.items():
        assert reason(job) == f'{kind}: this is {kind}'
    assert 'tests.worker.jobs.Odd' in odd.latest_result().exc_string
    text = long.latest_result().exc_string
    assert 900_000 < len(text) < 1_100_000 and 'characters left out' in text and text.startswith('Traceback')
    assert reason(deep) == 'RecursionError: maximum recursion depth exceeded'
    assert done(good) == 'good'
    assert len(process.stderr) < 300_000, 'of 10 MB the log shows the ends'
    assert process.stdout.count("Moving job to 'failed' queue") == 7


def test_what_cannot_be_stored_is_a_success_without_its_value_and_pickling_that_ends_the_process_is_a_failure(
    queue: Queue, burst: WorkerMaker
) -> None:
    kinds = ['lambda', 'generator', 'TypeError', 'recursion']
    unstorable = [queue.enqueue(jobs.unstorable, kind) for kind in kinds]
    exits = queue.enqueue(jobs.unstorable, 'SystemExit')
    dies = queue.enqueue(jobs.unstorable, 'death')
    good = queue.enqueue(jobs.say, 'good')
    burst()
    assert [done(job) for job in unstorable] == [UNSERIALIZABLE_RETURN_VALUE_PAYLOAD] * 4
    assert reason(exits) == 'SystemExit: not to be pickled'
    assert 'signal 9, SIGKILL' in reason(dies)
    assert done(good) == 'good'


def test_what_cannot_be_imported_fails_with_the_reason(queue: Queue, burst: WorkerMaker, tmp_path: Any) -> None:
    (tmp_path / 'broken.py').write_text('def f(:\n')
    (tmp_path / 'raising.py').write_text('raise RuntimeError("not today")\n')
    (tmp_path / 'leaving.py').write_text('import sys\nsys.exit(3)\n')
    (tmp_path / 'plain.py').write_text('value = 3\n')
    found = {
        name: queue.enqueue(name)
        for name in [
            'nowhere.f',
            'plain.f',
            'plain.value',
            'broken.f',
            'raising.f',
            'leaving.f',
            'f',
            'plain',
            'os.path',
        ]
    }
    good = queue.enqueue(jobs.say, 'good')
    burst(cwd=tmp_path)
    assert "No module named 'nowhere'" in reason(found['nowhere.f']) or 'Invalid attribute name' in reason(found['nowhere.f'])  # fmt: skip
    assert 'f' in reason(found['plain.f'])
    assert "'int' object is not callable" in reason(found['plain.value'])
    assert reason(found['broken.f']).startswith('SyntaxError')
    assert reason(found['raising.f']) == 'RuntimeError: not today'
    assert reason(found['leaving.f']) == 'SystemExit: 3'
    for name in ['f', 'plain', 'os.path']:
        assert reason(found[name])
    assert done(good) == 'good'


def store(redis: Redis, queue: Queue, job_id: str, **fields: Any) -> Job:
    """A job as some other client may have stored it."""
    redis.hset(keys.job(job_id), mapping={'status': 'queued', 'created_at': '2026-01-01T00:00:00Z', **fields})
    redis.sadd(keys.queues(), queue.key)
    redis.rpush(queue.key, job_id)
    return Job.from_hash(job_id, {}, redis)


def call(function: str = 'tests.worker.jobs.say', *args: Any) -> bytes:
    return pickle.dumps((function, None, args, {}))


@pytest.mark.usefixtures('disorder')  # what another client left of its jobs is not ours to tidy
def test_a_hash_with_missing_wrong_or_foreign_fields_fails_with_the_reason_or_runs(
    redis: Redis, queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    bad = {
        'no-data': ({'origin': 'default'}, 'has no stored call'),
        'empty-data': ({'data': b''}, 'The stored call cannot be read'),
        'garbage': ({'data': b'\x80\x05garbage'}, 'The stored call cannot be read'),
        'zlib-garbage': ({'data': zlib.compress(b'garbage')}, 'The stored call cannot be read'),
        'cut-zlib': ({'data': zlib.compress(call('f', 'x' * 100))[:15]}, 'cannot be read'),
        'not-four': ({'data': pickle.dumps((1, 2))}, 'The stored call cannot be read'),
        'wrong-kinds': ({'data': pickle.dumps((1, 2, 3, 4))}, 'The stored call is not a name'),
        'json': ({'data': b'["f", null, []]'}, 'The stored call cannot be read'),
        'timeout-abc': ({'data': call(), 'timeout': 'abc'}, "field timeout is not a whole number: b'abc'"),
        'result-ttl': ({'data': call(), 'result_ttl': 'soon'}, 'field result_ttl is not a whole number'),
    }  # fmt: skip
    for job_id, (fields, _) in bad.items():
        store(redis, queue, job_id, **fields)
    odd = {
        'huge-timeout': {'timeout': '9' * 17},
        'float-timeout': {'timeout': '180.5'},
        'no-timeout': {'timeout': '0'},
        'negative-ttl': {'ttl': '-5'},
        'negative-result-ttl': {'result_ttl': '-7'},
        'meta': {'meta': b'garbage'},
        'description': {'description': b'\xff\xfe\x00'},
        'times': {'enqueued_at': 'yesterday', 'started_at': 'tomorrow'},
        'retries': {'retries_left': 'many', 'retry_intervals': '[often'},
        'foreign': {'color': 'blue', 'origin': 'elsewhere', 'worker_name': 'w', 'execution': 'e', 'status': 'queued'},
        'status': {'status': 'launched'},
        'no-status': {'status': ''},
    }  # fmt: skip
    for job_id, fields in odd.items():
        store(redis, queue, job_id, data=call('tests.worker.jobs.say', job_id), **fields)
    fails = store(redis, queue, 'fails', data=call('tests.worker.jobs.fail'), retries_left='x', failure_ttl='never')
    good = queue.enqueue(jobs.say, 'good')
    process = burst()
    for job_id, (_, text) in bad.items():
        assert text in reason(Job.fetch(job_id, redis) if 'data' in bad[job_id][0] else store_view(redis, job_id)), (
            job_id
        )
    assert journal.lines == [*(f'say {job_id}' for job_id in odd), 'say good']
    for job_id in odd:
        assert redis.hget(keys.job(job_id), 'status') == b'finished', job_id
    assert 'ValueError: broken' in process.stderr
    assert redis.hget(keys.job(fails.id), 'status') == b'failed'
    assert done(good) == 'good'


def store_view(redis: Redis, job_id: str) -> Job:
    """A job that `Job.fetch` does not call one."""
    return Job.from_hash(job_id, redis.hgetall(keys.job(job_id)), redis)


@pytest.mark.usefixtures('disorder')
def test_strange_ids_on_the_list_end_no_worker(
    redis: Redis, queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    twice = queue.enqueue(jobs.say, 'twice')
    redis.rpush(queue.key, twice.id)
    redis.rpush(queue.key, 'gone', '', 'x' * 100_000)
    for job_id in ['with space', 'with\nline', 'with\0zero', 'ž', 'a:b', b'\xff\xfe', '%s %d', 'y' * 5000]:
        raw = job_id.encode() if isinstance(job_id, str) else job_id
        redis.hset(b'rq:job:' + raw, mapping={'data': call('tests.worker.jobs.say', 'strange'), 'status': 'queued'})
        redis.rpush(queue.key, raw)
    good = queue.enqueue(jobs.say, 'good')
    burst()
    assert 1 <= journal.lines.count('say twice') <= 2, 'an id is run as often as it is pushed, never twice at once'
    assert done(good) == 'good'
    assert redis.llen(queue.key) == redis.zcard(keys.wip('default')) == 0


@pytest.mark.serial
def test_a_payload_of_64_mb_runs_and_a_bomb_of_a_gigabyte_fails(
    redis: Redis, queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    large = queue.enqueue('builtins.len', b'x' * 64 * 2**20)
    packer = zlib.compressobj(1)
    first, again = (packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = first + again * 63 + packer.flush()
    store(redis, queue, 'bomb', data=bomb, description='a bomb')
    same = queue.enqueue(jobs.say, 'y' * 2**20)
    good = queue.enqueue(jobs.say, 'good')
    burst()
    assert done(large) == 64 * 2**20
    assert 'expands to more than the limit' in reason(Job.fetch('bomb', redis))
    assert done(same) == 'y' * 2**20
    assert done(good) == 'good'


def test_functions_of_every_kind_run(queue: Queue, burst: WorkerMaker) -> None:
    counter = jobs.Counter(10)
    kinds: list[tuple[Any, tuple[Any, ...], Any]] = [
        (jobs.wait_a_little, (5,), 5),
        (counter, (1,), 11),
        (counter.add, (2,), 12),
        (jobs.Counter.double, (4,), 8),
        (jobs.Counter.named, (3,), 'Counter 3'),
        (len, ('abc',), 3),
        ('math.floor', (1.5,), 1),
        ('tests.worker.jobs.Counter.double', (5,), 10),
        ([3, 1, 2].index, (1,), 1),
        ('a-b'.upper, (), 'A-B'),
    ]
    enqueued = [(queue.enqueue(function, *args), result) for function, args, result in kinds]
    burst()
    for job, result in enqueued:
        assert done(job) == result, job.description


def test_a_result_is_kept_as_long_as_the_job_says(redis: Redis, queue: Queue, burst: WorkerMaker) -> None:
    ever = queue.enqueue(jobs.say, 1, result_ttl=-1)
    never = queue.enqueue(jobs.say, 2, result_ttl=0)
    some = queue.enqueue(jobs.say, 3, result_ttl=77)
    usual = queue.enqueue(jobs.say, 4)
    process = burst('--results-ttl', '88')
    assert redis.ttl(keys.results(ever.id)) == redis.ttl(ever.key) == -1
    assert not Job.exists(never.id, redis)
    assert 70 < redis.ttl(keys.results(some.id)) <= 77 and 70 < redis.ttl(some.key) <= 77
    assert 80 < redis.ttl(usual.key) <= 88
    lines = [line[9:] for line in process.stdout.splitlines() if 'esult' in line]
    assert lines == [
        'Result will never expire, clean up result key manually',
        'Result discarded immediately',
        'Result is kept for 77 seconds',
        'Result is kept for 88 seconds',
    ]


def test_a_failure_with_retries_left_is_tried_again_and_then_fails(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    job = queue.enqueue(jobs.fail, 'again', retry=Retry(max=2))
    process = burst()
    assert reason(job) == 'ValueError: again'
    assert process.stdout.count(f'Job {job.id} will be tried again') == 2
    assert process.stdout.count("Moving job to 'failed' queue") == 1


@pytest.mark.serial
def test_a_long_lived_horse_keeps_neither_memory_nor_descriptors(queue: Queue, worker: WorkerMaker) -> None:
    def load(count: int) -> None:
        kept = {'result_ttl': 0, 'failure_ttl': 0}
        data = [Queue.prepare_data(jobs.Counter.double, args=(i,), **kept) for i in range(count)]
        data += [Queue.prepare_data('math.sqrt', args=(-1,), **kept) for _ in range(count // 50)]
        queue.enqueue_many(data)
        wait_for(lambda: queue.count == 0 and queue.started_job_registry.count == 0, 60)

    process = worker('--quiet')
    load(2000)
    [horse] = process.children()
    before = horse.memory_info().rss, horse.num_fds()
    load(10000)
    assert process.children() == [horse], 'the same one all the time'
    assert horse.num_fds() == before[1]
    assert horse.memory_info().rss - before[0] < 3 * 2**20
    assert psutil.Process(process.pid).num_threads() == 1
    process.terminate()
    assert process.wait() == 0
