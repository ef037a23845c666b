"""What those do who have work done: jobs come, and are canceled, deleted, put back."""

from __future__ import annotations

from typing import Any

from rq.store import admin, depend, enqueue
from rq.store import job as jobs
from rq.store import queue as queues
from tests.model.dice import BRIEF, IDS, QUEUES, WAITS, entry_of
from tests.model.job import Told
from tests.model.pair import Pair

__all__ = ['People']


class People(Pair):
    """Producers, and who looks after queues."""

    def called(self, told: Told, **more: Any) -> Told:
        """As told, by a call of its own."""
        self.calls += 1
        return Told(**{**vars(told), 'call': f'call-{self.calls}', **more})

    def enqueue(self) -> None:
        dice = self.dice
        told = self.called(dice.told(front=dice.rarely([True], False), unique=dice.rarely([True], False)))
        real = entry_of(told)
        self.send(lambda: enqueue.enqueue(self.redis, told.queue, real), lambda: self.model.enqueue(told), told)

    def enqueue_brief(self) -> None:
        dice = self.dice
        told = self.called(
            dice.told(id=dice.choice(BRIEF), ttl=dice.choice([70, 70, 0]), front=dice.rarely([True], False))
        )
        real = entry_of(told)
        self.send(lambda: enqueue.enqueue(self.redis, told.queue, real), lambda: self.model.enqueue(told), told)

    def write_only(self) -> None:
        told = self.called(self.dice.told())
        real = entry_of(told, push=False, status='created')
        self.send(lambda: enqueue.enqueue(self.redis, told.queue, real), lambda: self.model.write_only(told), told)

    def schedule(self) -> None:
        told = self.called(self.dice.waiting(unique=self.dice.rarely([True], False)))
        real, due = entry_of(told, status='scheduled'), int(jobs.time(self.redis)) + self.dice.choice(WAITS)
        self.send(
            lambda: enqueue.schedule(self.redis, told.queue, real, due), lambda: self.model.schedule(told, due), told
        )

    def enqueue_when_ready(self) -> None:
        told = self.called(self.dice.waiting())
        real = entry_of(told)
        self.send(
            lambda: enqueue.enqueue_when_ready(self.redis, told.queue, real),
            lambda: self.model.enqueue_when_ready(told),
            told,
        )

    def enqueue_many(self) -> None:
        dice, queue = self.dice, self.dice.choice(QUEUES)
        told = tuple(
            self.called(
                dice.waiting(id=job_id, queue=queue)
                if dice.random() < 0.6
                else dice.told(id=job_id, queue=queue, front=dice.rarely([True], False))
            )
            for job_id in dice.some(IDS, 4)
        )
        real = [entry_of(one) for one in told]
        self.send(
            lambda: enqueue.enqueue_many(self.redis, queue, real), lambda: self.model.enqueue_many(queue, told), told
        )

    def cancel(self) -> None:
        job_id, release, forget = self.dice.choice(IDS + BRIEF), self.dice.random() < 0.5, self.dice.random() < 0.5
        self.send(
            lambda: jobs.cancel(self.redis, job_id, release, forget),
            lambda: self.model.cancel(job_id, release),
            f'{job_id} {release} {forget}',
        )

    def delete(self) -> None:
        job_id = self.dice.choice(IDS + BRIEF)
        self.send(lambda: jobs.delete(self.redis, job_id), lambda: self.model.delete(job_id), job_id)

    def requeue(self) -> None:
        queue, ids, front = self.dice.choice(QUEUES), self.dice.some(IDS + BRIEF, 6), self.dice.random() < 0.5
        if ids:
            self.send(
                lambda: jobs.requeue(self.redis, queue, ids, front),
                lambda: self.model.requeue(queue, ids, front),
                f'{queue} {ids} {front}',
            )

    def empty(self) -> None:
        queue = self.dice.choice(QUEUES)
        self.both(lambda: queues.empty(self.redis, queue), lambda: self.model.empty(queue))

    def enqueue_dependents(self) -> None:
        job_id = self.dice.choice(IDS)
        self.send(
            lambda: depend.enqueue_dependents(self.redis, job_id),
            lambda: self.model.enqueue_dependents(job_id),
            job_id,
        )

    def suspend(self) -> None:
        queue = self.dice.choice([None, *QUEUES])
        admin.suspend(self.redis, queue=queue)
        self.model.suspended.add(queue or '')

    def resume(self) -> None:
        for queue in (None, *QUEUES):
            admin.resume(self.redis, queue)
        self.model.suspended.clear()
