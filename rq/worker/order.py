"""In which order a worker looks at its queues: as given, in turn, or at random."""

from __future__ import annotations

import random
from typing import Any

from .modes import DequeueStrategy
from .settings import PACK_MOST

__all__ = ['QueueOrder', 'reordered']


class QueueOrder:
    """The queues of one worker. `next` gives them in the order of the next claim, `number` finds them again.

    `most` is how many jobs a claim may take: in turn means one job of each queue.
    """

    def __init__(self, names: list[str], strategy: DequeueStrategy) -> None:
        self.most = PACK_MOST if strategy is DequeueStrategy.DEFAULT else 1
        self.names = names
        self._strategy = strategy
        self._all = [(number, name.encode()) for number, name in enumerate(names)]
        self._order = self._all
        self._turn = 0

    def next(self) -> list[tuple[int, bytes]]:
        """(number, name) of each queue, in the order of the next claim."""
        order = self._all
        if self._strategy is DequeueStrategy.RANDOM:
            order = random.sample(self._all, len(self._all))
        elif self._strategy is DequeueStrategy.ROUND_ROBIN:
            order = self._all[self._turn :] + self._all[: self._turn]
        self._order = order
        return order

    def number(self, place: int) -> int:
        """Which queue stood at a place of the last order given. In turn: its turn is over."""
        number = self._order[place][0]
        self._turn = (number + 1) % len(self._all)
        return number


def reordered(queues: list[Any], reference: Any, strategy: DequeueStrategy) -> list[Any]:
    """The order of the next look, after `reference` has given a job: the queue behind it first, at random, or as it was."""
    if strategy is DequeueStrategy.RANDOM:
        return random.sample(queues, len(queues))
    if strategy is DequeueStrategy.ROUND_ROBIN:
        place = queues.index(reference) + 1
        return queues[place:] + queues[:place]
    return queues
