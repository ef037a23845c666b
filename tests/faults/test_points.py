"""At every fault point of rq/_faultpoints.py everything goes wrong once: nothing is lost, stuck or falsely failed.

`make faults` runs every point x action x number of queues, `make test` a part.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq._faultpoints import POINTS
from rq.store import keys
from rq.store import worker as worker_store
from tests.faults import jobs
from tests.faults.conftest import ALL
from tests.faults.herd import Herd, Member
from tests.faults.ledger import Ledger
from tests.faults.mixture import DIES, LONG, PAUSE, SCALED, SPAWNER, Mixture
from tests.support.invariants import violations
from tests.support.waiting import wait_for

ACTIONS = ('kill', 'stop', 'raise', 'drop')
COMBINATIONS = list(itertools.product(POINTS, ACTIONS, (1, 3)))
# Spread over points and actions, so that each point and each action is in it.
PART = [c for number, c in enumerate(COMBINATIONS) if number % 8 == (number // 8) * 3 % 8]
CHOSEN = COMBINATIONS if ALL else PART


# Jobs that two packs of the mixture have at most: the one in hand, and the one asked for ahead.
PACKS = 24


class Run:
    """One workload, one fault."""

    def __init__(self, redis: Redis, herd: Herd, folder: Path, point: str, action: str, queues: int) -> None:
        self.redis, self.herd, self.folder = redis, herd, folder
        self.point, self.action = point, action
        self.names = ['a', 'b', 'c'][:queues]
        self.work = Mixture(redis, self.names)
        self.ledger = Ledger(folder / 'ledger')
        self.struck_by = 0
        self.output_from = len(herd.process.stdout), len(herd.process.stderr)
        self.members: list[Member] = []

    def start(self, fault: str = '') -> Member:
        told: dict[str, Any] = {'fault': f'{self.folder}:{fault}', 'env': {jobs.LEDGER: str(self.ledger.path)}}
        name = f'w{len(self.members)}'
        member = self.herd.start(*self.names, settings=SCALED, worker={'name': name}, level='INFO', **told)
        self.members.append(member)
        return member

    def report(self) -> str:
        """What was seen."""
        out, err = self.output_from
        text = self.herd.process.stdout[out:] + self.herd.process.stderr[err:]
        return f'{self.point}={self.action}, struck {self.struck_by}: {self.work.status()}\n{text[-6000:]}'

    def struck(self) -> bool:
        path = self.folder / f'{self.point}.struck'
        if not self.struck_by and path.exists():
            self.struck_by = int(path.read_text() or 0)
        return self.struck_by > 0

    def go(self) -> None:
        """From the first job to the last process."""
        if self.point.endswith('.reap'):
            self.work.leave_to_the_dead()
        self.work.put()
        first = self.start(f'{self.point}={self.action}')
        self._until_struck_or(self.work.all_ended)
        if not self.struck():
            self._until_struck_or(lambda: self.redis.info('clients')['blocked_clients'] > 0)
            self.work.put_late()
            self._until_struck_or(self.work.all_ended)
        if not self.struck():
            self._until_struck_or(lambda: self.point != 'before.reap' or self.struck())
            self.work.put_long()
            self._until_struck_or(lambda: LONG in self.ledger.begun())
            self._tell(first)
        wait_for(self.struck, 5, self.report)
        self._recover(first)

    def _until_struck_or(self, over: Any) -> None:
        wait_for(lambda: self.struck() or over(), 15, self.report)

    def _tell(self, member: Member) -> None:
        """SIGTERM to a worker and its horse, which has a job in hand."""
        os.kill(member.horse(), signal.SIGTERM)
        member.signal(signal.SIGTERM)

    def _recover(self, first: Member) -> None:
        second = self.start()
        wait_for(lambda: worker_store.is_known(self.redis, 'w1'), 10, self.report)  # before, a signal just kills it
        if self.action == 'stop':
            time.sleep(PAUSE)  # a process stands still until its lease is another's
            try:
                os.kill(self.struck_by, signal.SIGCONT)
            except ProcessLookupError:
                pass  # it was killed for standing still
        wait_for(self.work.all_ended, 15, self.report)
        for member in (first, second):
            if member.status is None:
                member.signal(signal.SIGTERM)
            member.wait()
        assert second.status == 0, self.report()
        wait_for(lambda: not any(self.redis.zcard(keys.wip(name)) for name in self.names), 5, self.report)

    def check(self) -> None:
        """Nothing lost, nothing stuck, no false failure; again only what had begun, and where that is the rule."""
        supervisor = self.struck_by == self.members[0].pid
        ended = self.action in ('kill', 'raise')
        paused = self.action == 'stop' and supervisor
        # With a horse dies the job in its hands; and a supervisor's jobs are another's when its lease is over.
        may_lose = 1 if ended and not supervisor else 2 if paused else 0
        # A worker whose lease is over may have run what others run again: what it held. One that is killed when its horse has
        # just died, too, leaves nobody who knows that its jobs had begun.
        both_died = ended and supervisor and self.ledger.counts()[DIES] > 1
        may_repeat = PACKS if paused or both_died else 0
        in_user_code = {'enqueue': SPAWNER, 'horse_signal_handler': LONG} if self.action == 'raise' else {}
        may_fail = in_user_code.get(self.point.partition('.')[2], -1)
        wrong = self.work.wrong(self.ledger, may_lose, may_repeat, may_fail) + violations(self.redis)
        assert wrong == [], self.report()


@pytest.mark.parametrize(('point', 'action', 'queues'), CHOSEN)
def test_whatever_happens_at_a_point_nothing_is_lost_stuck_or_falsely_failed(
    redis: Redis, armed_herd: Herd, tmp_path: Path, point: str, action: str, queues: int
) -> None:
    run = Run(redis, armed_herd, tmp_path, point, action, queues)
    try:
        run.go()
        run.check()
    finally:
        armed_herd.end()
