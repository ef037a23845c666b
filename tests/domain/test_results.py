"""Results: what runs returned or raised."""

from __future__ import annotations

import base64
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from rq import Queue, results
from rq.exceptions import DeserializationError, ResultTooLarge
from rq.job import Job
from rq.limits import LIMITS
from rq.results import Result, encode_exception, encode_return_value, get_key
from rq.serializers import JSONSerializer
from tests.domain import work


@pytest.fixture
def inline(redis: Redis) -> Queue:
    return Queue('s', connection=redis, is_async=False)


def test_a_success(redis: Redis, inline: Queue) -> None:
    job = inline.enqueue(work.give, {'a': 1})
    result = job.latest_result()
    assert result is not None
    assert (result.type, result.return_value, result.exc_string) == (Result.Type.SUCCESSFUL, {'a': 1}, None)
    assert (result.job_id, result.worker_name) == (job.id, 'sync')
    assert abs((result.created_at - datetime.now(UTC)).total_seconds()) < 5
    assert result.execution_started_at and result.execution_ended_at
    assert result.execution_started_at <= result.execution_ended_at
    assert result.execution_id
    assert result == Result.fetch(job) == Result.fetch_latest(job) == Result.all(job)[0] == job.results()[0]
    assert result != 'a'
    assert repr(result) == f'Result(id={result.id}, type=SUCCESSFUL)'
    assert Result.count(job) == 1
    assert Result.get_key(job.id) == get_key(job.id) == f'rq:results:{job.id}'


def test_a_failure(inline: Queue) -> None:
    result = inline.enqueue(work.fail, 'ů').latest_result()
    assert result is not None
    assert (result.type, result.return_value) == (Result.Type.FAILED, None)
    assert result.exc_string is not None and result.exc_string.rstrip().endswith('ValueError: ů')


def test_no_result_yet(queue: Queue) -> None:
    job = queue.enqueue(work.give)
    assert (job.result, job.return_value(), job.latest_result(), job.results(), job.exc_info) == (
        None,
        None,
        None,
        [],
        None,
    )
    assert Result.count(job) == 0


def test_none_is_a_result(inline: Queue) -> None:
    job = inline.enqueue(work.give)
    assert job.return_value() is None
    result = job.latest_result()
    assert result is not None and result.type is Result.Type.SUCCESSFUL


def test_a_return_value_is_read_once_and_again_when_asked(redis: Redis, inline: Queue) -> None:
    job = inline.enqueue(work.give, 1)
    assert job.return_value() == 1
    redis.xadd(get_key(job.id), {'type': '1', 'return_value': encode_return_value(job.serializer, 2)})
    assert job.return_value() == 1
    assert job.return_value(refresh=True) == job.return_value() == 2
    assert [result.return_value for result in job.results()] == [2, 1]
    redis.xadd(get_key(job.id), {'type': '2', 'exc_string': encode_exception('no')})
    assert job.return_value(refresh=True) is None
    Result.delete_all(job)
    assert Result.count(job) == 0


@contextmanager
def result_in(seconds: float, redis: Redis, job: Job) -> Iterator[None]:
    """While the block runs, a result of the job comes."""

    def deliver() -> None:
        time.sleep(seconds)
        redis.xadd(get_key(job.id), {'type': '1', 'return_value': encode_return_value(job.serializer, 2)})

    thread = threading.Thread(target=deliver)
    thread.start()
    yield
    thread.join()


def test_a_result_that_is_there_is_not_waited_for(redis: Redis, inline: Queue) -> None:
    job = inline.enqueue(work.give, 1)
    redis.xadd(get_key(job.id), {'type': '1', 'return_value': encode_return_value(job.serializer, 2)})
    began = time.monotonic()
    result = job.latest_result(timeout=30)
    assert time.monotonic() - began < 10
    assert result is not None and result.return_value == 2


def test_a_result_that_is_to_come_is_waited_for(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(work.give, 1)
    with result_in(0.1, redis, job):
        result = job.latest_result(timeout=10)
    assert result is not None and result.return_value == 2


def test_a_result_that_does_not_come_is_waited_for_and_no_longer(queue: Queue) -> None:
    job = queue.enqueue(work.give, 1)
    began = time.monotonic()
    assert job.latest_result(timeout=1) is None
    assert 0.9 <= time.monotonic() - began < 5


def test_a_result_is_waited_for_longer_than_the_client_waits_for_a_reply(redis: Redis, redis_url: str) -> None:
    # redis-py 8 sets 5 s by itself, and RQ 3.0.0 raises its TimeoutError after a minute of repetitions.
    with Redis.from_url(redis_url, socket_timeout=0.4) as impatient:
        job = Queue('q', connection=impatient).enqueue(work.give, 1)
        with result_in(1, redis, job):
            result = job.latest_result(timeout=10)
    assert result is not None and result.return_value == 2


def test_json(redis: Redis) -> None:
    job = Queue('s', connection=redis, is_async=False, serializer='json').enqueue(work.give, {'a': [1, None]})
    assert job.return_value() == {'a': [1, None]}
    raw = redis.xrange(get_key(job.id))[0][1]
    assert base64.b64decode(raw[b'return_value']) == b'{"a": [1, null]}'
    assert (
        Queue('s', connection=redis, is_async=False, serializer='json').enqueue('builtins.set').return_value()
        == results.UNSERIALIZABLE_RETURN_VALUE_PAYLOAD
    )


UNSERIALIZABLE = base64.b64encode(b'"Unserializable return value"')  # as any other value: RQ reads it as one


class Awkward:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise self.error


@pytest.mark.parametrize(
    'value', [lambda: None, Awkward(ValueError()), Awkward(RecursionError()), threading.Lock(), (x for x in ())]
)
def test_what_cannot_be_pickled_is_told_in_rqs_words(value: Any) -> None:
    assert encode_return_value(JSONSerializer, value) == UNSERIALIZABLE


@pytest.mark.parametrize(('limit', 'of'), [(100, 'result'), (136, 'stored')])
def test_a_result_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch, limit: int, of: str) -> None:
    monkeypatch.setattr(f'rq.limits.LIMITS.{of}', limit)
    with pytest.raises(ResultTooLarge, match=r'The result takes 103 bytes, the limit is 10[02] \(RQ_MAX_RESULT\)'):
        encode_return_value(JSONSerializer, 'x' * 101)
    assert encode_return_value(JSONSerializer, 'x' * 50) != UNSERIALIZABLE


def test_a_traceback_without_end_is_cut_in_the_middle() -> None:
    packed = encode_exception('a' * LIMITS.exception + 'z' * LIMITS.exception)
    text = zlib.decompress(base64.b64decode(packed)).decode()
    assert len(text) < LIMITS.exception + 100
    assert text.startswith('aaa') and text.endswith('zzz')
    assert '... 1000000 characters left out ...' in text


@pytest.mark.parametrize(
    ('entry', 'text'),
    [
        ({'type': '9'}, 'of no known type'),
        ({'foreign': 'x'}, 'of no known type'),
        ({'type': '1', 'return_value': '!!!'}, 'cannot be read'),
        ({'type': '1', 'return_value': base64.b64encode(b'garbage')}, 'cannot be read'),
        ({'type': '1', 'execution_started_at': 'soon'}, 'not a number'),
        ({'type': '1', 'execution_started_at': '1e300'}, 'no time'),
    ],
)
def test_a_result_that_cannot_be_read_is_told(
    redis: Redis, queue: Queue, entry: dict[str, Any], text: str, disorder: None
) -> None:
    job = queue.enqueue(work.give)
    redis.xadd(get_key(job.id), entry)
    with pytest.raises(DeserializationError, match=text):
        job.latest_result()


def test_old_and_odd_tracebacks_are_shown_as_they_are(redis: Redis, queue: Queue, disorder: None) -> None:
    job = queue.enqueue(work.give)
    for stored, shown in (
        (base64.b64encode(zlib.compress(b'packed')), 'packed'),
        (base64.b64encode(b'plain'), 'plain'),
        (b'neither of them', 'neither of them'),
    ):
        redis.xadd(get_key(job.id), {'type': '2', 'exc_string': stored})
        assert job.exc_info == shown
