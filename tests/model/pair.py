"""The real store and the model, asked the same and compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis.stateful import RuleBasedStateMachine, invariant
from redis import Redis

from rq.store import job as jobs
from tests.model.dice import BRIEF, Dice
from tests.model.runs import Model
from tests.model.view import View
from tests.store.hands import Horse
from tests.support.invariants import violations

__all__ = ['Both', 'Held', 'Pair']

SLACK = 3.0
Both = tuple[Callable[[], Any], Callable[[], Any]]


class Held(NamedTuple):
    """A run that was claimed, and by whom; it may be over."""

    horse: Horse
    queue: str
    id: str
    execution: str

    @property
    def lease(self) -> tuple[str, str, str]:
        return self.queue, self.id, self.execution


def _plain(answer: Any) -> Any:
    """An answer without bytes."""
    if isinstance(answer, bytes):
        return answer.decode()
    return type(answer)(map(_plain, answer)) if type(answer) in {list, tuple} else answer


class Pair(RuleBasedStateMachine):
    """Two stores, one life."""

    redis: Redis  # set by a subclass, as is the next
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.clients = Redis.from_url(self.url)  # horses' connections do not return to their pool
        self.model = Model()
        self.made: list[Horse] = []
        self.horses: dict[str, Horse] = {}
        self.held: list[Held] = []
        self.sent: list[Both] = []
        self.lived: list[str] = []
        self.calls = 0
        self.dice = Dice(0)

    def teardown(self) -> None:
        for horse in self.made:
            horse.wire.close()
        self.clients.close()

    def both(self, real: Callable[[], Any], model: Callable[[], Any]) -> Any:
        self.model.now = jobs.time(self.redis)
        expected, found = model(), _plain(real())
        self.lived[-1:] = [f'{"".join(self.lived[-1:])} -> {found!r}']
        assert found == expected, f'the store answers {found!r}, the model {expected!r}, after {self.story()}'
        return found

    def send(self, real: Callable[[], Any], model: Callable[[], Any], told: object = '') -> Any:
        """A request that may be sent again, any time."""
        self.lived[-1] += f' {told}'
        self.sent.append((real, model))
        return self.both(real, model)

    def story(self) -> str:
        return '\n    '.join(['', *self.lived])

    @invariant()
    def they_hold_the_same(self) -> None:
        view = View(self.redis)
        found, expected = view.projection(), self.model.projection()
        wrong = [
            f'{name}: the store has {found[name]}, the model {expected[name]}'
            for name in expected
            if found[name] != expected[name]
        ]
        assert not wrong, '\n'.join([*wrong, f'after {self.story()}'])
        self._same_times(view)
        self._same_order(view)
        # An id whose job has expired stays on its list, also when it is used again.
        bad = [text for text in violations(self.redis) if not any(job_id in text for job_id in BRIEF)]
        assert not bad, f'{bad}, after {self.story()}'

    def _same_times(self, view: View) -> None:
        """Times are compared with some slack, and the store's are taken over: they decide in which order things are."""
        leased, scheduled = view.scores('wip'), view.scores('scheduled')
        for queue, members in self.model.leases.items():
            for member, score in members.items():
                members[member] = leased[queue][':'.join(member)]
                assert abs(members[member] - score) < SLACK, f'the lease {member}, after {self.story()}'
        for queue, due in self.model.registries['scheduled'].items():
            for job_id, score in due.items():
                due[job_id] = scheduled[queue][job_id]
                assert abs(due[job_id] - score) < SLACK, f'the time of {job_id}, after {self.story()}'

    def _same_order(self, view: View) -> None:
        """Those who wait for one job are told of its end in any order: the model takes the server's."""
        for job_id, told in view.dependents(self.redis).items():
            mine = self.model.awaited.get(job_id, [])
            assert set(mine) <= set(told), f'{job_id}: the store tells {told}, the model {mine}, after {self.story()}'
            self.model.awaited[job_id] = [name for name in told if name in mine]
