"""Fields of hashes to values and back. Readers take both of RQ's forms; a field that cannot be read says which."""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rq.exceptions import DeserializationError, PayloadTooLarge
from rq.limits import LIMITS
from rq.utils import utcparse

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['compress', 'expand', 'flag', 'instant', 'integer', 'json_list', 'real', 'text']

# zlib saves nothing on small payloads and costs 4 us each (design.md); RQ reads both forms.
COMPRESS_FROM = 1024
# The first byte of what zlib makes.
ZLIB = b'\x78'


def compress(payload: bytes) -> bytes:
    """The payload as it is stored: compressed from 1 KB on where that saves something.

    And always where it looks compressed itself (a serializer may do that): readers would expand it once too often.
    """
    ambiguous = payload[:1] == ZLIB
    if len(payload) < COMPRESS_FROM and not ambiguous:
        return payload
    packed = zlib.compress(payload, 1)
    return packed if ambiguous or len(packed) < len(payload) else payload


def expand(payload: bytes, limit: int | None = None) -> bytes:
    """The payload as it was given. Raises PayloadTooLarge where it would expand past `limit` bytes (RQ_MAX_EXPANDED)."""
    if payload[:1] != ZLIB:  # stored as it is
        return payload
    limit = LIMITS.expanded if limit is None else limit
    reader = zlib.decompressobj()
    try:
        plain = reader.decompress(payload, limit + 1)
    except zlib.error:
        return payload
    if len(plain) > limit:
        raise PayloadTooLarge(f'A payload of {len(payload)} bytes expands to more than the limit of {limit} bytes')
    return plain if reader.eof else payload  # cut short, it is none


def _read(convert: Callable[[str], Any], kind: str, value: bytes) -> Any:
    try:
        return convert(value.decode('utf-8'))
    except (ValueError, OverflowError, RecursionError) as error:
        raise DeserializationError(f'not {kind}: {value[:60]!r}') from error


def text(value: bytes) -> str:
    """The text; what is not UTF-8 is shown escaped."""
    return value.decode('utf-8', 'backslashreplace')


def integer(value: bytes) -> int | None:
    """The whole number, None for an empty field. Raises DeserializationError."""
    if value.isdigit() and len(value) < 19:  # asked twice a job; a call of `_read` takes a microsecond
        return int(value)
    return _read(lambda s: int(float(s)) if '.' in s else int(s), 'a whole number', value) if value else None


def real(value: bytes) -> float | None:
    """The number, None for an empty field. Raises DeserializationError."""
    return _read(float, 'a number', value) if value else None


def flag(value: bytes) -> bool | None:
    """`1` is True, anything else False, an empty field None."""
    return value == b'1' if value else None


def instant(value: bytes) -> datetime | None:
    """The point in time, UTC-aware; None for an empty field. Raises DeserializationError."""
    return _read(utcparse, 'a time', value) if value else None


def json_list(value: bytes) -> list[Any] | None:
    """The list, None for an empty field. Raises DeserializationError."""
    if not value:
        return None
    found = _read(json.loads, 'a JSON list', value)
    if not isinstance(found, list):
        raise DeserializationError(f'not a JSON list: {value[:60]!r}')
    return found
