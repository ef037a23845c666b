"""The systems that are measured, and how to run a piece of each: its producer and its workers."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ['OURS', 'RQ', 'System', 'prepare', 'prepare_venv']

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
VENVS = BENCH / '.venvs'
RQ_VERSION = '3.0.0'


@dataclass(frozen=True)
class System:
    """One job queue: its interpreter, its adapter and its worker's command line."""

    key: str
    name: str
    adapter: str
    python: Path
    worker: tuple[str, ...]
    import_path: tuple[Path, ...]

    def ask(self, url: str, verb: str, **options: Any) -> dict[str, Any]:
        """What the adapter answers; it runs in the system's own interpreter. RuntimeError if it fails."""
        command = [str(self.python), str(BENCH / 'adapters' / self.adapter), verb, json.dumps(options)]
        done = subprocess.run(command, env=self.environment(url), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'{self.name}: {verb} ended with {done.returncode}\n{done.stderr[-2000:]}')
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    @contextmanager
    def running_worker(self, url: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker as a user starts it, its output in a file; at the block's end `--burst` ends by itself, else SIGTERM."""
        with tempfile.TemporaryDirectory(prefix='rq-bench-') as folder, Path(folder, 'worker.log').open('wb') as log:
            process = subprocess.Popen(
                [*self.worker, '--url', url, *options], env=self.environment(url), cwd=folder, stdout=log, stderr=log
            )
            try:
                yield process
                self._end(process, Path(folder, 'worker.log'), '--burst' in options)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def run_burst(self, url: str, *options: str) -> None:
        """Let a worker work everything off and end."""
        with self.running_worker(url, '--burst', *options):
            pass

    def _end(self, process: subprocess.Popen[bytes], log: Path, by_itself: bool) -> None:
        if not by_itself:
            process.terminate()
        code = process.wait(timeout=60)
        if code != 0:
            raise RuntimeError(f'{self.name}: the worker ended with {code}\n{log.read_text()[-2000:]}')

    def environment(self, url: str) -> dict[str, str]:
        """What its processes run with."""
        kept = {name: value for name, value in os.environ.items() if name not in ('RQ_REDIS_URL', 'REDIS_URL')}
        path = os.pathsep.join(str(folder) for folder in (*self.import_path, BENCH / 'jobs'))
        return {**kept, 'PYTHONPATH': path, 'BENCH_REDIS_URL': url}


def _our_worker() -> tuple[str, ...]:
    script = Path(sys.executable).parent / 'rq'
    return (str(script), 'worker') if script.exists() else (sys.executable, '-m', 'rq.cli', 'worker')


OURS = System('ours', 'Packhorse', 'packhorse.py', Path(sys.executable), _our_worker(), (REPOSITORY,))
_RQ_HOME = VENVS / f'rq-{RQ_VERSION}'
RQ = System('rq', f'RQ {RQ_VERSION}', 'rq_3_0_0.py', _RQ_HOME / 'bin/python', (str(_RQ_HOME / 'bin/rq'), 'worker'), ())


def prepare(version: str = RQ_VERSION) -> Path:
    """The Python of a virtual environment with a release of RQ, and the redis-py and hiredis that we have.

    It is made if it is not there; several processes may ask at once. Raises CalledProcessError when it cannot be.
    """
    wanted = [f'rq=={version}']
    for package in ('redis', 'hiredis'):
        try:
            wanted.append(f'{package}=={metadata.version(package)}')
        except metadata.PackageNotFoundError:
            continue
    return prepare_venv(f'rq-{version}', wanted)


def prepare_venv(name: str, wanted: Sequence[str], python: str = sys.executable) -> Path:
    """The Python of the virtual environment of that name, with these packages; made if it is not there, as `prepare`."""
    home = VENVS / name
    VENVS.mkdir(parents=True, exist_ok=True)
    with (VENVS / f'{name}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = home / 'installed.txt'
        if not (stamp.exists() and stamp.read_text().split() == list(wanted)):
            subprocess.run([python, '-m', 'venv', '--clear', str(home)], check=True)
            pip = [str(home / 'bin/python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
            subprocess.run([*pip, *wanted], check=True)
            stamp.write_text('\n'.join(wanted))
    return home / 'bin/python'
