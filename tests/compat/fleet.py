"""A released RQ beside ours on one server: its processes, and questions to its API."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from bench.systems import prepare
from tests.support.processes import ROOT, Process, Processes

JOBS = Path(__file__).parent / 'jobs'
PATIENCE = 60.0  # seconds for anything that takes a moment, on a machine that is busy with other tests
RELEASES = ('3.0.0', '2.12.0')


class Peer:
    """One interpreter with a release of RQ, which answers in Python what it is asked in Python."""

    def __init__(self, version: str, url: str, **env: str) -> None:
        self.version = version
        command = [str(prepare(version)), '-I', str(Path(__file__).with_name('peer.py')), url]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **env},
        )

    def __call__(self, expression: str) -> Any:
        """The value of an expression, as JSON has it; AssertionError if it raises."""
        return self._ask({'value': expression})

    def run(self, statements: str) -> None:
        self._ask({'run': statements})

    def _ask(self, question: dict[str, str]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + '\n')
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        assert 'error' not in told, f'RQ {self.version}: {told["error"]}'
        return told['value']

    def close(self) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(10)


class Fleet:
    """Commands of both kinds on one server; each is asked for by what it does."""

    def __init__(self, peer: Peer, url: str, processes: Processes) -> None:
        self.theirs, self.url, self.processes = peer, url, processes

    def their_rq(self, *arguments: str) -> Process:
        """`rq <arguments>` of the release, running."""
        script = prepare(self.theirs.version).with_name('rq')
        env = {'PYTHONPATH': str(JOBS), 'RQ_REDIS_URL': self.url}
        return self.processes.start(script, *arguments, env=env, name=f'rq-{self.theirs.version}-{arguments[0]}')

    def our_rq(self, *arguments: str) -> Process:
        """Our `rq <arguments>`, running."""
        return self.processes.rq(*arguments, url=self.url, env={'PYTHONPATH': f'{ROOT}:{JOBS}'}, name='ours')

    def stop(self, *workers: Process) -> None:
        """A warm stop of each, which they follow."""
        for process in workers:
            process.terminate()
        for process in workers:
            assert process.wait(PATIENCE) == 0, process.report()

    def work_off(self, process: Process) -> str:
        """A burst to its end; what it printed."""
        assert process.wait(PATIENCE) == 0, process.report()
        return process.output

    def their_burst(self, *queues: str, options: tuple[str, ...] = ()) -> str:
        return self.work_off(self.their_rq('worker', '--burst', *options, *queues))

    def our_burst(self, *queues: str, options: tuple[str, ...] = ()) -> str:
        return self.work_off(self.our_rq('worker', '--burst', *options, *queues))
