"""For any job: what is written is read again. For any hash, whoever wrote it: errors of ours, or none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rq import Retry
from rq.exceptions import RQError
from rq.job import Job, JobStatus, parse_job_id, validate_job_id
from rq.job.call import load, pack
from rq.job.fields import FIELDS
from rq.results import Result, encode_exception, encode_return_value
from rq.serializers import DefaultSerializer, resolve_serializer
from rq.store import fields as codec

# No property here talks to a server.
CONNECTION: Any = object()

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)
moments = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis wants bounds without a zone
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))]),
)
seconds = st.none() | st.integers(-1, 10**9)
texts = st.none() | st.text()

jobs = st.builds(
    lambda args, kwargs, **fields: (args, kwargs, fields),
    st.lists(plain, max_size=3).map(tuple),
    st.dictionaries(st.text(), plain, max_size=3),
    enqueued_at=st.none() | moments,
    created_at=moments,
    description=texts,
    worker_name=texts,
    timeout=seconds,
    ttl=seconds,
    result_ttl=seconds,
    failure_ttl=seconds,
    retries_left=st.none() | st.integers(0, 9),
    retry_intervals=st.none() | st.lists(st.integers(0, 10**6), max_size=5),
    enqueue_at_front=st.none() | st.booleans(),
    meta=st.dictionaries(st.text(), plain, max_size=3),
    _status=st.sampled_from(JobStatus),
)


def stored(job: Job) -> dict[bytes, bytes]:
    """The hash as a server would answer it."""
    return {
        name.encode(): value if isinstance(value, bytes) else str(value).encode()
        for name, value in job.to_dict().items()
    }


def expected(value: Any) -> Any:
    """What a field reads as: nothing for an empty text, what UTF-8 cannot carry escaped."""
    if isinstance(value, str) and not isinstance(value, JobStatus):
        return value.encode('utf-8', 'backslashreplace').decode() or None
    return value


@given(jobs)
def test_what_is_written_of_a_job_is_read_again(made: Any) -> None:
    args, kwargs, fields = made
    job = Job.create('builtins.len', args, kwargs, connection=CONNECTION)
    for name, value in fields.items():
        setattr(job, name, value)
    found = Job.from_hash(job.id, stored(job), CONNECTION)
    assert (found.func_name, found.args, found.kwargs) == ('builtins.len', args, kwargs)
    for name, value in fields.items():
        assert getattr(found, name) == expected(value), name
    assert stored(found) == stored(job)


# --- hashes of anybody's ------------------------------------------------------------------------------------------------

odd = st.sampled_from(
    [
        b'', b' ', b'0', b'-1', b'1.5', b'1e400', b'1.e999', b'nan', b'inf', b'9' * 5000, b'null', b'[]', b'{}', b'[1, null]',
        b'[' * 100_000, b'"text"', b'\xff\xfe', b'\x00', b'2026-11-23T05:24:25Z', b'0001-01-01T00:00:00+14:00',
        b'9999-12-31T23:59:59-14:00', b'2026-13-45', b'queued', b'asleep', b'\x78\x9c', b'\x78\x9cgarbage', b'gASVAgAAAAAAAABLKi4=',
        json.dumps({'deep': [[[]]]}).encode(), '\N{ZERO WIDTH SPACE}١٢'.encode(),
    ]
) | st.binary(max_size=40)  # fmt: skip
names = st.sampled_from(
    [*(field.raw for field in FIELDS.values()), b'data', b'meta', b'dependency_ids', b'retries_used', b'foreign']
)
hashes = st.dictionaries(names | st.binary(max_size=9), odd, max_size=25)

READ: list[Callable[[Job], Any]] = [
    *(lambda job, name=name: getattr(job, name) for name in FIELDS),
    lambda job: job.args,
    lambda job: job.func_name,
    lambda job: job.func,
    lambda job: job.data,
    lambda job: job.meta,
    lambda job: job.get_call_string(),
    lambda job: job.dependency_ids,
    lambda job: job.get_status(refresh=False),
    lambda job: job.should_retry,
    lambda job: job.get_ttl(5),
    lambda job: job.get_result_ttl(5),
    lambda job: job.to_dict(),
    str,
    repr,
    hash,
]


@settings(max_examples=400)
@given(hashes)
@example({b'data': b'x', b'retry_intervals': b'[' * 100_000})
@example({b'data': b'\x80\x05cos\nnothing\n.', b'status': b'\xff'})
def test_no_hash_makes_a_job_raise_what_is_not_ours(raw: dict[bytes, bytes]) -> None:
    job = Job('odd', connection=CONNECTION)
    try:
        job.restore(raw)
    except RQError:
        assert b'data' not in raw
        return
    for read in READ:
        try:
            read(job)
        except (RQError, ValueError, TypeError):
            pass


@given(
    st.dictionaries(
        st.sampled_from([b'type', b'return_value', b'exc_string', b'worker_name', b'execution_started_at']), odd
    )
)
@example({b'type': b'1', b'execution_started_at': b'1e300'})
def test_no_entry_makes_a_result_raise_what_is_not_ours(raw: dict[bytes, bytes]) -> None:
    try:
        Result.restore('odd', '1795425170003-0', raw, CONNECTION)
    except RQError:
        pass


@given(plain)
def test_a_return_value_is_read_again(value: Any) -> None:
    raw = {b'type': b'1', b'return_value': encode_return_value(DefaultSerializer, value)}
    if value is None:
        del raw[b'return_value']
    assert Result.restore('a', '1-0', raw, CONNECTION).return_value == value


@given(st.text())
def test_a_traceback_is_read_again(text: str) -> None:
    raw = {b'type': b'2', b'exc_string': encode_exception(text)}
    assert Result.restore('a', '1-0', raw, CONNECTION).exc_string == text.encode('utf-8', 'backslashreplace').decode()


# --- small ones ------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=3000) | st.binary(max_size=50).map(lambda part: b'\x78\x9c' + part * 50))
def test_any_bytes_are_packed_and_expanded_to_themselves(data: bytes) -> None:
    assert codec.expand(pack(data)) == data


@given(
    st.text(),
    st.none() | st.integers(),
    st.lists(st.integers() | st.text()),
    st.dictionaries(st.text(), st.floats(allow_nan=False)),
)
def test_a_call_in_json_is_read_again(name: str, instance: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    serializer = resolve_serializer('json')
    written = pack(serializer.dumps((name, instance, args, kwargs)))
    assert load(serializer, codec.expand(written)) == (name, instance, args, kwargs)


@given(st.text())
def test_an_id_is_what_survives_in_a_composite_key(text: str) -> None:
    try:
        validate_job_id(text)
    except ValueError:
        return
    assert parse_job_id(f'{text}:execution') == parse_job_id(text) == text


@given(st.integers(1, 9), st.lists(st.integers(0, 100), min_size=1, max_size=5), st.integers(0, 12))
def test_waits_of_a_retry_are_taken_in_order_and_the_last_repeats(most: int, intervals: list[int], count: int) -> None:
    retry = Retry(max=most, interval=intervals)
    assert Retry.get_interval(count, retry.intervals) == [*intervals, *[intervals[-1]] * 12][count]


@given(
    st.integers(1, 60),
    st.integers(0, 10**5),
    st.none() | st.integers(1, 10**5),
    st.just(0.0) | st.floats(0.01, 1),
    st.integers(0, 100),
)
def test_a_backoff_doubles_never_falls_and_has_its_bounds(
    most: int, first: int, longest: int | None, jitter: float, count: int
) -> None:
    retry = Retry(most, first, backoff='exponential', max_interval=longest, jitter=jitter)
    limit = 3600 if longest is None else longest
    waits = [Retry.get_interval(number, retry.intervals) for number in range(most)]
    assert waits == [min(max(first, 1) * 2**number, limit) for number in range(most)]
    drawn = retry.draw()
    for number, wait in enumerate(waits):
        assert abs(Retry.get_interval(number, drawn) - wait) <= jitter * wait + 0.5
    assert 0 <= Retry.get_interval(count, drawn) <= 2 * limit


@given(st.integers(-(10**6), -1))
def test_no_wait_is_negative_whatever_is_asked_for(limit: int) -> None:
    with pytest.raises(ValueError, match='max_interval: negative numbers are not allowed'):
        Retry(3, 10, max_interval=limit)
