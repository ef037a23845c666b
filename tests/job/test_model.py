"""Job: what it is made of, and how it is found again."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry, Webhook
from rq.exceptions import DeserializationError, InvalidJobId, InvalidJobOperation, NoSuchJobError, PayloadTooLarge
from rq.job import Job, JobStatus
from rq.job.fields import FIELDS
from rq.serializers import JSONSerializer
from tests.domain.work import Calculator, Unreadable, add, fail, give


def test_a_new_job_knows_its_call_and_is_stored_nowhere(redis: Redis, unchanged: Any) -> None:
    with unchanged():
        job = Job.create(add, (1,), {'b': 2}, connection=redis)
        assert (job.func_name, job.func, job.args, job.kwargs, job.instance) == (
            'tests.domain.work.add', add, (1,), {'b': 2}, None,
        )  # fmt: skip
        assert job.get_call_string() == job.description == 'tests.domain.work.add(1, b=2)'
        assert job.get_status(refresh=False) is JobStatus.CREATED
        assert (job.origin, job.timeout, job.enqueued_at, job.meta, job.ttl, job.worker_name) == (
            '',
            None,
            None,
            {},
            None,
            None,
        )
        assert (datetime.now(UTC) - job.created_at).total_seconds() < 5
        assert not Job.exists(job.id, connection=redis)


def test_an_id_is_a_uuid_unless_one_is_given(redis: Redis) -> None:
    first, second = Job(connection=redis), Job(connection=redis)
    assert len(first.id) == 36
    assert first.id == first.get_id() != second.id
    assert first.key == Job.key_for(first.id) == f'rq:job:{first.id}'
    first.set_id('mine')
    second.id = 'mine'
    assert first == second
    assert len({first, second}) == 1
    assert first != 'mine'
    for bad, error in (('a b', InvalidJobId), ('', InvalidJobId), (5, TypeError)):
        with pytest.raises(error):
            first.id = bad  # type: ignore[assignment]
        with pytest.raises(error):
            Job(bad, connection=redis)  # type: ignore[arg-type]


def test_a_job_tells_what_it_is(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(add, 1, job_id='mine')
    assert str(job) == '<Job mine: tests.domain.work.add(1)>'
    assert repr(job) == f"Job('mine', enqueued_at={job.enqueued_at!r})"


def test_a_job_needs_a_connection() -> None:
    for make in (lambda: Job('a'), lambda: Job.fetch('a'), lambda: Job.create(add)):
        with pytest.raises(TypeError, match='connection'):
            make()


# --- found again ------------------------------------------------------------------------------------------------------


def test_a_job_that_is_not_there(redis: Redis, unchanged: Any) -> None:
    with unchanged():
        with pytest.raises(NoSuchJobError, match='No such job: rq:job:nope'):
            Job.fetch('nope', connection=redis)
        assert Job.fetch_many(iter(['nope', 'a b']), connection=redis) == [None, None]
        assert Job.fetch_many([], connection=redis) == []
        job = Job('nope', connection=redis)
        for ask in (job.get_status, job.refresh, lambda: job.is_finished):
            with pytest.raises((NoSuchJobError, InvalidJobOperation), match='nope'):
                ask()


@pytest.mark.parametrize(('bad', 'error'), [(None, TypeError), (5, TypeError), ('a b', ValueError), ('', ValueError)])
def test_an_id_that_cannot_be_one_is_refused(redis: Redis, bad: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Job.fetch(bad, connection=redis)


def test_a_composite_key_finds_its_job(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    assert Job.fetch(f'{job.id}:0123', connection=redis) == job
    assert Job.fetch_many([f'{job.id}:0123'], connection=redis) == [job]


def test_fetch_many_keeps_the_order(redis: Redis, queue: Queue) -> None:
    jobs = queue.enqueue_many([Queue.prepare_data(give, (number,)) for number in range(1100)])
    found = Job.fetch_many([*(job.id for job in reversed(jobs)), 'nope'], connection=redis)
    assert found == [*reversed(jobs), None]
    assert found[0] is not None and found[0].args == (1099,)


def test_a_hash_without_a_call_is_no_job(redis: Redis, disorder: None) -> None:
    redis.hset('rq:job:odd', mapping={'status': 'queued', 'foreign': 'field'})
    with pytest.raises(NoSuchJobError, match=r"rq:job:odd has no field \"data\", only \[b'foreign', b'status'\]"):
        Job.fetch('odd', connection=redis)
    assert Job.fetch_many(['odd'], connection=redis) == [None]


def test_refresh_reads_everything_anew(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give, 1, meta={'a': 1})
    assert (job.args, job.meta, job.timeout) == ((1,), {'a': 1}, 180)
    other = Job.create(give, (2,), connection=redis, id=job.id, meta={'a': 2}, timeout=9)
    redis.hset(
        job.key, mapping={key: value for key, value in other.to_dict().items() if key in ('data', 'meta', 'timeout')}
    )
    job.refresh()
    assert (job.args, job.meta, job.timeout) == ((2,), {'a': 2}, 9)


# --- the call -----------------------------------------------------------------------------------------------------------


def test_a_part_of_the_call_that_is_set_changes_the_call(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(add, 1, b=2)
    found = Job.fetch(job.id, connection=redis)
    found.args = (5,)
    assert (found.func_name, found.args, found.kwargs) == ('tests.domain.work.add', (5,), {'b': 2})
    found.kwargs = {}
    found.func_name = 'tests.domain.work.give'
    found.save()
    again = Job.fetch(job.id, connection=redis)
    assert (again.func, again.args, again.kwargs) == (give, (5,), {})
    again.instance = Calculator(2)
    again.func_name = 'plus'
    assert again.perform() == 7
    again.data = job.data
    assert (again.func, again.args, again.instance) == (add, (1,), None)


def test_a_job_without_a_call(redis: Redis) -> None:
    job = Job(connection=redis)
    for ask in (lambda: job.args, lambda: job.func_name, job.get_call_string):
        with pytest.raises(DeserializationError, match='has no stored call'):
            ask()
    with pytest.raises(ValueError, match='Cannot build the job data'):
        _ = job.data
    job.func_name = 'tests.domain.work.give'
    assert pickle.loads(job.data) == ('tests.domain.work.give', None, (), {})


def test_a_function_that_is_not_there(redis: Redis) -> None:
    job = Job.create('tests.domain.work.nothing', connection=redis)
    with pytest.raises(ValueError, match=r'tests\.domain\.work\.nothing'):
        _ = job.func
    job = Job.create(Calculator().plus, connection=redis)
    job.func_name = 'minus'
    with pytest.raises(ValueError, match='minus'):
        _ = job.func


@pytest.mark.parametrize(
    ('stored', 'error', 'text'),
    [
        (b'', DeserializationError, 'EOFError'),
        (b'garbage', DeserializationError, 'cannot be read: Unpickling'),
        (b'\x78\x9cgarbage', DeserializationError, 'cannot be read'),
        (pickle.dumps(5), DeserializationError, 'TypeError'),
        (pickle.dumps((1, 2, 3)), DeserializationError, 'ValueError'),
        (pickle.dumps((5, None, (), {})), DeserializationError, 'not a name, a list and a dict, but int, tuple, dict'),
        (pickle.dumps(('f', None, 5, {})), DeserializationError, 'but str, int, dict'),
        (pickle.dumps(('f', None, (), [])), DeserializationError, 'but str, tuple, list'),
        (pickle.dumps(('f', None, (Unreadable(),), {})), DeserializationError, 'FileNotFoundError'),
    ],
)
def test_a_call_that_cannot_be_read(
    redis: Redis, queue: Queue, stored: bytes, error: type[Exception], text: str
) -> None:
    job = queue.enqueue(give)
    redis.hset(job.key, 'data', stored)
    found = Job.fetch(job.id, connection=redis)
    for ask in (lambda: found.args, lambda: found.func, found.get_call_string, found.perform):
        with pytest.raises(error, match=text):
            ask()
    assert found.description == 'tests.domain.work.give()'
    assert str(found)
    assert found.is_queued


def bomb(size: int) -> bytes:
    """A zlib stream of a few hundred KB, valid as far as it goes, that expands to `size` zero bytes."""
    import zlib

    packer = zlib.compressobj(9)
    head = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * ((size >> 20) - 1)


def test_a_payload_that_expands_to_a_gigabyte_is_not_expanded(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    stored = bomb(1 << 30)
    assert len(stored) < 3_000_000
    redis.hset(job.key, 'data', stored)
    found = Job.fetch(job.id, connection=redis)
    with pytest.raises(PayloadTooLarge, match=r'of \d+ bytes expands to more than the limit of 268435456 bytes'):
        _ = found.args
    assert found.to_dict()['data'] == stored  # it can be put elsewhere, as it is


# --- other serializers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', ['json', JSONSerializer, 'rq.serializers.JSONSerializer'])
def test_json(redis: Redis, serializer: Any) -> None:
    queue = Queue('q', connection=redis, serializer=serializer)
    job = queue.enqueue(add, [1, 'a'], b={'c': None}, meta={'key': 'ů'})
    found = Job.fetch(job.id, connection=redis, serializer=serializer)
    assert (found.func, found.args, found.kwargs) == (add, [[1, 'a']], {'b': {'c': None}})
    assert found.meta == {'key': 'ů'}
    assert redis.hget(job.key, 'data') == b'["tests.domain.work.add", null, [[1, "a"]], {"b": {"c": null}}]'
    assert [one.args for one in queue.jobs] == [[[1, 'a']]]
    read = queue.fetch_job(job.id)
    assert read is not None and read.args == [[1, 'a']]


def test_another_serializer_than_the_jobs_is_told_and_destroys_nothing(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(add, 1, meta={'a': 1})
    wrong = Job.fetch(job.id, connection=redis, serializer='json-only')
    with pytest.raises(DeserializationError):
        _ = wrong.args
    with pytest.raises(DeserializationError, match=f'Job {job.id}: meta cannot be read'):
        _ = wrong.meta
    wrong.description = 'changed'
    wrong.save()
    found = Job.fetch(job.id, connection=redis)
    assert (found.description, found.args, found.meta) == ('changed', (1,), {'a': 1})


class Doubling:
    """A serializer whose output looks like what it is not."""

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix

    def dumps(self, value: Any) -> bytes:
        return self.prefix + pickle.dumps(value)

    def loads(self, data: bytes) -> Any:
        assert data.startswith(self.prefix)
        return pickle.loads(data[len(self.prefix) :])


class Zipping:
    """A serializer that compresses by itself, with the compression that readers undo."""

    def dumps(self, value: Any) -> bytes:
        import zlib

        return zlib.compress(pickle.dumps(value))

    def loads(self, data: bytes) -> Any:
        import zlib

        return pickle.loads(zlib.decompress(data))


@pytest.mark.parametrize('serializer', [Doubling(b'x'), Doubling(b'\x78\x9c'), Doubling(b''), Zipping()])
@pytest.mark.parametrize('size', [1, 900, 5000, 3_000_000])
def test_a_serializer_may_write_what_it_likes(redis: Redis, serializer: Any, size: int) -> None:
    queue = Queue('q', connection=redis, serializer=serializer)
    job = queue.enqueue(give, 'x' * size, meta={'a': 1})
    found = Job.fetch(job.id, connection=redis, serializer=serializer)
    assert found.args == ('x' * size,)
    assert found.meta == {'a': 1}


# --- fields and options are listed once ---------------------------------------------------------------------------------


def test_every_field_is_an_attribute_that_can_be_set_and_is_stored_and_read_again(redis: Redis) -> None:
    moment = datetime(2026, 11, 23, 5, 24, 25, 947771, tzinfo=UTC)
    examples: dict[str, Any] = {
        'created_at': moment, 'enqueued_at': moment, 'started_at': moment, 'ended_at': moment, 'last_heartbeat': moment,
        'origin': 'q', 'description': 'text', 'worker_name': 'w', 'group_id': 'g', '_status': JobStatus.CREATED,
        'timeout': 5, 'ttl': 6, 'result_ttl': -1, 'failure_ttl': 7, 'retries_left': 2, 'retry_intervals': [1, 2],
        'number_of_retries': 1, 'enqueue_at_front': True, 'enqueue_at_front_on_retry': True, 'retry_on': ['OSError'],
        'give_up_on': ['KeyError'], 'on_lost': 'fail', 'repeats_left': 3, 'repeat_intervals': [4], '_waits_for': ['a', 'b'],
        '_dependency_id': 'a', 'allow_dependency_failures': False, 'rate_limit_key': 'k', 'rate_limit_concurrency': 2,
        '_success_callback_name': 'm.f', '_success_callback_timeout': 1, '_failure_callback_name': 'm.g',
        '_failure_callback_timeout': 2, '_stopped_callback_name': 'm.h', '_stopped_callback_timeout': 3,
        'webhooks': [Webhook('http://localhost/', 'finished')], '_serializer_name': 'pickle',
    }  # fmt: skip
    assert examples.keys() == FIELDS.keys()
    job = Job.create(give, connection=redis)
    for name, value in examples.items():
        setattr(job, name, value)
    job.save()
    found = Job.fetch(job.id, connection=redis)
    assert {name: getattr(found, name) for name in examples} == examples
    assert type(found._status) is JobStatus
    for name in FIELDS:
        setattr(found, name, None)
    found.created_at, found._status = moment, JobStatus.CREATED
    found.save()
    assert {name for name, value in redis.hgetall(job.key).items() if value} == {b'created_at', b'status', b'data'}


def test_a_retry_is_stored_in_rqs_fields(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(fail, retry=Retry(max=2, interval=30))
    raw = redis.hgetall(job.key)
    assert (raw[b'retries_left'], raw[b'retry_intervals']) == (b'2', b'[30]')
    assert b'enqueue_at_front_on_retry' not in raw
