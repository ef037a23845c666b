"""Many workers, quickly: forked by one process that has imported everything."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import Any

import psutil

from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for

__all__ = ['Herd', 'Member']


class Member:
    """One worker of the herd."""

    def __init__(self, herd: Herd, pid: int) -> None:
        self.pid = pid
        self._herd = herd

    @property
    def status(self) -> int | None:
        """What waitpid said, None while it lives."""
        return self._herd.ended().get(self.pid)

    def wait(self, timeout: float = 20.0) -> int:
        """What waitpid said in the end."""

        def ended() -> bool:
            return self.status is not None

        wait_for(ended, timeout, lambda: f'the end of {self.pid}\n{self._herd.process.report()}')
        assert self.status is not None
        return self.status

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the supervisor alone."""
        os.kill(self.pid, signal.SIGKILL)

    def horse(self, timeout: float = 10.0) -> int:
        """The pid of its horse, once it has one."""

        def child() -> int:
            children = psutil.Process(self.pid).children()
            return children[0].pid if children else 0

        return wait_for(child, timeout, f'a horse of {self.pid}')


class Herd:
    """Starts workers: `herd.start('high', 'low', url=..., settings={...}, work={'burst': True})`."""

    def __init__(self, processes: Processes, url: str, env: dict[str, str] | None = None) -> None:
        self.url = url
        command = ('-m', 'tests.faults.launch')
        self.process: Process = processes.python(*command, name='herd', stdin=subprocess.PIPE, env=env)
        self._count = 0

    def start(self, *queues: str, url: str | None = None, **told: Any) -> Member:
        """A worker of these queues (else `default`)."""
        told |= {'url': url or self.url, 'queues': list(queues) or ['default']}
        stdin = self.process.popen.stdin
        assert stdin is not None
        stdin.write(json.dumps(told).encode() + b'\n')
        stdin.flush()
        self._count += 1
        count = self._count

        def started() -> list[int]:
            pids = self.told('started')
            return pids if len(pids) >= count else []

        return Member(self, wait_for(started, 20, self.process.report)[count - 1])

    def end(self) -> None:
        """Kills all that are left, horses first, so that none becomes an orphan that ends in its own time."""
        for process in reversed(self.process.children()):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass

    def told(self, what: str) -> list[int]:
        """Pids of which it told this, in order; a worker may have been in the middle of a line of its log."""
        return [int(pid) for pid in re.findall(rf'{what} (\d+)\b.*\n', self.process.stdout)]

    def ended(self) -> dict[int, int]:
        """Exit statuses of those that have ended, by pid."""
        found = re.findall(r'ended (\d+) (\d+)\n', self.process.stdout)
        return {int(pid): int(status) for pid, status in found}
