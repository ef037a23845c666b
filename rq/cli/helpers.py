"""RQ's names for what is behind the commands: for programs that build commands of their own on them."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from rq.logutils import green, red, yellow

from .arguments import ParsingMode, parse_function_arg, parse_function_args, parse_schedule
from .config import CliConfig, get_redis_from_config, read_config_file
from .options import COMMON as shared_options

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    'CliConfig',
    'ParsingMode',
    'get_redis_from_config',
    'get_scale',
    'pad',
    'parse_function_arg',
    'parse_function_args',
    'parse_schedule',
    'pass_cli_config',
    'read_config_file',
    'refresh',
    'setup_loghandlers_from_args',
    'shared_options',
    'show_both',
    'show_queues',
    'show_workers',
    'state_symbol',
]

# How many jobs RQ's full bar stands for.
SCALES = (20, 50, 100, 200, 400, 600, 800, 1000)


def pass_cli_config(func: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the common options: it gets a CliConfig first, then every option by name, the common ones too."""

    @functools.wraps(func)
    def with_config(*args: Any, **options: Any) -> Any:
        return func(CliConfig(**options), *args, **options)

    decorated: Callable[..., Any] = with_config
    for option in shared_options:
        decorated = option(decorated)
    return decorated


def setup_loghandlers_from_args(verbose: bool, quiet: bool, date_format: str, log_format: str) -> None:
    """Sets up the log of workers: DEBUG, WARNING or INFO. Raises RuntimeError when both are asked for."""
    from rq.logutils import setup_loghandlers

    if verbose and quiet:
        raise RuntimeError('Flags --verbose and --quiet are mutually exclusive.')
    setup_loghandlers('DEBUG' if verbose else 'WARNING' if quiet else 'INFO', date_format, log_format)


def show_queues(queues: Any, raw: bool, by_queue: bool, queue_class: Any, worker_class: Any, connection: Redis) -> None:
    """Prints what `rq info --only-queues` does, of these queues, or of all."""
    _show(queues, raw, by_queue, connection, workers_too=False)


def show_workers(
    queues: Any, raw: bool, by_queue: bool, queue_class: Any, worker_class: Any, connection: Redis
) -> None:
    """Prints what `rq info --only-workers` does."""
    _show(queues, raw, by_queue, connection, queues_too=False)


def show_both(queues: Any, raw: bool, by_queue: bool, queue_class: Any, worker_class: Any, connection: Redis) -> None:
    """Prints what `rq info` does."""
    _show(queues, raw, by_queue, connection)


def _show(
    queues: Iterable[Any],
    raw: bool,
    by_queue: bool,
    connection: Redis,
    queues_too: bool = True,
    workers_too: bool = True,
) -> None:
    from rq.utils import parse_names

    from .info import lines
    from .survey import survey

    found = survey(connection, parse_names(queues or ()))
    for line in lines(found, raw, not workers_too, not queues_too, by_queue):
        click.echo(line)


def refresh(interval: float | None, func: Callable[..., Any], *args: Any) -> None:
    """Calls the function once, or, with an interval, again and again with so many seconds between, on a clear screen."""
    while True:
        if interval:
            click.clear()
        func(*args)
        if not interval:
            return
        time.sleep(interval)


def pad(s: str, pad_to_length: int) -> str:
    """The text with blanks behind it."""
    return s.ljust(pad_to_length)


def get_scale(x: int) -> int:
    """How many jobs a full bar stands for when the longest queue has `x`."""
    return next((scale for scale in SCALES if x <= scale), x)


def state_symbol(state: str) -> str:
    """The state of a worker, coloured on a terminal: busy red, idle green, suspended yellow."""
    name = str(getattr(state, 'value', state))
    paint: Callable[[Any], Any] = {'busy': red, 'idle': green, 'suspended': yellow}.get(name, str)
    return str(paint(name))
