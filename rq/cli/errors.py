"""Every way a command can end: the exit codes, and each error said in one clean line on standard error.

`docs/commands.md` has the table of the codes. No command shows a traceback unless RQ_TRACEBACK is set.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import IO, Any

import click

__all__ = ['CommandError', 'ExitCode', 'explain', 'note', 'plain_errors', 'tell']


class ExitCode(IntEnum):
    """What the shell is told."""

    DONE = 0
    FAILED = 1  # the server, a file, the settings: outside of the command line
    USAGE = 2  # the command line; click's code
    PARTLY = 3  # some of what was named does not exist; the rest was done
    INTERRUPTED = 130  # Ctrl-C before there was anything to stop in good order; 128 + SIGINT, as shells say it


class CommandError(click.ClickException):
    """Ends a command with one line on standard error and an exit code."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it for the class and reads it from here

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the line: without click's `Error: `, since most of them begin with redis-py's own `Error 111`."""
        note(self.message, 'red')


def note(text: str, color: str | None = None) -> None:
    """Prints a line to standard error, coloured on a terminal."""
    plain = color is None or bool(os.environ.get('NO_COLOR')) or not sys.stderr.isatty()
    tell(text if plain else click.style(text, fg=color), err=True)


def tell(text: str, err: bool = False) -> None:
    """Prints a line for who may still be there: when the terminal has been closed, what is being done goes on."""
    try:
        click.echo(text, err=err)
    except OSError:
        pass


def plain_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, whose errors are said in a line. Wraps every command once, outermost."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise  # click says the first two, and is silent when the reader of a pipe is gone
        except (KeyboardInterrupt, click.Abort):
            raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:
            if os.environ.get('RQ_TRACEBACK'):
                raise
            raise explain(error) from error

    return wrapped


def explain(error: Exception) -> CommandError:
    """The line for an error of Redis, of this package, of the system; for any other its type and its words."""
    from redis import exceptions as redis

    from rq.exceptions import RQError

    words = str(error).strip() or type(error).__name__
    if isinstance(error, redis.AuthenticationError):
        return CommandError(_authentication(words))
    if isinstance(error, redis.TimeoutError):
        return CommandError(f'The server does not answer: {words}')
    if isinstance(error, redis.BusyLoadingError):
        return CommandError(f'The server is still loading its data: {words}')
    if isinstance(error, redis.InvalidResponse):
        return CommandError(f'What answers there is no Redis: {words}')
    if isinstance(error, redis.ConnectionError):
        return CommandError(words)  # `Error 111 connecting to localhost:6379. Connection refused.`
    if isinstance(error, redis.RedisError):
        return CommandError(f'The server refuses: {words}')
    if isinstance(error, RQError | OSError):
        return CommandError(words)
    first_line = words.splitlines()[0]
    return CommandError(f'{type(error).__name__}: {first_line} (RQ_TRACEBACK=1 shows where)')


def _authentication(words: str) -> str:
    # What a server without a login answers to the first command depends on the version of redis-py.
    if words.startswith(('HELLO must be called', 'Authentication required', 'NOAUTH')):
        return 'The server asks for a password: put it in the URL, as in redis://:PASSWORD@localhost:6379'
    return f'The server does not accept the name or the password: {words}'
