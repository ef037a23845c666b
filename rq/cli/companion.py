"""A dashboard in a process of its own, beside the workers of `rq up` or `rq worker --with-dashboard`; it ends with them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from .dashboard import MISSING, installed
from .errors import note, tell

if TYPE_CHECKING:
    from .config import CliConfig

__all__ = ['Companion', 'same_again']

# The common options that a process of ours is to have too. The URL is handed on in the environment.
COMMON_PARAMETERS = ('config', 'worker_class', 'job_class', 'queue_class', 'connection_class', 'path', 'serializer')
# Seconds for the answers that are being given; then it is killed.
END_SECONDS = 3


def same_again(config: CliConfig, command: str) -> tuple[list[str], dict[str, str]]:
    """The command line of another command with our common options, and its environment, which has the URL.

    Others see command lines, and passwords in them.
    """
    # Without -P the folder of `python -m` comes first on the path of the other too, as it does on ours.
    safe = [] if sys.path[0] in ('', os.getcwd()) else ['-P']
    context = click.get_current_context()
    words = [sys.executable, *safe, '-m', 'rq.cli', command]
    for parameter in COMMON_PARAMETERS:
        # What was typed is repeated; what is in the environment, they find there.
        if context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE:
            value = context.params[parameter]
            for one in value if isinstance(value, tuple) else (value,):
                words += [f'--{parameter.replace("_", "-")}', one]
    environment = dict(os.environ)
    if config.url:
        environment['RQ_REDIS_URL'] = config.url
    return words, environment


class Companion:
    """The process. Nothing that happens to it is more than a line to its starter; it notices its starter's end itself."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1

    def start(self, config: CliConfig, *options: str) -> None:
        """Starts it; says in a line why it cannot."""
        if not installed():
            tell(MISSING)
            return
        words, environment = same_again(config, 'dashboard')
        theirs, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*words, *options, '--lifeline', str(theirs)],
                env=environment,
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for us: what still runs can be looked at until it has ended
                pass_fds=(theirs,),
            )
        except OSError as error:
            note(f'The dashboard cannot be started: {error}', 'red')
        finally:
            os.close(theirs)

    def look(self) -> None:
        """Says so, once, when it has ended."""
        if self._process is not None and self._process.poll() is not None:
            note(f'The dashboard has ended (code {self._process.returncode}); the workers go on', 'red')
            self._close()

    def stop(self) -> None:
        """Ends it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        self._process = None
        os.close(self._lifeline)
