"""`rq up`: a server if none answers, workers, and the dashboard; one tree of processes that ends together."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from .companion import Companion, same_again
from .errors import CommandError, ExitCode, note, tell
from .herd import Herd, HerdFailed
from .options import check_queue_names, common_options
from .server import DATA_FOLDER, server_ended, start_server
from .signals import Signals

if TYPE_CHECKING:
    from redis import Redis

    from rq.server import EmbeddedServer

    from .config import CliConfig

__all__ = ['up']

LOCAL = {'localhost': '127.0.0.1', '127.0.0.1': '127.0.0.1', '::1': '::1'}
LOADING_POLL, SUSPENDED_POLL = 0.2, 0.5
# When the server is gone nothing can be stored any more, but a job may still do what else it does.
SERVERLESS_SECONDS = 5.0
# A worker takes a second signal for its own only a second after the first; then it needs up to five seconds.
SECOND_SIGNAL_SECONDS, COLD_SECONDS = 1.1, 8.0


@click.command()
@click.argument('queues', nargs=-1, callback=check_queue_names)
@click.option('-n', '--workers', 'number', type=click.IntRange(min=1), default=1, show_default=True, help='How many.')
@click.option('--data', metavar='FOLDER', default=DATA_FOLDER, show_default=True, help='Folder in which jobs are kept.')
@click.option('--no-dashboard', is_flag=True, help='Without the dashboard.')
@common_options
def up(config: CliConfig, queues: tuple[str, ...], number: int, data: str, no_dashboard: bool) -> None:
    """Starts a server if there is none, workers and the dashboard."""
    started = _server_if_missing(config.quick_connection, data)
    words, environment = same_again(config, 'worker')
    herd, companion = Herd([*words, '--', *queues], environment, number), Companion()
    workers = '1 worker' if number == 1 else f'{number} workers'
    tell(f'Starting {workers}; Ctrl-C ends everything')
    sys.stdout.flush()
    try:
        with Signals() as signals:
            if not no_dashboard:
                companion.start(config, '--next-port')
            _Watch(config, herd, started, signals, companion).run()
    except HerdFailed as error:
        raise CommandError(str(error), ExitCode.USAGE if error.code == ExitCode.USAGE else ExitCode.FAILED) from error
    finally:
        herd.kill()
        companion.stop()
        if started is not None:
            started.stop()


def _server_if_missing(connection: Redis, data: str) -> EmbeddedServer | None:
    """A server of ours if none answers where one is expected. Raises redis-py's errors when that is not on this machine."""
    from redis.exceptions import BusyLoadingError
    from redis.exceptions import ConnectionError as RedisConnectionError

    from rq.store import admin

    while True:
        try:
            admin.is_suspended(connection)  # any question would do
        except BusyLoadingError:
            time.sleep(LOADING_POLL)
            continue
        except RedisConnectionError as error:
            where = _place(connection) if _nobody_there(error) else None
            if where is None:
                raise
            started = start_server(data, **where)
            tell(f'No server answered, so one was started; its data is in {os.path.abspath(data)}')
            return started
        tell('A server answers already; it is used, and goes on when this ends')
        return None


def _nobody_there(error: Exception) -> bool:
    return isinstance(error.__context__, ConnectionRefusedError | FileNotFoundError)


def _place(connection: Redis) -> dict[str, Any] | None:
    """Where a server of ours has to listen to be found there; None if it is another machine, or needs a certificate."""
    told = connection.connection_pool.connection_kwargs
    name = connection.connection_pool.connection_class.__name__
    if told.get('username') not in (None, '', 'default') or name not in ('Connection', 'UnixDomainSocketConnection'):
        return None
    where: dict[str, Any] = {'config': {'requirepass': told['password']} if told.get('password') else {}}
    if told.get('path'):
        return where | {'unix_socket': told['path']}
    host = LOCAL.get(told.get('host', 'localhost'))
    return where | {'host': host, 'port': int(told.get('port', 6379))} if host else None


@dataclass
class _Watch:
    """The loop that keeps everything running until it is to end, and then ends it in order."""

    config: CliConfig
    herd: Herd
    started: EmbeddedServer | None
    signals: Signals
    companion: Companion
    cold_at: float | None = None  # when workers are asked a second time, and end their jobs
    kill_at: float | None = None  # when what still runs is killed
    told_suspended: bool = False
    failure: str = ''

    def run(self) -> None:
        """Returns when all workers have ended. Raises HerdFailed; CommandError when the server has ended by itself."""
        while not self.herd.done:
            if not self.herd.stopping and self.herd.pause() == 0.0 and self._may_start():
                self.herd.start_missing()
            if self.signals.wait(self._patience()) & Signals.ENDING:
                self._end()
            self.herd.reap()
            self.companion.look()
            if self.started is not None and not self.started.running and not self.failure:
                self.failure = server_ended(self.started)
                note(self.failure, 'red')
                self.herd.stop()
                self.cold_at = time.monotonic() + SERVERLESS_SECONDS
            self._press(time.monotonic())
        if self.failure:
            raise click.exceptions.Exit(ExitCode.FAILED)

    def _end(self) -> None:
        """The first time warm, the second time cold."""
        if self.herd.stopping_since is None:
            if self.herd.alive:
                tell('Stopping: the workers finish what they run; Ctrl-C again ends them now')
            self.herd.stop()
        elif self.kill_at is None:
            self.cold_at = self.herd.stopping_since + SECOND_SIGNAL_SECONDS

    def _press(self, now: float) -> None:
        """Ends with more force what has not ended in time."""
        if self.cold_at is not None and now >= self.cold_at:
            self.herd.stop()
            self.cold_at, self.kill_at = None, now + COLD_SECONDS
        if self.kill_at is not None and now >= self.kill_at:
            self.herd.kill()

    def _patience(self) -> float | None:
        next_press = self.cold_at or self.kill_at
        if next_press is not None:
            return max(0.0, next_press - time.monotonic())
        pause = self.herd.pause()
        return SUSPENDED_POLL if pause == 0.0 else pause

    def _may_start(self) -> bool:
        """Whether workers would start. Suspended ones would not, and `rq resume` needs the server that we hold."""
        from redis.exceptions import RedisError

        from rq.store import admin

        try:
            suspended = admin.is_suspended(self.config.quick_connection)
        except RedisError:
            return True  # the worker says it better
        if suspended and not self.told_suspended:
            tell('RQ is currently suspended; the workers start after `rq resume`')
        self.told_suspended = suspended
        return not suspended
