"""What `rq enqueue` is told in words: the arguments of a function, and the time at which it is to be queued."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import click

from rq.utils import now, parse_timeout

__all__ = ['ParsingMode', 'parse_function_arg', 'parse_function_args', 'parse_schedule']

SCHEDULE_FORMAT = '%Y-%m-%dT%H:%M:%S'
LITERALS = 'https://docs.python.org/3/library/ast.html#ast.literal_eval'


class ParsingMode(Enum):
    """How the words of an argument become a value."""

    PLAIN_TEXT = 0
    JSON = 1
    LITERAL_EVAL = 2


MARKS = {':': ParsingMode.JSON, '%': ParsingMode.LITERAL_EVAL}


def parse_function_arg(argument: str, arg_pos: int) -> tuple[str | None, Any]:
    """Keyword (None for a positional argument) and value of `text`, `key=text`, `:json`, `key:=json`, `%literal`.

    `@file` in the place of the value: what is in the file. `arg_pos` names it in errors. Raises click's BadParameter
    for a value that is none, FileError for a file that cannot be read.
    """
    keyword, mode, words = _taken_apart(argument)
    if words.startswith('@'):
        words = _file(words[1:])
    if mode is ParsingMode.PLAIN_TEXT:
        return keyword, words
    who = f'{arg_pos}. non keyword argument' if keyword is None else keyword
    if mode is ParsingMode.JSON:
        return keyword, _json(words, who)
    return keyword, _literal(words, who)


def parse_function_args(arguments: Iterable[str]) -> tuple[list[Any], dict[str, Any]]:
    """The positional and the keyword arguments that the words stand for. Raises as `parse_function_arg`."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for argument in arguments:
        keyword, value = parse_function_arg(argument, len(args) + 1)
        if keyword is None:
            args.append(value)
        elif keyword in kwargs:
            raise click.BadParameter(f"You can't specify multiple values for the same keyword: {keyword}")
        else:
            kwargs[keyword] = value
    return args, kwargs


def parse_schedule(schedule_in: str | None, schedule_at: str | None) -> datetime | None:
    """The time that is meant: aware for `schedule_in` ('10s', '5m'), naive and local for `schedule_at`; None without.

    Raises TimeoutFormatError and ValueError for what is no time, click's BadArgumentUsage for both at once.
    """
    if schedule_in is not None and schedule_at is not None:
        raise click.BadArgumentUsage("You can't specify both --schedule-in and --schedule-at")
    if schedule_in is not None:
        return now() + timedelta(seconds=parse_timeout(schedule_in) or 0)
    if schedule_at is not None:
        return datetime.strptime(schedule_at, SCHEDULE_FORMAT)  # noqa: DTZ007 - local: the day's own offset is found later
    return None


def _taken_apart(argument: str) -> tuple[str | None, ParsingMode, str]:
    """Keyword, mode and the words of the value. A mark at the very beginning means a value without a keyword.

    As in RQ, one that is in the keyword before, as in `a::=1`, is a part of it like the last one.
    """
    if argument[:1] in MARKS:
        return None, MARKS[argument[0]], argument[1:]
    before, equals, after = argument.partition('=')
    if not equals or not before:
        return None, ParsingMode.PLAIN_TEXT, argument
    if before[-1] in MARKS and before[-1] not in before[:-1]:
        return before[:-1], MARKS[before[-1]], after
    return before, ParsingMode.PLAIN_TEXT, after


def _json(words: str, who: str) -> Any:
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        raise click.BadParameter(f'Unable to parse {who} as JSON.') from None


def _literal(words: str, who: str) -> Any:
    try:
        return ast.literal_eval(words)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise click.BadParameter(f'Unable to eval {who} as Python object. See {LITERALS}') from None


def _file(name: str) -> str:
    try:
        with open(name, encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        raise click.FileError(name, 'Not found') from None
    except OSError as error:
        raise click.FileError(name, error.strerror or str(error)) from None
    except ValueError as error:  # no text, or a name that no file can have
        raise click.FileError(name, str(error)) from None
