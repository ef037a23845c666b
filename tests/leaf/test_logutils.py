from __future__ import annotations

import io
import itertools
import logging
import sys
from typing import Any

import pytest

from rq import logutils
from rq.logutils import ColorizingStreamHandler, setup_loghandlers


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


numbers = itertools.count()


def fresh() -> str:
    """The name of a logger that nobody has used, below one that keeps its records from pytest's own handlers.

    No fixture: pytest gives its handlers to the loggers that pass nothing on when a test begins, too.
    """
    parent = logging.getLogger(f'leaf_{next(numbers)}')
    parent.propagate = False
    return f'{parent.name}.child'


def parent_of(logger: logging.Logger) -> logging.Logger:
    assert logger.parent is not None
    return logger.parent


@pytest.fixture(autouse=True)
def no_wish_about_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('NO_COLOR', raising=False)
    monkeypatch.setattr(logutils, '_asked', (None, False))


def test_lines_below_error_go_to_standard_output_and_the_rest_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = fresh()
    setup_loghandlers('DEBUG', name=name, log_format='%(levelname)s %(message)s')
    logger = logging.getLogger(name)
    for level in ('debug', 'info', 'warning', 'error', 'critical'):
        getattr(logger, level)('a %s', 'line')
    out, err = capsys.readouterr()
    assert out == 'DEBUG a line\nINFO a line\nWARNING a line\n'
    assert err == 'ERROR a line\nCRITICAL a line\n'


def test_a_line_begins_with_the_time_of_day_unless_asked_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    name = fresh()
    setup_loghandlers('INFO', name=name)
    logging.getLogger(name).info('hello')
    time, text = capsys.readouterr().out.split()
    assert (len(time), text) == (len('12:34:56'), 'hello')


def test_the_look_of_a_line_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    name = fresh()
    setup_loghandlers('INFO', 'at %Y', '%(asctime)s|%(message)s', name)
    logging.getLogger(name).info('hello')
    assert capsys.readouterr().out.startswith('at 2')


def test_a_second_call_changes_the_level_and_adds_no_handler() -> None:
    name = fresh()
    logger = logging.getLogger(name)
    setup_loghandlers(logging.INFO, name=name)
    handlers = list(logger.handlers)
    setup_loghandlers('warning', name=name)
    assert logger.handlers == handlers
    assert logger.level == logging.WARNING
    setup_loghandlers(name=name)
    assert logger.level == logging.WARNING


def test_a_logger_that_we_set_up_passes_nothing_on() -> None:
    name = fresh()
    setup_loghandlers('INFO', name=name)
    assert not logging.getLogger(name).propagate


def test_the_applications_own_handler_wins() -> None:
    name = fresh()
    logger = logging.getLogger(name)
    parent_of(logger).addHandler(logging.NullHandler())
    setup_loghandlers('INFO', name=name)
    assert logger.handlers == []
    assert logger.propagate
    assert logger.level == logging.INFO


def test_a_handler_that_records_do_not_reach_does_not_count() -> None:
    name = fresh()
    logger = logging.getLogger(name)
    parent_of(logger).addHandler(logging.NullHandler())
    logger.propagate = False
    setup_loghandlers('INFO', name=name)
    assert len(logger.handlers) == 2


def test_a_level_that_is_not_known_is_refused_before_anything_is_changed() -> None:
    name = fresh()
    with pytest.raises(ValueError, match="Unknown level: 'BOGUS'"):
        setup_loghandlers('bogus', name=name)
    assert logging.getLogger(name).handlers == []


@pytest.mark.parametrize(('color', 'code'), [('red', 31), ('green', 32), ('yellow', 33), ('blue', 34)])
def test_words_are_coloured_on_a_terminal_only(color: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    paint = getattr(logutils, color)
    monkeypatch.setattr(sys, 'stdout', io.StringIO())
    assert paint('word') == 'word'
    assert paint(5) == 5
    monkeypatch.setattr(sys, 'stdout', Terminal())
    assert paint('word') == f'\x1b[{code}mword\x1b[39;49;00m'
    monkeypatch.setattr(sys, 'stdout', None)  # as under pythonw
    assert paint('word') == 'word'


def test_no_color_is_respected_on_a_terminal_and_an_empty_one_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('NO_COLOR', '1')
    monkeypatch.setattr(sys, 'stdout', Terminal())
    assert logutils.red('word') == 'word'
    monkeypatch.setenv('NO_COLOR', '')
    monkeypatch.setattr(sys, 'stdout', Terminal())
    assert logutils.red('word') != 'word'


def record(level: int) -> logging.LogRecord:
    return logging.LogRecord('name', level, 'path', 1, 'first line\nsecond line', (), None)


@pytest.mark.parametrize(
    ('level', 'color'), [(logging.INFO, None), (logging.WARNING, 33), (logging.ERROR, 31), (logging.CRITICAL, 31)]
)
def test_the_first_line_of_a_warning_or_error_is_coloured_on_a_terminal(level: int, color: int | None) -> None:
    plain = 'first line\nsecond line'
    coloured = f'\x1b[{color}mfirst line\x1b[39;49;00m\nsecond line' if color else plain
    assert ColorizingStreamHandler(stream=Terminal()).format(record(level)) == coloured
    assert ColorizingStreamHandler(stream=io.StringIO()).format(record(level)) == plain
    assert ColorizingStreamHandler(lambda _: True, stream=Terminal()).format(record(level)) == plain


def test_a_handler_knows_whether_it_writes_to_a_terminal() -> None:
    assert ColorizingStreamHandler(stream=Terminal()).is_tty
    assert not ColorizingStreamHandler(stream=io.StringIO()).is_tty
    stream: Any = object()
    assert not ColorizingStreamHandler(stream=stream).is_tty
