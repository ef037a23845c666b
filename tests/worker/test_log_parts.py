"""The parts of the log of jobs, one by one: the lines on the board, and who writes them to a slow reader."""

from __future__ import annotations

import copy
import logging
import logging.config
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from rq.defaults import DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT
from rq.logutils import ColorizingStreamHandler, setup_loghandlers
from rq.worker.board import Board
from rq.worker.log import JobLog, plain_fd, write_all


@pytest.fixture
def board() -> Iterator[Board]:
    one = Board(['default'])
    yield one
    one.close()


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    name = f'rq.test.{request.node.name}'
    one = logging.getLogger(name)
    yield one
    one.handlers.clear()
    one.filters.clear()


@pytest.fixture
def file(logger: logging.Logger, tmp_path: Path) -> Iterator[Path]:
    """The file that takes what the logger, as rq sets it up, writes."""
    logger.propagate = False  # pytest's handlers above it would be enough for it
    with open(tmp_path / 'log', 'w', encoding='utf-8') as stream, redirect_stdout(stream), redirect_stderr(stream):
        setup_loghandlers('INFO', DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT, logger.name)
        yield tmp_path / 'log'


def cheap(logger: logging.Logger, board: Board) -> JobLog:
    for handler in [handler for handler in logger.handlers if type(handler) is not ColorizingStreamHandler]:
        logger.removeHandler(handler)  # pytest's
    log = JobLog(logger, board)
    assert log.fast and plain_fd(logger) == log.fd
    return log


def test_lines_wait_on_the_board_until_they_are_flushed(logger: logging.Logger, board: Board, file: Path) -> None:
    log = cheap(logger, board)
    log.info('one')
    log.info('two')
    assert file.read_text() == '' and log.pending
    log.flush()
    assert [line[9:] for line in file.read_text().splitlines()] == ['one', 'two']


def test_an_error_comes_behind_the_lines_before_it(logger: logging.Logger, board: Board, file: Path) -> None:
    log = cheap(logger, board)
    log.info('one')
    log.error('two')
    log.info('three')
    log.flush()
    assert [line[9:] for line in file.read_text().splitlines()] == ['one', 'two', 'three']


def test_lines_longer_than_the_board_are_written_whole_and_in_order(
    logger: logging.Logger, board: Board, file: Path
) -> None:
    log = cheap(logger, board)
    lines = ['short', 'x' * 200_000, 'y' * 200_000, 'z' * 1_000_000, 'short again']
    for line in lines:
        log.info(line)
    log.flush()
    assert [line[9:] for line in file.read_text().splitlines()] == lines


def no_filter(record: logging.LogRecord) -> bool:
    return True


@pytest.mark.parametrize('change', [
    'a handler', 'a filter', 'a filter of the handler', 'propagate', 'debug', 'a formatter', 'no board', 'a class',
])  # fmt: skip
def test_the_cheap_way_is_taken_only_where_it_makes_no_difference(
    logger: logging.Logger, board: Board, file: Path, change: str
) -> None:
    cheap(logger, board)
    match change:
        case 'a handler':
            logger.addHandler(logging.StreamHandler())
        case 'a filter':
            logger.addFilter(no_filter)
        case 'a filter of the handler':
            logger.handlers[0].addFilter(no_filter)
        case 'propagate':
            logger.propagate = True
        case 'debug':
            logger.setLevel(logging.DEBUG)
        case 'a formatter':
            logger.handlers[0].setFormatter(type('Mine', (logging.Formatter,), {})('%(asctime)s %(message)s', '%H'))
        case 'a class':
            logger.handlers[0].__class__ = type('Mine', (type(logger.handlers[0]),), {})
    log = JobLog(logger, None if change == 'no board' else board)
    assert not log.fast
    log.info('one')
    assert 'one' in file.read_text()


def test_a_logger_that_was_silent_stays_so(logger: logging.Logger, board: Board, file: Path) -> None:
    logger.disabled = True
    log = JobLog(logger, board)
    log.info('one')
    log.error('two')
    log.flush()
    logger.disabled = False
    assert file.read_text() == ''


def test_the_level_may_change_while_the_horse_lives(logger: logging.Logger, board: Board, file: Path) -> None:
    log = cheap(logger, board)
    logger.setLevel(logging.WARNING)
    log.info('the last')
    log.flush()
    log.info('not this')
    logger.setLevel(logging.INFO)
    log.flush()
    log.info('again')
    log.flush()
    assert [line[9:] for line in file.read_text().splitlines()] == ['the last', 'again']


def test_writing_waits_for_a_slow_reader_of_a_pipe_that_does_not_block() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    text = os.urandom(1_000_000)
    found = bytearray()

    def reader() -> None:
        while more := os.read(read, 65536):
            found.extend(more)

    thread = threading.Thread(target=reader)
    thread.start()
    write_all(write, text)
    os.close(write)
    thread.join(10)
    os.close(read)
    assert bytes(found) == text


def test_writing_gives_up_where_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('rq.worker.log.PATIENCE', 0.02)
    read, write = os.pipe()
    os.set_blocking(write, False)
    write_all(write, bytes(10_000_000))
    os.close(read)
    write_all(write, b'gone')
    os.close(write)
    write_all(write, b'closed')
    write_all(-1, b'nowhere')


def test_a_reader_who_does_not_read_costs_no_more_than_the_patience_for_it(tmp_path: Path) -> None:
    read, write = os.pipe()  # one that blocks
    began = time.monotonic()
    write_all(write, bytes(10_000_000), patience=0.05)
    assert 0.05 <= time.monotonic() - began < 1
    os.set_blocking(read, False)
    assert len(os.read(read, 1_000_000)) >= 4096
    os.close(read)
    os.close(write)
    write_all(write, b'closed', patience=0.05)
    with open(tmp_path / 'file', 'wb') as file:
        write_all(file.fileno(), bytes(1_000_000), patience=0.0)
    assert (tmp_path / 'file').stat().st_size == 1_000_000


def test_standard_output_as_a_job_sees_it_is_still_standard_output(
    logger: logging.Logger, board: Board, file: Path
) -> None:
    log = JobLog(logger, board)
    with open(file, 'a', encoding='utf-8') as stream, redirect_stdout(stream), redirect_stderr(stream):
        log.wrap_output()
        output: Any = sys.stdout
        print('printed')
        output.write('written\n')
        output.close()
        print('not closed')
        assert output.fileno() == stream.fileno() and output.encoding == 'utf-8' and not output.isatty()
        with pytest.raises(AttributeError):
            _ = output.no_such_thing
        with pytest.raises((AttributeError, TypeError)):
            copy.deepcopy(output)
    assert file.read_text() == 'printed\nwritten\nnot closed\n'
