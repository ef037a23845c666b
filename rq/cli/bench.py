"""`rq bench`: what this server and this machine can do, measured in ten seconds on keys of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click

from .errors import CommandError, note
from .options import common_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rq.store.server import ServerFacts

    from .config import CliConfig

__all__ = ['bench', 'lines']

# What the jobs may take, with their results; a server that would be full with it might forget what is a user's.
ROOM = 64 << 20
RATES = (
    ('enqueue_per_s', 'enqueue'),
    ('enqueue_many_per_s', 'enqueue_many'),
    ('jobs_per_s', 'jobs run'),
)
# Past it, most of the time of `enqueue` is the way to the server and back.
FAR_MS = 1.0


@click.command()
@click.option('-n', '--workers', 'number', type=click.IntRange(1, 64), default=1, show_default=True, help='How many.')
@click.option(
    '-s', '--seconds', type=click.FloatRange(1, 300), default=10, show_default=True, help='How long to measure.'
)
@click.option('--json', 'as_json', is_flag=True, help='One line of JSON, with everything.')
@common_options
def bench(config: CliConfig, number: int, seconds: float, as_json: bool) -> None:
    """Measures what this server and this machine can do."""
    from rq.store.server import facts

    server = facts(config.quick_connection)
    if server.maxmemory and server.used + ROOM > server.maxmemory:
        raise CommandError(
            f'The server has no room for it: {server.used >> 20} of {server.maxmemory >> 20} MB are taken, and up to '
            f'{ROOM >> 20} more are needed for a few seconds'
        )
    config.quick_connection.close()
    found: dict[str, Any] = _around(server, number)
    if not as_json:
        note(f'Measuring for {seconds:g} seconds, on keys of its own ...')
    found |= _measured(config, number, seconds)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for line in lines(found):
            click.echo(line)


def _around(server: ServerFacts, number: int) -> dict[str, Any]:
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, 'getloadavg') else 0.0
    return {'server': server.name, 'aof': server.aof, 'cores': cores, 'load': round(load, 2), 'workers': number}


def _measured(config: CliConfig, number: int, seconds: float) -> dict[str, float]:
    """The figures of a process that measures. Raises CommandError with its reason where it cannot."""
    from rq.store import keys
    from rq.store.trial import NAMESPACE

    from .companion import COMMON_PARAMETERS, same_again
    from .trial import QUEUE

    command, environment = same_again(config, 'worker')
    parameters = click.get_current_context().params
    environment['RQ_KEY_PREFIX'] = keys.PREFIX + NAMESPACE
    environment.pop('RQ_ALLOW', None)  # what the trial's jobs call is harmless, and on nobody's list
    told = {
        'config': {name: parameters[name] for name in COMMON_PARAMETERS},  # the URL is in the environment
        'command': [*command, '--', QUEUE],
        'number': number,
        'seconds': seconds,
    }
    at = command.index('-m')  # as the worker is started, so the trial is
    process = [*command[:at], '-c', 'from rq.cli.trial import main; main()', json.dumps(told)]
    with subprocess.Popen(process, env=environment, stdout=subprocess.PIPE, text=True) as measuring:
        try:
            printed = measuring.communicate()[0]
        except KeyboardInterrupt:
            measuring.send_signal(signal.SIGINT)  # on a terminal it has been told already, and does not mind
            measuring.wait()  # it clears up
            raise
    found: dict[str, Any] = {}
    for line in printed.splitlines():
        found |= json.loads(line)
    if 'error' in found:
        raise CommandError(found['error'])
    if measuring.returncode:
        raise CommandError(f'The process that measures has ended with {measuring.returncode}')
    return found


def lines(found: dict[str, Any]) -> Iterator[str]:
    """What `rq bench` prints."""
    from . import chart

    kept = {True: ', append-only file', False: ', no append-only file'}.get(found['aof'], '')
    yield f'{found["server"]}{kept}; {found["cores"]} cores here, Python {sys.version.split()[0]}'
    yield ''
    yield from chart.rate_lines([(title, found[name], '/s') for name, title in RATES])
    yield ''
    yield f'round trip: {_ms(found["round_trip_ms"])}, one in a hundred {_ms(found["round_trip_p99_ms"])} or more'
    yield f'enqueue to result, by an idle worker: {_ms(found["job_ms"])}, one in a hundred {_ms(found["job_p99_ms"])} or more'
    yield from _advice(found)


def _advice(found: dict[str, Any]) -> Iterator[str]:
    workers = 'one worker' if found['workers'] == 1 else f'{found["workers"]} workers'
    cost = found['workers'] / found['jobs_per_s'] * 1e3 if found['jobs_per_s'] else 0
    yield ''
    yield f'Run by {workers}; a job that does nothing costs one {_ms(cost)}.'
    if found['round_trip_ms'] > FAR_MS:
        yield f'The server is {_ms(found["round_trip_ms"])} away: enqueue many jobs at a time (enqueue_many, map).'
    if found['load'] > found['cores']:
        yield f'This machine is busy (load {found["load"]:g}): when it is not, the figures are better.'


def _ms(value: float) -> str:
    return f'{value:.2f} ms' if value < 10 else f'{value:.0f} ms'
