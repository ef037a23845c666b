"""What the requests of a life are drawn from, and how the store is told of a job."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rq.store import enqueue
from tests.model.job import Told
from tests.store.hands import entry

__all__ = ['ACTS', 'BRIEF', 'IDS', 'QUEUES', 'STEPS', 'WAITS', 'Dice', 'entry_of']

QUEUES = ('high', 'low')
IDS = tuple(f'job-{number}' for number in range(6))
# Those of jobs that may expire while they wait, and are then used again.
BRIEF = ('brief-0', 'brief-1')
# Seconds that pass at once: no sum of them comes near 25, 30, 70, 150 or 604, so that the few milliseconds between the
# clocks of the two sides decide nothing.
STEPS = (16, 40, 184)
# Seconds until a job is due, chosen as those.
WAITS = (0, 70, 604)
INTERVALS: list[tuple[int, ...]] = [(0,), (70,), (604, 0), (0, 70)]

# How often each act is drawn.
ACTS = {
    'enqueue': 8, 'enqueue_brief': 6, 'write_only': 1, 'schedule': 4, 'enqueue_when_ready': 10, 'enqueue_many': 4,
    'worker_comes': 3, 'worker_vanishes': 2, 'renew': 2,
    'exchange': 30, 'finish': 4, 'announce': 6, 'release': 3, 'release_pack': 2, 'drop_note': 2,
    'time_passes': 6, 'reap': 6, 'promote_due': 5,
    'cancel': 5, 'delete': 3, 'requeue': 5, 'empty': 1, 'enqueue_dependents': 1, 'suspend': 1, 'resume': 4,
    'sweep': 2, 'scripts_are_flushed': 1, 'replay': 8,
}  # fmt: skip


class Dice(random.Random):
    """One seed, one request."""

    def rarely(self, values: Sequence[Any], otherwise: Any) -> Any:
        return self.choice(values) if self.random() < 0.25 else otherwise

    def some(self, values: Sequence[Any], most: int) -> tuple[Any, ...]:
        """Up to so many of them, in any order."""
        return tuple(self.sample(values, min(len(values), self.randint(0, most))))

    def told(self, **more: Any) -> Told:
        """What an enqueue may say."""
        return Told(**{
            'id': self.choice(IDS),
            'queue': self.choice(QUEUES),
            'later_front': self.rarely([True], False),
            'retries': self.rarely([0, 1, 2], None),
            'retry_intervals': self.rarely(INTERVALS, ()),
            'retry_front': self.rarely([True], False),
            'repeats': self.rarely([0, 1, 2], None),
            'repeat_intervals': self.rarely(INTERVALS, ()),
            'failure_ttl': self.rarely([0, 0, -1], None),
            'ttl': self.rarely([1_000_000], 0),
            'on_lost': self.rarely(['fail', 'requeue'], ''),
            'callbacks': self.rarely([True], False),
            'webhooks': self.rarely([True], False),
        } | more)  # fmt: skip

    def waiting(self, **more: Any) -> Told:
        """Of one that waits for others, or for a slot."""
        told = self.told(**more)
        others = [job_id for job_id in IDS if job_id != told.id or self.random() < 0.1]
        return replace(
            told,
            others=self.some(others, 3) if self.random() < 0.7 else (),
            allow=self.random() < 0.5,
            limit=self.choice(['', 'k', 'l']),
            most=self.choice([1, 1, 2]),
        )


def entry_of(told: Told, **more: Any) -> enqueue.Entry:
    """What the store is told of a job."""
    fields: dict[str, Any] = {
        'retries_left': told.retries,
        'retry_intervals': json.dumps(told.retry_intervals) if told.retry_intervals else None,
        'enqueue_at_front_on_retry': 1 if told.retry_front else None,
        'enqueue_at_front': 1 if told.later_front else None,
        'repeats_left': told.repeats,
        'repeat_intervals': json.dumps(told.repeat_intervals) if told.repeat_intervals else None,
        'failure_ttl': told.failure_ttl,
        'on_lost': told.on_lost or None,
        'dependency_ids': json.dumps(told.others) if told.others else None,
        'allow_dependency_failures': int(told.allow) if told.others else None,
        'rate_limit_key': told.limit or None,
        'rate_limit_concurrency': told.most if told.limit else None,
        'failure_callback_name': 'm.f' if told.callbacks else None,
        'stopped_callback_name': 'm.f' if told.callbacks else None,
        'webhooks': '[]' if told.webhooks else None,
    }
    waits = bool(told.others or told.limit)
    options = {'call': told.call, 'ttl': told.ttl, 'at_front': told.front, 'unique': told.unique, 'waits': waits}
    return entry(told.id, told.queue, **fields | options | more)
