"""Limits: what is refused, where, and that the error names the limit and the size; bombs that are never unpacked."""

from __future__ import annotations

import base64
import json
import pickle
import resource
import subprocess
import sys
import zlib
from typing import Any

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError, PayloadTooLarge
from rq.job import Job
from rq.limits import LIMITS, Limits, parse_size
from rq.results import decode_exception
from rq.store import keys
from rq.utils import import_attribute
from tests.security.conftest import Plant
from tests.security.jobs import add, huge, speak, told
from tests.security.reading import reason
from tests.worker.conftest import WorkerMaker

BOMB = zlib.compress(b'\0' * (400 << 20), 9)  # 400 KB that want to be 400 MB


def run(queue: Queue, **options: Any) -> None:
    SimpleWorker([queue], connection=queue.connection, **options).work(burst=True, logging_level='WARNING')


def test_the_defaults() -> None:
    assert (Limits().stored, Limits().expanded, Limits().result) == (512 << 20, 256 << 20, 64 << 20)


@pytest.mark.parametrize(
    ('text', 'size'), [('1000', 1000), ('64MB', 64 << 20), ('1 gb', 1 << 30), (' 5k ', 5120), ('7B', 7)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize('text', ['', 'much', '1.5MB', '-1', '0', '0MB', '1 TB', '9' * 30, 'MB', '1\n2'])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='not a size'):
        parse_size(text)


def test_the_environment_sets_them_and_a_mistake_in_it_is_said() -> None:
    code = 'from rq.limits import LIMITS; print(LIMITS.result, LIMITS.log)'
    env = {'RQ_MAX_RESULT': '10MB', 'RQ_MAX_LOG': '99'}
    done = subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, text=True)
    assert done.stdout.split() == [str(10 << 20), '99'], done.stderr
    done = subprocess.run([sys.executable, '-c', code], env={'RQ_MAX_STORED': 'lots'}, capture_output=True, text=True)
    assert "ValueError: RQ_MAX_STORED: not a size: 'lots'" in done.stderr


def test_arguments_and_meta_are_refused_as_they_are_enqueued(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMITS, 'stored', 1000)
    with pytest.raises(PayloadTooLarge, match=r'takes 10\d\d bytes, the limit is 1000 \(RQ_MAX_STORED\)'):
        queue.enqueue(speak, 'x' * 1000)
    with pytest.raises(PayloadTooLarge, match=r"job's meta takes 10\d\d bytes, the limit is 1000 \(RQ_MAX_STORED\)"):
        queue.enqueue(speak, 'x', meta={'a': 'x' * 1000})
    assert queue.count == 0
    job = queue.enqueue(speak, 'x')
    job.meta['a'] = 'x' * 1000
    with pytest.raises(PayloadTooLarge):
        job.save_meta()


def test_a_result_over_the_limit_fails_its_job_and_the_worker_goes_on(queue: Queue, burst: WorkerMaker) -> None:
    large, good = queue.enqueue(huge, 20_000), queue.enqueue(huge, 9_000)
    process = burst('--max-result', '10KB', 'q')
    assert reason(large).startswith('rq.exceptions.ResultTooLarge: The result takes 200')
    assert 'bytes, the limit is 10240 (RQ_MAX_RESULT): put the data elsewhere' in reason(large)
    assert good.return_value() == b'x' * 9_000
    assert 'Traceback' not in process.output.replace('Traceback (most recent call last)', '', 1)


def test_a_size_that_is_none_is_said(worker: WorkerMaker) -> None:
    process = worker('--burst', '--max-result', 'huge', 'q')
    assert process.wait(30) == 2 and "not a size: 'huge'" in process.stderr


def test_what_a_job_says_as_it_fails_is_cut_in_storage_and_log(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(LIMITS, 'exception', 2000)
    monkeypatch.setattr(LIMITS, 'log', 500)
    job = queue.enqueue(told, 'y' * 50_000)
    run(queue)
    assert 2000 <= len(job.exc_info or '') < 2100 and 'characters left out' in (job.exc_info or '')
    assert max(len(record.getMessage()) for record in caplog.records) < 800


def test_a_description_without_end_is_cut(redis: Redis, queue: Queue, plant: Plant, burst: WorkerMaker) -> None:
    job = queue.enqueue(add, 1, description='d' * (LIMITS.description + 5))
    assert Job.fetch(job.id, connection=redis).description == 'd' * LIMITS.description + '...'
    redis.hset(job.key, 'description', b'e' * 3_000_000)  # written by somebody else
    process = burst('q')
    [line] = [line for line in process.output.splitlines() if job.id in line and 'eee' in line]
    assert len(line) < LIMITS.line + 200
    assert job.return_value() == 2


def test_bombs_are_not_unpacked(redis: Redis, queue: Queue, plant: Plant, burst: WorkerMaker) -> None:
    plant('data', data=BOMB)
    plant('meta', meta=BOMB)
    good = queue.enqueue(add, 1)
    burst('q', env={'RQ_MAX_EXPANDED': '1MB'})
    assert reason(Job.fetch('data', connection=redis)).endswith(
        f'PayloadTooLarge: A payload of {len(BOMB)} bytes expands to more than the limit of 1048576 bytes'
    )
    assert (
        Job.fetch('meta', connection=redis).return_value() == 3
    )  # meta data are not compressed: there is nothing to burst
    assert good.return_value() == 2


def test_readers_unpack_no_bombs_either(
    redis: Redis, queue: Queue, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LIMITS, 'expanded', 1 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    job = Job.fetch(plant('data', data=BOMB, meta=BOMB), connection=redis)
    for read in ('args', 'data', 'func_name'):
        with pytest.raises(PayloadTooLarge, match='limit of 1048576 bytes'):
            getattr(job, read)
    with pytest.raises(DeserializationError):
        _ = job.meta
    text = base64.b64encode(BOMB)
    assert 'not shown' in (decode_exception(text) or '') and '1048576' in (decode_exception(text) or '')
    redis.xadd(keys.results('data'), {'type': '2', 'exc_string': text})
    assert 'a traceback that is not shown' in (job.exc_info or '')
    redis.xadd(keys.results('data'), {'type': '1', 'return_value': text})
    with pytest.raises(DeserializationError):
        job.return_value(refresh=True)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024, f'{grown} KB more'


@pytest.mark.parametrize('depth', [10_000, 200_000])
def test_depth_without_end_is_an_error_as_any_other(redis: Redis, queue: Queue, plant: Plant, depth: int) -> None:
    deep = '[' * depth + ']' * depth
    plant('json', data=f'["tests.security.jobs.speak", null, [{deep}], {{}}]')
    plant('meta', meta=f'{{"a": {deep}}}')
    plant('hooks', webhooks=deep)
    plant('depends', dependency_ids=deep)
    plant('retry', retry_intervals=deep, retries_left='1')
    plant('tuple', data=b'\x80\x04' + b')' + b'\x85' * depth + b'.')
    good = queue.enqueue(add, 1)
    run(queue)
    for job_id in ('json', 'tuple'):
        assert 'The stored call' in reason(Job.fetch(job_id, connection=redis))
    with pytest.raises(DeserializationError, match='meta cannot be read'):
        _ = Job.fetch('meta', connection=redis).meta
    assert good.return_value() == 2
    value: Any = ()
    for _ in range(depth):
        value = (value,)
    with pytest.raises(RecursionError):
        queue.enqueue(speak, value)
    assert queue.count == 0


def test_a_name_without_end_is_not_imported(redis: Redis, queue: Queue, plant: Plant) -> None:
    name = 'a.' * 1000 + 'b'
    with pytest.raises(ValueError, match=r'2001 characters, the limit is 1000 \(RQ_MAX_NAME\)'):
        import_attribute(name)
    plant('long', data=json.dumps([name, None, [], {}]))
    plant('callback', success_callback_name='b' * 2000)
    run(queue)
    for job_id in ('long', 'callback'):
        assert 'the limit is 1000' in reason(Job.fetch(job_id, connection=redis))
    assert pickle
