"""The real store and the model, driven with the same calls.

Each act makes a request and sends it to both; the answers must be equal, and after each step so must be what they hold.
hypothesis makes the lives and shortens those in which the two differ. A step is one number, from which the act and all
its details are drawn: drawn one by one, they leave hypothesis room for a few steps only.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from rq.store import depend, limit
from tests.model.crew import Crew
from tests.model.dice import ACTS, QUEUES, Dice
from tests.model.people import People

__all__ = ['Machine']


class Machine(People, Crew):
    """All that may happen in a life."""

    @initialize()
    def two_workers(self) -> None:
        self.come('w0')
        self.come('w1')

    @rule(number=st.integers(0, 2**32 - 1))
    def step(self, number: int) -> None:
        self.dice = Dice(number)
        (act,) = self.dice.choices(list(ACTS), weights=list(ACTS.values()))
        self.lived.append(act)
        getattr(self, act)()

    # --- what must not be seen

    def sweep(self) -> None:
        """What looks for jobs that other RQs have lost finds none of ours."""
        for queue in QUEUES:
            assert depend.sweep_deferred(self.redis, queue) == ('0', 0), self.story()
        assert limit.sweep(self.redis) == 0, self.story()
        assert depend.release_dependents(self.redis) == 0, self.story()

    def scripts_are_flushed(self) -> None:
        self.redis.script_flush()

    def replay(self) -> None:
        """Any request comes again, however late."""
        if self.sent:
            recent = self.sent if self.dice.random() < 0.5 else self.sent[-3:]
            self.both(*self.dice.choice(recent))
