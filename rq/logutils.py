"""How a worker's log lines reach the terminal: which stream, and which colour.

Colours are used on a terminal only, and never when the variable NO_COLOR is set (https://no-color.org).
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from typing import Any, ClassVar, TextIO

from .defaults import DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT

__all__ = [
    'ColorizingStreamHandler',
    'blue',
    'green',
    'harmless',
    'make_colorizer',
    'red',
    'setup_loghandlers',
    'yellow',
]

_CODES = {'red': '\x1b[31m', 'green': '\x1b[32m', 'yellow': '\x1b[33m', 'blue': '\x1b[34m'}
_RESET = '\x1b[39;49;00m'

# The last stream that was asked, and its answer: workers colour several words a job, and asking costs a system call.
_asked: tuple[Any, bool] = (None, False)


def _wants_colour(stream: Any) -> bool:
    global _asked
    if _asked[0] is not stream:
        isatty = getattr(stream, 'isatty', None)
        _asked = (stream, bool(isatty and isatty()) and not os.environ.get('NO_COLOR'))
    return _asked[1]


def make_colorizer(color: str) -> Callable[[Any], Any]:
    """A function that colours a text for standard output; raises KeyError for a colour that is not known."""
    code = _CODES[color]

    def colorize(text: Any) -> Any:
        return f'{code}{text}{_RESET}' if _wants_colour(sys.stdout) else text

    return colorize


red = make_colorizer('red')
green = make_colorizer('green')
yellow = make_colorizer('yellow')
blue = make_colorizer('blue')


# What moves a cursor, rings, or turns the direction of writing; of ESC all that is not a colour.
_STEERING = re.compile(
    '\x1b(?!\\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]'
)
_LINES = re.compile(f'{_STEERING.pattern}|\n')


def harmless(text: str, one_line: bool = False) -> str:
    """The text with what steers a terminal escaped: parts of it may come from Redis. `one_line`: line breaks, too."""
    if text.isprintable():
        return text
    return (_LINES if one_line else _STEERING).sub(lambda found: repr(found[0])[1:-1], text)


class ColorizingStreamHandler(logging.StreamHandler[TextIO]):
    """A stream handler that shows warnings in yellow and errors in red on a terminal.

    `exclude` is a function of a record; lines for which it is true stay as they are.
    """

    levels: ClassVar[dict[int, str]] = {logging.WARNING: 'yellow', logging.ERROR: 'red', logging.CRITICAL: 'red'}

    def __init__(self, exclude: Callable[[logging.LogRecord], bool] | None = None, *args: Any, **kwargs: Any) -> None:
        self.exclude = exclude
        super().__init__(*args, **kwargs)

    @property
    def is_tty(self) -> bool:
        """Whether the stream is a terminal."""
        isatty = getattr(self.stream, 'isatty', None)
        return bool(isatty and isatty())

    def format(self, record: logging.LogRecord) -> str:
        """The line, the first one of a message with several coloured: tracebacks are read better plain."""
        message = harmless(super().format(record))
        color = self.levels.get(record.levelno)
        if color is None or not _wants_colour(self.stream) or (self.exclude is not None and self.exclude(record)):
            return message
        first, newline, rest = message.partition('\n')
        return f'{_CODES[color]}{first}{_RESET}{newline}{rest}'


def setup_loghandlers(
    level: int | str | None = None,
    date_format: str = DEFAULT_LOGGING_DATE_FORMAT,
    log_format: str = DEFAULT_LOGGING_FORMAT,
    name: str = 'rq.worker',
) -> None:
    """Have a logger write below ERROR to standard output and the rest to standard error, unless it is handled already.

    Handled means that the logger, or one above it that its records reach, has a handler: the application's own set-up
    wins. A logger that gets our handlers stops passing records up, so that no line is seen twice. `level` is a number
    or a name in any case, None leaves it as it is; raises ValueError for a name that logging does not know.
    """
    logger = logging.getLogger(name)
    if level is not None:
        logger.setLevel(level.upper() if isinstance(level, str) else level)
    if logger.hasHandlers():
        return
    formatter = logging.Formatter(fmt=log_format, datefmt=date_format)
    for stream, wanted in ((sys.stdout, _is_below_error), (sys.stderr, _is_error)):
        handler = ColorizingStreamHandler(stream=stream)
        handler.setFormatter(formatter)
        handler.addFilter(wanted)
        logger.addHandler(handler)
    logger.propagate = False


def _is_below_error(record: logging.LogRecord) -> bool:
    return record.levelno < logging.ERROR


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
