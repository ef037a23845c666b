"""What a failure looks like to people."""

from __future__ import annotations

import types

import pytest

import rq.utils
from rq.exceptions import DeserializationError
from rq.timeouts import JobTimeoutException
from rq.worker.failure import exception_text, one_line, reason_of, shortened


def caught(function: object, *args: object) -> BaseException:
    try:
        function(*args)  # type: ignore[operator]
    except BaseException as error:
        return error
    raise AssertionError('nothing raised')


def ours(body: str, **names: object) -> types.FunctionType:
    """A function whose code claims to be a file of the package."""
    space: dict[str, object] = dict(names)
    lines = body.replace('\n', '\n    ')
    exec(compile(f'def step():\n    {lines}', rq.utils.__file__, 'exec'), space)
    return space['step']  # type: ignore[return-value]


def fails() -> None:
    raise ValueError('too bad')


def test_the_traceback_begins_where_the_code_of_the_job_begins() -> None:
    error = caught(ours('inner()', inner=ours('fails()', fails=fails)))
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]  # this test's own frame
    lines = exception_text(error).splitlines()
    assert lines[0] == 'Traceback (most recent call last):'
    assert lines[1].startswith(f'  File "{__file__}", line ') and lines[1].endswith('in fails')
    assert lines[-1] == 'ValueError: too bad'


def test_what_the_package_raises_on_purpose_comes_without_its_own_frames() -> None:
    error = caught(ours('raise mine', mine=DeserializationError('no pickle')))
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
    assert exception_text(error) == 'rq.exceptions.DeserializationError: no pickle\n'


def test_a_timeout_between_two_lines_of_the_package_comes_without_frames() -> None:
    error = caught(ours('raise mine', mine=JobTimeoutException('late')))
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
    assert exception_text(error) == 'rq.timeouts.JobTimeoutException: late\n'


def test_a_mistake_of_the_package_shows_all_of_its_frames() -> None:
    error = caught(ours('{}["x"]'))
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
    assert f'File "{rq.utils.__file__}"' in exception_text(error)


class Mute(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


def test_an_exception_that_cannot_be_printed_is_named() -> None:
    assert f'{__name__}.Mute' in exception_text(Mute())
    assert reason_of(Mute()) == f'{__name__}.Mute (cannot be printed: KeyboardInterrupt)'


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (ValueError('a\nb  c'), 'ValueError: a b c'),
        (ValueError(), 'ValueError'),
        (DeserializationError('x'), 'rq.exceptions.DeserializationError: x'),
    ],
)
def test_a_reason_is_one_line(error: Exception, line: str) -> None:
    error.add_note('and a note')
    assert reason_of(error) == line


def test_of_a_long_text_both_ends_stay() -> None:
    text = 'a' * 50 + 'b' * 1000 + 'c' * 50
    assert shortened(text, 100) == f'{"a" * 50}\n... 1000 characters left out ...\n{"c" * 50}'
    assert shortened(text, len(text)) == text


def test_a_log_line_cannot_be_forged_or_steer_a_terminal() -> None:
    assert one_line('ev\x1b[2Jil\n10:00:00 q: Job OK (fake)\x00') == 'ev\\x1b[2Jil\\n10:00:00 q: Job OK (fake)\\x00'
    assert one_line("worker.do_work('ěščř')") == "worker.do_work('ěščř')"
