"""fingerprint.py: which failures are of one kind."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq.fingerprint import describe


def deep(value: object) -> None:
    raise ValueError(f'job {value} is wrong\nsecond line')


def caller(value: object) -> None:
    deep(value)


def chained() -> None:
    try:
        deep(1)
    except ValueError as error:
        raise KeyError('k') from error


class Bare(Exception):
    """Says nothing."""


def bare() -> None:
    raise Bare


def in_library() -> None:
    json.loads('{')


def many() -> None:
    raise ExceptionGroup('many', [ValueError(1), KeyError(2)])


def text_of(function: Callable[[], object]) -> str:
    try:
        function()
    except BaseException:
        return traceback.format_exc()
    raise AssertionError


def test_the_message_and_the_line_do_not_tell_kinds_apart() -> None:
    one, two = text_of(lambda: deep(1)), text_of(lambda: deep(2)).replace('line ', 'line 9')
    assert describe(one).fingerprint == describe(two).fingerprint
    assert describe(one).message == 'job 1 is wrong second line'


def test_the_class_and_the_functions_do() -> None:
    kinds = {
        describe(text_of(function)).fingerprint for function in (lambda: deep(1), lambda: caller(1), chained, bare)
    }
    assert len(kinds) == 4 and all(len(kind) == 12 and int(kind, 16) >= 0 for kind in kinds)


@pytest.mark.parametrize(
    ('function', 'kind', 'innermost'),
    [
        (lambda: caller(1), 'ValueError', 'test_fingerprint.py deep'),
        (chained, 'KeyError', 'test_fingerprint.py chained'),
        (bare, f'{Bare.__module__}.Bare', 'test_fingerprint.py bare'),
        (in_library, 'json.decoder.JSONDecodeError', 'test_fingerprint.py in_library'),
        (many, 'ExceptionGroup', 'test_fingerprint.py many'),
    ],
)
def test_what_was_raised_and_where_in_the_jobs_own_code(
    function: Callable[[], object], kind: str, innermost: str
) -> None:
    found = describe(text_of(function))
    assert found.type == kind and found.place.split(' > ')[-1] == innermost


def test_without_a_traceback_the_first_line_tells_numbers_left_out() -> None:
    first = describe('Work-horse terminated unexpectedly; waitpid returned 139 (signal 11); 12.5 MB')
    assert first.type == '' and first.message.startswith('Work-horse terminated')
    assert (
        first.fingerprint
        == describe('Work-horse terminated unexpectedly; waitpid returned 139 (signal 11); 8 MB').fingerprint
    )
    assert (
        first.fingerprint
        != describe('Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); 8 MB').fingerprint
    )
    lost = describe('rq.exceptions.AbandonedJobError: the worker that ran this job died')
    assert (lost.type, lost.message) == ('rq.exceptions.AbandonedJobError', 'the worker that ran this job died')


@given(st.text())
def test_any_text_has_a_fingerprint(text: str) -> None:
    assert len(describe(text).fingerprint) == 12
    assert len(describe(f'Traceback (most recent call last):\n  File "x.py", line 3, in f\n{text}').fingerprint) == 12


def test_a_long_text_is_read_at_its_ends() -> None:
    long = text_of(lambda: deep('x' * 5_000_000))
    assert describe(long).place.endswith('deep') and len(describe(long).message) <= 500
