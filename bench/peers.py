"""Every job queue that `make bench-all` measures: its pinned packages, its interpreter, its producer and its worker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from bench.systems import BENCH, REPOSITORY, RQ_VERSION, prepare, prepare_venv

__all__ = ['PEERS', 'Missing', 'Peer', 'Worker']

# A worker that takes longer to end is killed: TaskIQ's may wait for ever.
LEAVE_SECONDS = 10


class Missing(Exception):
    """A peer that cannot be measured here, and why."""


@dataclass(frozen=True)
class Worker:
    """A running worker: its process, and the file that has a byte for each job that ran."""

    process: subprocess.Popen[bytes]
    ticks: Path
    log: Path

    def ran(self) -> int:
        """How many jobs have run. Raises RuntimeError if the worker has ended."""
        ended = self.process.poll()
        count = self.ticks.stat().st_size
        if ended is not None:
            raise RuntimeError(f'the worker ended with {ended} after {count} jobs\n{self.log.read_text()[-2000:]}')
        return count


@dataclass(frozen=True)
class Peer:
    """One job queue. Its adapter runs in its own interpreter, as producer and as worker (bench/adapters/_peer.py)."""

    key: str
    name: str
    adapter: str
    requirements: tuple[str, ...] = ()
    python: str = ''  # the oldest that it runs on, where that is newer than ours

    def prepare(self) -> Path:
        """Its Python, with its packages; installed if need be. Raises Missing."""
        try:
            if self.key == 'ours':
                return Path(sys.executable)
            if self.key == 'rq':
                return prepare()
            version = self.requirements[0].partition('==')[2]
            return prepare_venv(f'{self.key}-{version}', self.requirements, _interpreter(self.python))
        except subprocess.CalledProcessError as error:
            raise Missing(f'its packages cannot be installed here: {error}') from error

    def ask(self, url: str, verb: str, **options: Any) -> dict[str, Any]:
        """What its adapter answers. Raises RuntimeError if it fails, or takes five minutes."""
        command = [str(self.prepare()), str(BENCH / 'adapters' / self.adapter), verb, json.dumps(options)]
        try:
            done = subprocess.run(
                command, env=self._environment(url), capture_output=True, text=True, check=False, timeout=300
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f'{self.name}: {verb} takes more than five minutes') from error
        if done.returncode != 0:
            raise RuntimeError(f'{self.name}: {verb} ended with {done.returncode}\n{done.stderr[-2000:]}')
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    @contextmanager
    def running_worker(self, url: str) -> Iterator[Worker]:
        """A worker with default options, its log in a file; it is told to end with the block, and all that it started."""
        with tempfile.TemporaryDirectory(prefix='rq-bench-') as folder:
            log, ticks = Path(folder, 'worker.log'), Path(folder, 'ticks')
            ticks.touch()
            environment = self._environment(url) | {'BENCH_TICKS': str(ticks)}
            command = [str(self.prepare()), str(BENCH / 'adapters' / self.adapter), 'work']
            with log.open('wb') as output:
                process = subprocess.Popen(
                    command, env=environment, cwd=folder, stdout=output, stderr=output, start_new_session=True
                )
            try:
                yield Worker(process, ticks, log)
            finally:
                _end(process)

    def _environment(self, url: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(('RQ_', 'REDIS_', 'PYTHON'))}
        path = [str(BENCH / 'jobs'), str(BENCH / 'adapters'), *([str(REPOSITORY)] if self.key == 'ours' else [])]
        return {**kept, 'PYTHONPATH': os.pathsep.join(path), 'BENCH_REDIS_URL': url}


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        tree = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        tree = []
    process.terminate()
    try:
        process.wait(LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    for one in tree:  # a daemon of its own session would outlive its group
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _interpreter(least: str) -> str:
    """A Python of at least that version: ours, or one that is installed. Raises Missing."""
    wanted = tuple(int(part) for part in least.split('.')) if least else ()
    if sys.version_info[:2] >= wanted:
        return sys.executable
    names = [shutil.which(f'python3.{minor}') for minor in range(wanted[1], wanted[1] + 4)]
    homes = sorted(Path.home().glob('.pyenv/versions/3.*/bin/python'))
    for one in [*filter(None, names), *map(str, homes)]:
        told = subprocess.run(
            [one, '-c', 'import sys; print(*sys.version_info[:2])'], capture_output=True, text=True, check=False
        )
        if told.returncode == 0 and tuple(map(int, told.stdout.split())) >= wanted:
            return one
    raise Missing(f'it needs Python {least}, and there is none here')


# hiredis where redis-py is used: all are to have the fast parser. Versions as of 2026-11.
PEERS: tuple[Peer, ...] = (
    Peer('ours', 'Packhorse', 'on_rq.py'),
    Peer('rq', f'RQ {RQ_VERSION}', 'on_rq.py'),
    Peer('celery', 'Celery', 'on_celery.py', ('celery[redis]==5.7.0', 'redis==8.1.0', 'hiredis==3.5.0')),
    Peer('dramatiq', 'Dramatiq', 'on_dramatiq.py', ('dramatiq[redis]==2.2.1', 'redis==8.1.0', 'hiredis==3.5.0')),
    Peer('huey', 'Huey', 'on_huey.py', ('huey==3.5.4', 'redis==8.1.0', 'hiredis==3.5.0')),
    Peer('arq', 'arq', 'on_arq.py', ('arq==0.28.0', 'redis==5.3.1', 'hiredis==3.5.0')),
    Peer('saq', 'SAQ', 'on_saq.py', ('saq==0.26.4', 'redis==7.4.1', 'hiredis==3.5.0', 'typing_extensions')),
    Peer(
        'taskiq', 'TaskIQ', 'on_taskiq.py', ('taskiq==0.13.0', 'taskiq-redis==1.2.4', 'redis==8.1.0', 'hiredis==3.5.0')
    ),
    Peer('streaq', 'streaQ', 'on_streaq.py', ('streaq==7.2.0', 'coredis==6.9.0')),
    Peer('wakaq', 'WakaQ', 'on_wakaq.py', ('wakaq==4.0.4', 'redis==8.1.0', 'hiredis==3.5.0')),
    Peer('ardiq', 'ardiq', 'on_ardiq.py', ('ardiq==1.2.0', 'msgpack==1.2.4'), python='3.12'),
    Peer('bullmq', 'BullMQ for Python', 'on_bullmq.py', ('bullmq==3.4.4', 'redis==8.1.0', 'hiredis==3.5.0')),
)
