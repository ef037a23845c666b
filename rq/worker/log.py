"""Log lines of jobs, cheap: kept on the board while a pack runs, written in one go; in the order of the jobs' own output.

Used only while the sole handler is the one that rq installed and it writes to no terminal; else every line goes through
`logging` as it comes (14 us a line). Lines are written before a job's first own output, when the job has run for
100 ms, at the end of its pack, and by the supervisor when the horse dies.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .board import Board

__all__ = ['JobLog', 'write_all']


def write_all(fd: int, text: bytes) -> None:
    """Writes a text to a file descriptor; a reader that is gone or a full disk loses the text and nothing else."""
    try:
        while text:
            text = text[os.write(fd, text) :]
    except OSError:
        pass


class _Output:
    """Standard output as a job sees it: the first write of a job writes the log lines before it."""

    def __init__(self, stream: Any, log: JobLog) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        log = self._log
        if log.pending:
            log.flush()
        log.dirty = True
        written: int = self._stream.write(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class JobLog:
    """The lines of one horse."""

    def __init__(self, logger: logging.Logger, board: Board | None) -> None:
        self.logger = logger
        self.board = board
        self.fd = _plain_fd(logger) if board is not None else -1
        self.pending = False
        self.dirty = False  # a job wrote something that may still be in Python's buffer
        self.fast = self.fd >= 0 and logger.isEnabledFor(logging.INFO) and not logger.isEnabledFor(logging.DEBUG)
        self._format = _line_format(logger) if self.fast else None
        self.fast = self.fast and self._format is not None
        self.silent = not logger.isEnabledFor(logging.INFO)
        self._second = 0
        self._stamp = ''

    def wrap_output(self) -> None:
        """Lets the jobs' output come after the log lines before it."""
        if self.fast:
            sys.stdout = _Output(sys.stdout, self)
            sys.stderr = _Output(sys.stderr, self)

    def info(self, line: str) -> None:
        """One line."""
        if self.silent:
            return
        if not self.fast or self.board is None:
            self.settle_output()
            self.logger.info(line)
            return
        if self.dirty:
            self.settle_output()
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._stamp = self._format % time.strftime(self._date_format, time.localtime(now))  # type: ignore[operator]
        text = f'{self._stamp}{line}\n'.encode('utf-8', 'backslashreplace')
        if not self.board.add_log(text):
            self.flush()
            if not self.board.add_log(text):
                write_all(self.fd, text)
                return
        self.pending = True

    @property
    def _date_format(self) -> str:
        formatter = self.logger.handlers[0].formatter
        return (formatter.datefmt if formatter is not None else None) or '%H:%M:%S'

    def error(self, line: str) -> None:
        """One line that must be seen, after all before it."""
        self.flush()
        self.settle_output()
        self.logger.error(line)

    def flush(self) -> None:
        """Writes the lines that are kept."""
        self.pending = False
        if self.board is not None and self.fast:
            write_all(self.fd, self.board.take_log())

    def settle_output(self) -> None:
        """Lets what a job printed leave Python's buffers, before the next line."""
        if not self.dirty:
            return
        self.dirty = False
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # the reader is gone, or the job closed it: not the worker's trouble
                pass


def _plain_fd(logger: logging.Logger) -> int:
    """The file descriptor of the one handler that takes this logger's lines, if rq installed it and it is no terminal."""
    if logger.propagate:
        return -1
    found = [handler for handler in logger.handlers if handler.level <= logging.INFO]
    takers = [handler for handler in found if _takes_info(handler)]
    if len(takers) != 1 or not type(takers[0]).__module__.startswith('rq.'):
        return -1
    stream = getattr(takers[0], 'stream', None)
    try:
        fd = int(stream.fileno()) if stream is not None else -1
        return -1 if fd < 0 or os.isatty(fd) else fd
    except (OSError, ValueError, AttributeError):
        return -1


def _takes_info(handler: logging.Handler) -> bool:
    record = logging.LogRecord('rq', logging.INFO, '', 0, '', (), None)
    return handler.level <= logging.INFO and bool(handler.filter(record))


def _line_format(logger: logging.Logger) -> str | None:
    """What stands before a line, with %s for the time; None for a format that needs more than the time."""
    formatter = logger.handlers[0].formatter
    style = getattr(formatter, '_fmt', None)
    if style == '%(asctime)s %(message)s' and type(formatter) is logging.Formatter:
        return '%s '
    return '' if style == '%(message)s' else None
