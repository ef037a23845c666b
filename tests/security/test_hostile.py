"""Real workers under fire: whatever is written to Redis, they stay alive, run nothing of it, and do their good jobs."""

from __future__ import annotations

import json
import os
import pickle
import random
import zlib
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis

from rq import Callback, Queue, signing
from rq.job import Job, JobStatus
from rq.store import keys
from tests.security import jobs
from tests.security.conftest import OTHER, SECRET, Plant, Sign
from tests.security.jobs import Planted, add, note_call, speak
from tests.support.processes import Processes
from tests.worker.conftest import WorkerMaker

SIGNED = {'RQ_SIGNING_KEYS': f'k1:{SECRET}', 'RQ_SIGNING': 'require'}
CALL = pickle.dumps(('tests.security.jobs.boom', None, (), {}))


def planted_ways() -> dict[str, dict[str, Any]]:
    """Each a way in which a hash could make a worker run what is planted in it."""
    boom, evil = 'tests.security.jobs.boom', pickle.dumps(Planted())
    return {
        'function': {'data': CALL},
        'pickle': {'data': evil},
        'compressed': {'data': zlib.compress(evil)},
        'json': {'data': json.dumps([boom, None, [], {}])},
        'named-json': {'data': json.dumps([boom, None, [], {}]), 'serializer': 'json'},
        'serializer': {'serializer': 'tests.security.planted'},
        'serializer-pickle': {'data': evil, 'serializer': 'pickle'},
        'success': {'success_callback_name': boom},
        'failure': {'data': b'?', 'failure_callback_name': boom},
        'planted-import': {'failure_callback_name': 'tests.security.planted.loads'},
        'meta': {'data': pickle.dumps(('tests.security.jobs.look_at_meta', None, (), {})), 'meta': evil},
        'instance': {'data': pickle.dumps(('send', Planted(), ('x',), {}))},
    }  # fmt: skip


@pytest.mark.parametrize('options', [(), ('-w', 'rq.SimpleWorker'), ('-w', 'rq.SpawnWorker')], ids=str)
def test_nothing_that_is_planted_runs_where_signing_is_required(
    redis: Redis, queue: Queue, plant: Plant, mark: Path, sign: Sign, burst: WorkerMaker, options: tuple[str, ...]
) -> None:
    ways = (
        planted_ways() if '-w' not in options or 'Spawn' not in options[1] else dict(list(planted_ways().items())[:3])
    )
    for name, fields in ways.items():
        plant(name, **fields)
    sign()
    good = queue.enqueue(add, 1)
    process = burst(*options, 'q', env=SIGNED)
    assert not mark.exists(), process.report()
    for name in ways:
        job = Job.fetch(name, connection=redis)
        assert job.get_status() is JobStatus.FAILED and 'SignatureError' in (job.exc_info or ''), name
    assert good.return_value() == 2
    assert SECRET not in process.output


def test_without_it_they_do_run(redis: Redis, plant: Plant, mark: Path, burst: WorkerMaker) -> None:
    # So the test above sees what it is to see.
    ways = planted_ways()
    for name, fields in ways.items():
        plant(name, **fields)
    burst('q')
    assert len(mark.read_text().splitlines()) >= len(ways) - 1


def test_json_only_loads_no_pickle_and_imports_no_serializer(
    redis: Redis, queue: Queue, plant: Plant, mark: Path, burst: WorkerMaker
) -> None:
    ways = planted_ways()
    downgrades = ('pickle', 'compressed', 'serializer', 'serializer-pickle', 'instance')
    for name in downgrades:
        plant(name, **ways[name])
    plant('meta', data=json.dumps(['tests.security.jobs.look_at_meta', None, [], {}]), meta=pickle.dumps(Planted()))
    good = Queue('q', connection=redis, serializer='json').enqueue(add, 1)
    burst('-S', 'json-only', 'q')
    for name in (*downgrades, 'meta'):
        assert Job.fetch(name, connection=redis).get_status() is JobStatus.FAILED, name
    assert not mark.exists()
    assert good.return_value() == 2


def mutations(seed: int, fields: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The hash of a job, with one to three things wrong."""
    chance, broken = random.Random(seed), dict(fields)
    odd = [b'', b'\0', b'\xff\xfe', b'-1', b'9' * 400, b'1e999', b'nan', b'[' * 5000, b'{}', b'null', b'"', b'\n\x1b[2J',
           b'x' * 100_000, b'\x78\x9c' + os.urandom(20), pickle.dumps(Planted())]  # fmt: skip
    names = [*fields, *(name.encode() for name in signing.SIGNED), b'meta', b'status', b'ttl', b'result_ttl',
             b'failure_ttl', b'retries_left', b'retry_intervals', b'repeats_left', b'description', b'worker_name',
             b'execution', b'enqueued_at', b'rate_limit_key', b'group_id', b'losses', b'call']  # fmt: skip
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(names)
        kind = chance.randrange(4)
        if kind == 0:
            broken.pop(name, None)
        elif kind == 1:
            broken[name] = chance.choice(odd)
        elif kind == 2 and broken.get(name):
            at = chance.randrange(len(broken[name]))
            broken[name] = broken[name][:at] + bytes([chance.randrange(256)]) + broken[name][at + 1 :]
        else:
            broken[chance.choice(odd)[:50] or b'?'] = chance.choice(odd)
    return broken


@pytest.mark.usefixtures('disorder')  # what is broken on purpose stays broken
@pytest.mark.parametrize('signed', [False, True], ids=['plain', 'signed'])
def test_hundreds_of_broken_hashes_end_no_worker_and_hold_up_no_good_job(
    redis: Redis, queue: Queue, mark: Path, sign: Sign, worker: WorkerMaker, signed: bool
) -> None:
    if signed:
        sign()
    process = worker('q', env=SIGNED if signed else {})
    process.wait_for_output('Listening')
    good = []
    for seed in range(300):
        if seed % 10 == 0:
            good.append(queue.enqueue(add, seed))
        template = queue.create_job(add, (seed,), meta={'a': 1}, job_id=f'bad-{seed}')
        fields = {signing.as_bytes(k): signing.as_bytes(v) for k, v in template.to_dict().items()}
        broken = mutations(seed, fields)
        if broken:
            redis.hset(f'rq:job:bad-{seed}', mapping=broken)  # type: ignore[arg-type]
        redis.rpush(keys.queue('q'), f'bad-{seed}')
    last = queue.enqueue(add, 1000)
    assert last.latest_result(timeout=30) is not None, process.report()
    assert [job.return_value() for job in good] == [seed + 1 for seed in range(0, 300, 10)]
    assert process.running
    horses = [child for child in process.children() if child.is_running()]
    assert horses, 'no horse is left'
    assert 'died' not in process.output and 'Work-horse terminated' not in process.output, process.report()
    assert '\x1b[2J' not in process.output
    if signed:
        assert not mark.exists()


@pytest.mark.usefixtures('disorder')  # an id like this has no place among our keys
def test_a_job_cannot_forge_lines_of_the_log(redis: Redis, queue: Queue, plant: Plant, burst: WorkerMaker) -> None:
    line = '\n00:00:00 q: Job OK (trusted)\r\x1b[2J\x9b31m\u2028'
    plant('desc', description=f'harmless{line}')
    plant(f'id{line}', success_callback_name=f'no.such{line}')
    plant('origin', origin=f'q{line}', description='')
    plant('name', data=json.dumps([f'no.such{line}', None, [], {}]))
    queue.enqueue(speak, line, description=None)
    process = burst('q', env={'RQ_SIGNING_KEYS': f'k1:{SECRET}'})  # warns of each
    for told in process.output.splitlines():
        assert not told.startswith('00:00:00 q: Job OK (trusted)')
    assert '\x1b[2J' not in process.output and '\x9b' not in process.output


def test_secrets_are_in_no_argument_record_or_line(
    redis: Redis, queue: Queue, sign: Sign, tmp_path: Path, worker: WorkerMaker, mark: Path
) -> None:
    """Of workers of all kinds while they run: a horse, a spawned interpreter."""
    path = tmp_path / 'keys'
    path.write_text(f'k1:{SECRET}\nold:{OTHER}\n')
    sign()
    runs = [queue.enqueue('time.sleep', 2) for _ in range(2)]
    env = {'RQ_SIGNING_KEY_FILE': str(path), 'RQ_SIGNING': 'require'}
    some = [worker(*options, '-v', 'q', env=env) for options in ((), ('-w', 'rq.SpawnWorker'))]
    for job in runs:
        assert _soon(lambda job=job: job.get_status() is JobStatus.STARTED)
    arguments = [
        word
        for process in some
        for each in (psutil.Process(process.pid), *process.children())
        for word in each.cmdline()
    ]
    bad = queue.enqueue(add, 'x', 'y', on_failure=Callback(note_call))
    redis.hset(bad.key, 'timeout', '7')
    stored = b''.join(_everything(redis))
    for process in some:
        process.terminate()
    for process in some:
        assert process.wait() == 0, process.report()
    for text in (' '.join(arguments), stored.decode('latin-1'), *(process.output for process in some)):
        assert SECRET not in text and OTHER not in text and SECRET[:16] not in text


def _soon(what: Any) -> bool:
    from tests.support.waiting import wait_for

    wait_for(what, 15, lambda: 'a job that runs')
    return True


def _everything(redis: Redis) -> list[bytes]:
    found = []
    for key in redis.scan_iter(count=1000):
        copy = redis.dump(key)
        found += [key, copy or b'']
    return found


def test_a_worker_without_usable_keys_does_not_begin(worker: WorkerMaker, queue: Queue) -> None:
    job = queue.enqueue(add, 1)
    for env, why in (
        ({'RQ_SIGNING': 'require'}, 'There is no key to sign with'),
        ({'RQ_SIGNING_KEYS': 'k1:short'}, 'Key number 1: a secret has at least 32 characters'),
        ({'RQ_SIGNING_KEY_FILE': '/no/such/file'}, '/no/such/file'),
        ({'RQ_SIGNING_KEYS': f'k1:{SECRET}', 'RQ_SIGNING': 'strict'}, "'strict' is no mode"),
    ):
        process = worker('--burst', 'q', env=env)
        assert process.wait(30) == 1, process.report()
        assert why in process.stderr and 'Traceback' not in process.stderr and SECRET not in process.stderr
        assert len(process.stderr.splitlines()) == 1, process.stderr
    assert job.get_status() is JobStatus.QUEUED


def test_the_marks_module_knows_where_to_write(mark: Path) -> None:
    assert os.environ[jobs.MARK] == str(mark)


@pytest.mark.usefixtures('disorder')  # a job in no place
@pytest.mark.parametrize('locked', ['signed', 'allowed', ''])
def test_a_planted_note_runs_no_callback_of_a_forged_job(
    redis: Redis, plant: Plant, mark: Path, burst: WorkerMaker, locked: str
) -> None:
    boom = 'tests.security.jobs.boom'
    names = {f'{kind}_callback_name': boom for kind in ('failure', 'stopped', 'success')}
    plant('evil', status='failed', **names)
    redis.delete(keys.queue('q'))
    redis.expire(keys.job('evil'), 600)
    for what in ('lost', 'stopped'):
        member = f'{what}:evil:{"e" * 32}'
        redis.zadd(keys.aftermath('q'), {member: 1})
        redis.hset(keys.note(member), mapping={'worker': 'w', 'became': 'FAILED', 'text': ''})
        redis.expire(keys.note(member), 600)
    options = ('--allow', 'tests.security.jobs.add') if locked == 'allowed' else ()
    burst(*options, 'q', env=SIGNED if locked == 'signed' else {})
    assert redis.zcard(keys.aftermath('q')) == 0  # they were taken
    assert mark.exists() is not bool(locked)


def test_the_workers_of_a_pool_are_held_to_the_list(
    redis: Redis, redis_url: str, queue: Queue, processes: Processes
) -> None:
    evil, large, good = queue.enqueue('os.getcwd'), queue.enqueue(jobs.huge, 5000), queue.enqueue(add, 1)
    options = ('--allow', 'tests.security.jobs.*', '--max-result', '1KB')
    pool = processes.rq('worker-pool', '-b', '-n', '2', *options, 'q', url=redis_url)
    assert pool.wait(60) == 0, pool.report()
    assert 'FunctionNotAllowed' in (evil.exc_info or '') and 'ResultTooLarge' in (large.exc_info or '')
    assert good.return_value() == 2
