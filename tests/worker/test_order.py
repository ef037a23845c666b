"""In which order a worker looks at its queues."""

from __future__ import annotations

from rq.worker import DequeueStrategy
from rq.worker.order import QueueOrder
from rq.worker.settings import PACK_MOST

NAMES = ['high', 'middle', 'low']


def names(order: QueueOrder) -> list[str]:
    return [name.decode() for _, name in order.next()]


def test_queues_are_looked_at_as_they_were_given() -> None:
    order = QueueOrder(NAMES, DequeueStrategy.DEFAULT)
    assert names(order) == names(order) == NAMES
    assert order.number(2) == 2
    assert names(order) == NAMES
    assert order.most == PACK_MOST


def test_in_turn_the_queue_behind_the_one_served_last_comes_first() -> None:
    order = QueueOrder(NAMES, DequeueStrategy.ROUND_ROBIN)
    assert names(order) == NAMES
    assert order.number(0) == 0
    assert names(order) == ['middle', 'low', 'high']
    assert order.number(1) == 2, 'the middle one was empty'
    assert names(order) == NAMES


def test_a_turn_in_which_nothing_was_claimed_is_not_over() -> None:
    order = QueueOrder(NAMES, DequeueStrategy.ROUND_ROBIN)
    assert names(order) == names(order) == NAMES


def test_in_turn_and_at_random_mean_one_job_a_claim() -> None:
    assert QueueOrder(NAMES, DequeueStrategy.ROUND_ROBIN).most == 1
    assert QueueOrder(NAMES, DequeueStrategy.RANDOM).most == 1


def test_at_random_every_order_comes_and_places_are_found_again() -> None:
    order = QueueOrder(NAMES, DequeueStrategy.RANDOM)
    seen = set()
    for _ in range(300):
        given = order.next()
        seen.add(tuple(given))
        assert [order.number(place) for place in range(3)] == [number for number, _ in given]
    assert len(seen) == 6
