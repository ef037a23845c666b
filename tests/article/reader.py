"""Somebody who follows the article: types its commands, runs its scripts and looks at what is printed."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tests.support.processes import ROOT, Process, Processes
from tests.support.waiting import wait_for

__all__ = ['ID', 'SCRIPTS', 'STAMP', 'Reader', 'begin', 'in_order', 'kept', 'ok', 'rq', 'wait_for_log']

SCRIPTS = ROOT / 'examples' / 'article'
LEAD = str(Path(__file__).parent / 'localhost')
# A log line: the time, whatever RQ 3.0 says of the worker before it, then the article's words.
STAMP = r'^\d\d:\d\d:\d\d (?:.*: )?'
ID = r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'


def begin(queue: str, call: str, job_id: str = ID) -> str:
    """The pattern of the line with which a worker begins a job; its group is the id."""
    return rf'{STAMP}{queue}: {re.escape(call)} \(({job_id})\)$'


def ok(queue: str, job_id: str = ID) -> str:
    """The pattern of the line with which a worker ends a job; its group is the id."""
    return rf'{STAMP}{queue}: Job OK \(({job_id})\)$'


def kept() -> str:
    """The pattern of the line that says how long the result is kept."""
    return rf'{STAMP}.*[Rr]esult is kept for 500 seconds$'


def in_order(text: str, *patterns: str) -> list[str]:
    """What the patterns' groups matched, each pattern searched behind the one before; AssertionError if one is missing."""
    groups: list[str] = []
    position = 0
    for pattern in patterns:
        match = re.compile(pattern, re.MULTILINE).search(text, position)
        assert match, f'{pattern!r} is not in the rest:\n{text[position:]}\n--- of ---\n{text}'
        groups += match.groups()
        position = match.end()
    return groups


class Reader:
    """Has a terminal in each folder of `examples/article`, and a Redis on localhost:6379."""

    def __init__(self, processes: Processes, port: int) -> None:
        self.processes = processes
        self.port = port

    def start(self, *command: str | os.PathLike[str], folder: str | Path = 'example01') -> Process:
        """The running command, its two outputs in one, as on a terminal."""
        env = {'ARTICLE_PORT': str(self.port), 'PYTHONPATH': os.pathsep.join([LEAD, str(ROOT)])}
        together = ('/bin/sh', '-c', 'exec "$0" "$@" 2>&1')
        words = [Path(part).name for part in command if re.fullmatch(r'[\w./]+', str(part))]
        return self.processes.start(*together, *command, cwd=SCRIPTS / folder, env=env, name='-'.join(words))

    def run(self, *command: str | os.PathLike[str], folder: str | Path = 'example01', code: int = 0) -> str:
        """What a command prints, which ends with this exit code."""
        process = self.start(*command, folder=folder)
        assert process.wait(30) == code, process.report()
        return process.stdout

    def python(self, script: str, folder: str | Path | None = None) -> str:
        """What a script (`example01/enqueue_work.py`) prints, run in its own folder or in another one."""
        where = SCRIPTS / script
        return self.run(sys.executable, where.name if folder is None else where, folder=folder or where.parent)

    def rq(self, *arguments: str, folder: str | Path = 'example01', code: int = 0) -> str:
        """What `rq <arguments>` prints."""
        return self.run(*rq(), *arguments, folder=folder, code=code)

    def worker(self, *arguments: str, folder: str | Path = 'example01') -> Process:
        """A worker that is ready to take jobs."""
        worker = self.start(*rq(), 'worker', *arguments, folder=folder)
        wait_for_log(worker, r'Listening on .*\.\.\.$')
        return worker

    def wait_for_info(self, *patterns: str, timeout: float = 10.0) -> str:
        """What `rq info` prints, once it has lines that match all patterns."""
        seen = ''

        def fits() -> bool:
            nonlocal seen
            seen = self.rq('info')
            return all(re.search(pattern, seen, re.MULTILINE) for pattern in patterns)

        wait_for(fits, timeout, lambda: f'{patterns} in:\n{seen}', interval=0.1)
        return seen


def wait_for_log(worker: Process, pattern: str, times: int = 1, timeout: float = 15.0) -> str:
    """The worker's output so far, once `pattern` is in it so many times."""
    found = re.compile(pattern, re.MULTILINE)

    def logged() -> bool:
        running = worker.running
        enough = len(found.findall(worker.stdout)) >= times
        assert enough or running, f'Ended without {pattern!r}: {worker.report()}'
        return enough

    wait_for(logged, timeout, lambda: f'{pattern!r} x {times} in {worker.report()}', interval=0.02)
    return worker.stdout


def rq(name: str = 'rq') -> list[str]:
    """The installed command, or the module where the package is not installed."""
    script = Path(sys.executable).with_name(name)
    if script.exists():
        return [str(script)]
    return [sys.executable, '-m', 'rq.cli', *(['info'] if name == 'rqinfo' else [])]
