"""fields.py: fields of hashes to values and back, whatever is in them."""

from __future__ import annotations

import contextlib
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq.exceptions import DeserializationError, PayloadTooLarge
from rq.store import fields


@given(st.binary(max_size=3000))
def test_a_payload_comes_back_as_it_was(payload: bytes) -> None:
    assert fields.expand(fields.compress(payload)) == payload


@given(st.binary(max_size=200))
def test_a_payload_that_its_serializer_compressed_comes_back_compressed(payload: bytes) -> None:
    """Ours is stored as it is where it is small: what looks compressed must then be compressed once more."""
    packed = zlib.compress(payload)
    assert fields.expand(fields.compress(packed)) == packed


def test_small_payloads_are_stored_as_they_are_and_large_ones_compressed() -> None:
    assert fields.compress(b'a' * 1023) == b'a' * 1023
    assert len(fields.compress(b'a' * 1024)) < 100
    noise = bytes((number * 97 + number**3) % 256 for number in range(2000))
    assert fields.expand(fields.compress(noise)) == noise


def test_rqs_payloads_are_read() -> None:
    assert fields.expand(zlib.compress(b'\x80\x05abc')) == b'\x80\x05abc'
    assert fields.expand(b'\x80\x05abc') == b'\x80\x05abc'
    assert fields.expand(b'x marks no zlib') == b'x marks no zlib'
    assert fields.expand(b'') == b''


def test_a_compressed_payload_that_is_cut_short_is_not_half_a_payload() -> None:
    packed = zlib.compress(b'abc' * 1000)
    for cut in range(1, len(packed)):
        assert fields.expand(packed[:cut]) == packed[:cut]


@pytest.mark.parametrize('more', [-1, 0])
def test_a_payload_may_expand_to_the_limit(more: int) -> None:
    plain = b'a' * (100_000 + more)
    assert fields.expand(zlib.compress(plain), 100_000) == plain


@pytest.mark.parametrize('more', [1, 70_000, 100_000_000])
def test_a_payload_that_expands_past_the_limit_is_refused_before_it_does(more: int) -> None:
    with pytest.raises(PayloadTooLarge, match='limit of 100000 bytes'):
        fields.expand(zlib.compress(b'a' * (100_000 + more)), 100_000)


@pytest.mark.parametrize(
    ('read', 'raw', 'value'),
    [
        (fields.integer, b'7', 7),
        (fields.integer, b'-1', -1),
        (fields.integer, b'7.9', 7),
        (fields.integer, b'', None),
        (fields.real, b'1.5', 1.5),
        (fields.real, b'', None),
        (fields.flag, b'1', True),
        (fields.flag, b'0', False),
        (fields.flag, b'', None),
        (fields.json_list, b'[1, "a"]', [1, 'a']),
        (fields.json_list, b'', None),
        (fields.instant, b'2026-11-23T05:24:25.947771Z', datetime(2026, 11, 23, 5, 24, 25, 947771, UTC)),
        (fields.instant, b'2026-11-23T05:24:25Z', datetime(2026, 11, 23, 5, 24, 25, tzinfo=UTC)),
        (fields.instant, b'', None),
        (fields.text, 'žluť'.encode(), 'žluť'),
        (fields.text, b'a\xff', 'a\\xff'),
    ],
)
def test_fields_are_read(read: object, raw: bytes, value: object) -> None:
    assert callable(read)
    assert read(raw) == value


@pytest.mark.parametrize('read', [fields.integer, fields.real, fields.json_list, fields.instant])
@given(raw=st.binary(max_size=40))
def test_a_field_with_anything_in_it_is_a_value_or_a_deserialization_error(read: object, raw: bytes) -> None:
    assert callable(read)
    with contextlib.suppress(DeserializationError):
        read(raw)


@pytest.mark.parametrize(
    ('read', 'raw'),
    [
        (fields.integer, b'inf.0'),
        (fields.integer, b'1' * 5000),
        (fields.integer, b'1e5.'),
        (fields.json_list, b'{"a": 1}'),
        (fields.json_list, b'7'),
        (fields.json_list, b'[' * 100_000),
        (fields.instant, b'yesterday'),
        (fields.instant, b'2026-13-45T99:99:99Z'),
    ],
)
def test_a_field_that_cannot_be_read_says_what_was_expected(read: object, raw: bytes) -> None:
    assert callable(read)
    with pytest.raises(DeserializationError, match='not a'):
        read(raw)
