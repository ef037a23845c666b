"""Bytes that are hostile: nothing runs, nothing is imported, time and memory are bounded, nothing is raised."""

from __future__ import annotations

import copyreg
import datetime
import decimal
import json
import os
import pickle
import pickletools
import sys
import time
import tracemalloc
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rq import inert
from rq.inert.opcodes import ACTS


class Runs:
    """As a pickle it is a call."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def planted(path: Path) -> list[bytes]:
    """Pickles that write a file where they are loaded."""
    command = f'touch {path}'
    line = f'open({str(path)!r}, "w").close()'
    state = b'c__builtin__\nexec\n' + pickle.dumps((line,), 0)[:-1] + b'R'
    return [
        *(pickle.dumps(('f', None, (Runs(os.system, command),), {}), protocol) for protocol in range(6)),
        *(pickle.dumps(Runs(eval, f'__import__("os").system({command!r})'), protocol) for protocol in range(6)),
        b"cos\nsystem\n(S'" + command.encode() + b"'\ntR.",
        b"(S'" + command.encode() + b"'\nios\nsystem\n.",
        b"(cos\nsystem\nS'" + command.encode() + b"'\no.",
        b'\x80\x04cos\nsystem\n' + pickle.dumps((command,), 2)[2:-1] + b'\x81.',
        b'\x80\x04cos\nsystem\n' + pickle.dumps((command,), 2)[2:-1] + b'}\x92.',
        b'\x80\x02' + state + b'}b.',  # BUILD
        b"(dS'__setstate__'\n" + state + b's.',
    ]


def test_pickles_that_would_execute_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / 'planted'
    for stored in planted(path):
        for form in (stored, zlib.compress(stored)):
            text = inert.value(form) + str(inert.call(form)) + str(inert.mapping(form)) + str(inert.function_name(form))
            assert 'touch' in text or 'open(' in text or 'exec' in text, stored
    assert not path.exists()


def test_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'planted_module.py').write_text('raise SystemExit("imported")')
    monkeypatch.syspath_prepend(str(tmp_path))
    for stored in (
        b'cplanted_module\nx\n.',
        b'\x80\x04\x8c\x0eplanted_module\x8c\x01x\x93.',
        b'(iplanted_module\nx\n.',
    ):
        assert inert.value(stored).startswith('planted_module.x')
    assert 'planted_module' not in sys.modules


def test_the_registry_of_extensions_is_not_asked() -> None:
    copyreg.add_extension('os', 'system', 0xEE)
    try:
        assert inert.value(b'\x80\x02\x82\xee.') == 'extension.238'
    finally:
        copyreg.remove_extension('os', 'system', 0xEE)


def laughs() -> bytes:
    """A tuple of two tuples of two tuples ..., 200 levels deep: 2 ** 200 leaves."""
    found = b'\x80\x04)\x94'
    for level in range(200):
        found += b'h' + bytes([level]) + b'h' + bytes([level]) + b'\x86\x94'
    return found


BOMBS = {
    'many empty lists': b'\x80\x04(' + b']' * 1_000_000 + b'l.',
    'one list a million times': b'\x80\x04]\x94(' + b'h\x00' * 500_000 + b'e.',
    'laughs': laughs() + b'.',
    'laughs as a key': laughs() + b'}h\xc8Ns.',
    'laughs in a set': b'\x80\x04\x8f(' + laughs()[2:] + b'\x90.',
    'a place in the memo far out': b'\x80\x04Nr\xff\xff\xff\xff.',
    'very deep': b'\x80\x04N' + b'\x85' * 900_000 + b'.',
    'deep lists': b'(' * 500_000 + b'l' * 499_999 + b'.',
    'a long integer': b'\x80\x04\x8b' + (900_000).to_bytes(4, 'little') + b'\x7f' * 900_000 + b'.',
    'a million digits': b'L' + b'9' * 900_000 + b'L\n.',
    'a float of many digits': b'F' + b'9' * 900_000 + b'\n.',
    'bytes that are not there': b'\x80\x04\x8e' + b'\xff' * 8 + b'xx.',
    'a buffer that is not there': b'\x80\x05\x96' + b'\xff' * 7 + b'\x0f' + b'.',
    'a frame that is not there': b'\x80\x05\x95' + b'\xff' * 8 + b'N.',
    'itself': b'\x80\x04]\x94h\x00a.',
    'itself as state': b'\x80\x04cx\ny\n)R\x94h\x00b.',
    'a long tuple as arguments of thousands': b'\x80\x04('
    + b'N' * 100_000
    + b't\x940('
    + b'h\x00h\x00R' * 30_000
    + b'l.',
    'a long dict in thousands of places': b'\x80\x04(' + b'NN' * 40_000 + b'd\x94(' + b'h\x00' * 60_000 + b'l.',
    'a long text of escapes': b'V' + b'\\u1234' * 150_000 + b'\n.',
    'a compressed half gigabyte': zlib.compress(bytes(200_000_000)),
    'zlib within zlib': zlib.compress(zlib.compress(bytes(20_000_000))),
    'JSON, very deep': b'[' * 1_000_000,
    'JSON, deep objects': b'{"a":' * 200_000,
    'JSON, many lists': b'[' + b'[],' * 300_000 + b'1]',
    'JSON, a million digits': b'1' * 1_000_000,
    'JSON, the same key': b'{' + b'"a":1,' * 150_000 + b'"a":1}',
    'a megabyte of quotes': b'\x80\x04X' + (900_000).to_bytes(4, 'little') + b'\'="' * 300_000 + b'.',
}


@pytest.mark.parametrize('name', BOMBS)
def test_bombs_cost_little_time_and_memory(name: str) -> None:
    stored = BOMBS[name]
    began = time.process_time()
    shown = inert.value(stored)
    inert.call(stored)
    inert.function_name(stored)
    inert.scrub(shown)
    assert time.process_time() - began < 3  # about 0.5 s at most, on a quiet machine
    assert len(shown) < 12_000  # printed characters may be 4 or 6 each
    tracemalloc.start()
    try:
        inert.call(stored, look=4_000)
        began = time.process_time()
        inert.value(stored[:50_000])
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


def test_of_a_row_in_a_list_little_is_looked_at() -> None:
    for stored in BOMBS.values():
        began = time.process_time()
        inert.call(stored, most=80, look=4_000)
        assert time.process_time() - began < 0.1


def test_scrubbing_takes_no_time_that_grows_with_the_square() -> None:
    for text in ('a' * 100_000, '://' * 50_000, '://a:' * 30_000, 'password=' * 20_000, "p='" * 30_000, '\\' * 100_000,
                 "token='" + '\\' * 100_000, 'a-' * 50_000, ':' * 100_000, 'token' + ' ' * 100_000):  # fmt: skip
        began = time.process_time()
        inert.scrub(text)
        assert time.process_time() - began < 1, text[:10]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC)) | st.dates() | st.times() | st.timedeltas()
    | st.decimals().map(decimal.Decimal) | st.uuids(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    | st.sets(st.integers() | st.text()) | st.frozensets(st.integers()),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    value=plain,
    protocol=st.integers(0, 5),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255))),
)
def test_whatever_is_stored_mutated_or_cut_short_is_shown(
    value: object, protocol: int, cut: float, flips: list[tuple[float, int]]
) -> None:
    stored = pickle.dumps(('f', None, (value,), {'a': value}), protocol)
    whole = inert.call(stored)
    assert whole.function == 'f' and not whole.problem and len(whole.args) == 1
    mutated = bytearray(stored)
    for place, byte in flips:
        mutated[int(place * (len(mutated) - 1))] = byte
    for some in (stored[: int(cut * len(stored))], bytes(mutated), bytes(mutated)[: int(cut * len(stored))]):
        inert.call(some).arguments.encode('utf-8')  # no half of a surrogate pair, which no page could carry
        inert.value(some).encode('utf-8')
        inert.mapping(some)
        inert.function_name(some)


@settings(max_examples=150, deadline=None)
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                          lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10),
       cut=st.floats(0, 1))  # fmt: skip
def test_any_json_is_shown(value: object, cut: float) -> None:
    stored = json.dumps(['f', None, [value], {'a': value}]).encode()
    assert inert.call(stored).function == 'f' and not inert.call(stored).problem
    inert.call(stored[: int(cut * len(stored))])


told = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**50), 10**50) | st.floats(allow_nan=False) | st.text(max_size=50)
    | st.binary(max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.tuples(inner, inner, inner)
    | st.dictionaries(st.integers() | st.sampled_from(['a', 'user name', 'Größe']), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(value=told, protocol=st.integers(2, 5))
def test_plain_values_are_shown_as_python_shows_them(value: object, protocol: int) -> None:
    assert inert.value(pickle.dumps(value, protocol), 1_000_000) == repr(value)


CODES = sorted({*ACTS, ord('.')})


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(CODES).map(lambda code: bytes([code])) | st.binary(max_size=5) | st.just(b'a\n'), max_size=60
    )
)
def test_any_instructions_are_followed_to_an_end(instructions: list[bytes]) -> None:
    stored = b'\x80\x04' + b''.join(instructions) + b'.'
    inert.value(stored).encode('utf-8')
    inert.call(stored)
    inert.mapping(stored)


@settings(max_examples=100, deadline=None)
@given(plain.filter(lambda value: not isinstance(value, float)), st.integers(0, 5))
def test_the_machine_agrees_with_pickletools_on_where_a_pickle_ends(value: object, protocol: int) -> None:
    stored = pickle.dumps(value, protocol)
    assert list(pickletools.genops(stored))[-1][0].name == 'STOP'
    assert (
        not inert.value(stored).endswith(')') or 'bytes: ' not in inert.value(stored)[-60:] or 'bytes: ' in repr(value)
    )


def test_uuids_as_they_are() -> None:
    one = uuid.uuid4()
    assert inert.value(pickle.dumps(one)) == repr(one)
