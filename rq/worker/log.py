"""Log lines of jobs, cheap: kept on the board while a pack runs, written in one go; in the order of the jobs' own output.

Used only while the sole handler is the one that rq installed and it writes to no terminal; else every line goes through
`logging` as it comes (14 us a line). Lines are written before a job's first own output, when the job has run for
100 ms, at the end of its pack, and by the supervisor when the horse dies. What a child process or C code of a job
writes cannot be seen coming: so a queue's lines wait only once many of its jobs in a row were too short for that.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

from rq.logutils import ColorizingStreamHandler, harmless

if TYPE_CHECKING:
    from .board import Board

__all__ = ['JobLog', 'plain_fd', 'write_all']

# A pipe that does not block and is full is given so many seconds before its lines are dropped.
PATIENCE = 1.0


def write_all(fd: int, text: bytes, patience: float | None = None) -> None:
    """Writes a text to a file descriptor; a reader that is gone or a full disk loses the text and nothing else.

    With `patience` one who does not read costs at most so many seconds, and the rest of the text: a supervisor has
    other duties than to wait for a terminal that somebody holds with Ctrl-S.
    """
    while text:
        if patience is not None and not _takes_more(fd, patience):
            return
        try:
            text = text[os.write(fd, text if patience is None else text[: select.PIPE_BUF]) :]
        except BlockingIOError:
            if not _takes_more(fd, PATIENCE):
                return
        except OSError:
            return


def _takes_more(fd: int, seconds: float) -> bool:
    """Whether a pipe takes PIPE_BUF bytes without blocking, or will within so many seconds. Files always do."""
    if fd < 0:
        return False
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(seconds * 1000))


class _Output:
    """Standard output as a job sees it: the first write of a job writes the log lines before it.

    A reader that is gone or a full disk is no error here: a job must not fail for what it says.
    """

    def __init__(self, stream: Any, log: JobLog) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        log = self._log
        if log.pending:
            log.flush()
        log.dirty = True
        try:
            written: int = self._stream.write(text)
        except OSError:
            return len(text)
        return written

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            pass

    def close(self) -> None:
        self.flush()  # it is not the job's alone

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):  # somebody copies it
            raise AttributeError(name)
        # Its file descriptor or its buffer, perhaps: what is written there is not seen here.
        log = self._log
        if log.pending:
            log.flush()
        log.dirty = True
        return getattr(self._stream, name)


class JobLog:
    """The lines of one horse, or of a SimpleWorker (without a board: through `logging`)."""

    def __init__(self, logger: logging.Logger, board: Board | None) -> None:
        self.logger = logger
        self.board = board
        self.pending = False
        self.dirty = False  # a job wrote something that may still be in Python's buffer
        self.eager = True  # this job's first line does not wait
        self._disabled = logger.disabled
        self._streams: tuple[Any, Any] | None = None
        self._look()

    def _look(self) -> None:
        """How lines are written from now on; a job's module may set up logging as well."""
        self._enable()
        logger = self.logger
        self._seen = (logger.handlers[:], logger.level, logger.filters[:], logger.propagate)
        self._handler = _sole_handler(logger)
        self.fd = plain_fd(logger) if self.board is not None else -1
        self.silent = not logger.isEnabledFor(logging.INFO)
        debugging = logger.isEnabledFor(logging.DEBUG)  # then others write to the same handler
        self.fast = self.fd >= 0 and not self.silent and not debugging and _only_time(self._handler)
        self._encoding = (getattr(self._handler.stream, 'encoding', None) or 'utf-8') if self.fast else 'utf-8'
        self._second = 0
        self._stamp = ''

    def wrap_output(self) -> None:
        """Lets the jobs' output come after the log lines before it."""
        if sys.stdout is not None:  # closed before Python began
            sys.stdout = _Output(sys.stdout, self)
        if sys.stderr is not None:
            sys.stderr = _Output(sys.stderr, self)
        self._streams = (sys.stdout, sys.stderr)
        os.register_at_fork(before=self._fork)

    def _fork(self) -> None:
        # Else the child, too, would write what waits here.
        if self.pending:
            self.flush()
        self.settle_output()

    def info(self, line: str) -> None:
        """One line."""
        if self.dirty:
            self.settle_output()
        if self.silent:
            return
        if not line.isprintable():  # ids and names come from Redis
            line = harmless(line, one_line=True)
        if not self.fast:
            self._enable()
            self.logger.info(line)
            return
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._stamp = _stamp(self._handler.formatter, now)
        text = f'{self._stamp}{line}\n'.encode(self._encoding, 'backslashreplace')
        board: Any = self.board
        if not board.add_log(text):
            self.flush()
            if not board.add_log(text):
                write_all(self.fd, text)
                return
        self.pending = True

    def ended(self) -> None:
        """The job has ended: what it did to the standard streams is undone."""
        streams = self._streams
        if streams is None:
            return
        if sys.stdout is not streams[0] or sys.stderr is not streams[1]:
            self.dirty = True
            sys.stdout, sys.stderr = streams
        if not self.fast:
            self.settle_output()

    def error(self, line: str) -> None:
        """One line that must be seen, after all before it."""
        self.flush()
        self.settle_output()
        self._enable()
        self.logger.error(line)

    def flush(self) -> None:
        """Writes the lines that are kept."""
        self.pending = False
        if self.board is not None:
            write_all(self.fd, self.board.take_log())
        self.dirty = True  # who has kept the stream from before we wrapped it writes past us
        logger = self.logger
        if self._seen != (logger.handlers, logger.level, logger.filters, logger.propagate):
            self._look()

    def settle_output(self) -> None:
        """Lets what a job printed leave Python's buffers, before the next line."""
        if not self.dirty:
            return
        self.dirty = False
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):  # the reader is gone, or the job closed or replaced it
                pass

    def _enable(self) -> None:
        # `logging.config` disables the loggers that it does not know: a job's module would silence the worker.
        if self.logger.disabled and not self._disabled:
            self.logger.disabled = False


def _sole_handler(logger: logging.Logger) -> Any:
    """The one handler that takes this logger's INFO lines, if rq installed it and nobody changed it; else None."""
    if logger.propagate or logger.filters or logger.disabled:
        return None
    takers = [handler for handler in logger.handlers if _takes_info(handler)]
    if len(takers) != 1 or type(takers[0]) is not ColorizingStreamHandler or len(takers[0].filters) != 1:
        return None
    return takers[0]


def plain_fd(logger: logging.Logger) -> int:
    """The file descriptor of the one handler that takes this logger's lines, if rq installed it and it is no terminal."""
    handler = _sole_handler(logger)
    try:
        fd = -1 if handler is None else int(handler.stream.fileno())
        return -1 if fd < 0 or os.isatty(fd) else fd
    except (OSError, ValueError, AttributeError):
        return -1


def _takes_info(handler: logging.Handler) -> bool:
    record = logging.LogRecord('rq', logging.INFO, '', 0, '', (), None)
    return handler.level <= logging.INFO and bool(handler.filter(record))


def _only_time(handler: Any) -> bool:
    """Whether what stands before a line depends on nothing but the second in which it is written."""
    formatter = handler.formatter
    if type(formatter) is not logging.Formatter or type(formatter._style) is not logging.PercentStyle:
        return False
    return formatter._fmt == '%(message)s' or (formatter._fmt == '%(asctime)s %(message)s' and bool(formatter.datefmt))


def _stamp(formatter: logging.Formatter, second: int) -> str:
    if formatter._fmt == '%(message)s':
        return ''
    record = logging.LogRecord('rq', logging.INFO, '', 0, '', (), None)
    record.created = second
    return f'{formatter.formatTime(record, formatter.datefmt)} '
