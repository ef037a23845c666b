"""Real processes of a test: started with their output in files, ended with everything that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tests.support.waiting import wait_for

__all__ = ['Process', 'Processes']

ROOT = Path(__file__).parents[2]
# Each descendant inherits it, whatever session or group it makes for itself and whoever adopts it.
MARK = 'PACKHORSE_TEST_MARK'
# Orphans must notice that they are orphans: by a signal at once, else by the end of a pipe.
LEAVE_SECONDS = 5.0
SHOWN_BYTES = 8_000

T = TypeVar('T')


class Process:
    """A started command. `stdout` and `stderr` may be read at any time, also after its end."""

    def __init__(self, popen: subprocess.Popen[bytes], name: str, folder: Path) -> None:
        self.popen = popen
        self.name = name
        self.pid = popen.pid
        self.stdout_path = folder / 'stdout'
        self.stderr_path = folder / 'stderr'

    @property
    def stdout(self) -> str:
        return self.stdout_path.read_text(errors='replace')

    @property
    def stderr(self) -> str:
        return self.stderr_path.read_text(errors='replace')

    @property
    def output(self) -> str:
        """Standard output, then standard error."""
        return self.stdout + self.stderr

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it."""
        return self.popen.poll()

    @property
    def running(self) -> bool:
        return self.returncode is None

    def wait(self, timeout: float = 20.0) -> int:
        """The exit code; AssertionError with the output if it still runs after `timeout` seconds."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'Still running after {timeout} s: {self.report()}') from None

    def wait_for_output(self, text: str, timeout: float = 10.0) -> str:
        """The output so far, once it contains `text`; fails early if the process ends without it."""

        def arrived() -> str | None:
            running = self.running  # before reading: what it printed last is then in the file
            output = self.output
            if text in output:
                return output
            assert running, f'Ended without {text!r}: {self.report()}'
            return None

        found = wait_for(arrived, timeout, lambda: f'{text!r} in the output of {self.report()}')
        assert found is not None
        return found

    def send_signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def terminate(self) -> None:
        self.popen.terminate()

    def interrupt(self) -> None:
        """What Ctrl-C does in a terminal: SIGINT to the whole foreground group."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill this one process (not its children) and wait for its end."""
        self.popen.kill()
        self.popen.wait()

    def children(self) -> list[psutil.Process]:
        """Its living descendants."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def report(self) -> str:
        """Its name, its state and the end of what it printed."""
        state = 'running' if self.running else f'exit code {self.returncode}'
        parts = [f'{self.name} (pid {self.pid}, {state})']
        for title, text in (('stdout', self.stdout), ('stderr', self.stderr)):
            if text:
                parts.append(f'--- {title} ---\n{text[-SHOWN_BYTES:]}')
        return '\n'.join(parts)


class Processes:
    """Starts commands for one test and leaves none behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Process] = []
        self.mark = uuid.uuid4().hex

    def start(
        self,
        *command: str | os.PathLike[str],
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        name: str | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> Process:
        """The running command, as leader of its own process group, in `cwd` (else a folder of the test).

        `env` is added to the environment; None removes a variable.
        """
        name = name or Path(command[0]).name
        folder = self.folder / f'{len(self.started):02d}-{name}'
        folder.mkdir(parents=True)
        with open(folder / 'stdout', 'wb') as stdout, open(folder / 'stderr', 'wb') as stderr:
            popen = subprocess.Popen(
                [os.fspath(part) for part in command],
                cwd=cwd or self.folder,
                env=self._environment(env or {}),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                process_group=0,
            )
        process = Process(popen, name, folder)
        self.started.append(process)
        return process

    def python(self, *arguments: str | os.PathLike[str], **options: Any) -> Process:
        """The Python that runs the tests, with `arguments`; options as for `start`."""
        return self.start(sys.executable, *arguments, **options)

    def rq(self, *arguments: str, url: str | None = None, **options: Any) -> Process:
        """The command `rq <arguments>`; with `url` as RQ_REDIS_URL; other options as for `start`."""
        env = dict(options.pop('env', None) or {})
        if url is not None:
            env['RQ_REDIS_URL'] = url
        options.setdefault('name', f'rq-{arguments[0]}' if arguments else 'rq')
        # -P: `python -m` would put the current folder on the path, which the installed script does not.
        return self.python('-P', '-m', 'rq.cli', *arguments, env=env, **options)

    def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0, message: str = '') -> T:
        """As `tests.support.waiting.wait_for`; the failure shows what every process has printed."""
        return wait_for(predicate, timeout, lambda: f'{message}\n{self.report()}')

    def left(self) -> list[psutil.Process]:
        """The living processes of this test: the started ones and all that descend from them."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue  # gone, or another user's
        return found

    def report(self) -> str:
        """The report of every started process."""
        return '\n'.join(process.report() for process in self.started)

    def end(self, patience: float = LEAVE_SECONDS) -> None:
        """Kill what was started; AssertionError if a descendant survives that for longer than `patience` seconds."""
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # gone already; macOS answers EPERM for a group of zombies
            process.popen.wait()
            if process.popen.stdin is not None:
                process.popen.stdin.close()
        if not self.started:
            return
        try:
            wait_for(lambda: not self.left(), patience, interval=0.02)
        except AssertionError:
            lines = [_killed(process) for process in self.left()]
            raise AssertionError('\n'.join(['Left running by the test:', *lines, self.report()])) from None

    def _environment(self, extra: Mapping[str, str | None]) -> dict[str, str]:
        merged: dict[str, str | None] = {**os.environ, MARK: self.mark}
        # pytest's own variables would make a child believe that it is a worker of xdist.
        for variable in [key for key in merged if key.startswith('PYTEST_')]:
            merged[variable] = None
        merged |= {'RQ_REDIS_URL': None, 'REDIS_URL': None}
        paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
        merged['PYTHONPATH'] = os.pathsep.join(path for path in paths if path)
        merged.update(extra)
        return {key: value for key, value in merged.items() if value is not None}


def _killed(process: psutil.Process) -> str:
    """What the process was, once it has been killed."""
    try:
        line = ' '.join([str(process.pid), *process.cmdline()])
        process.kill()
    except psutil.NoSuchProcess:
        line = f'{process.pid} (has just ended)'
    return line
