"""The real store and the model, driven with the same calls.

Each act makes a request and sends it to both; the answers must be equal, and after each step so must be what they hold.
hypothesis makes the lives and shortens those in which the two differ. A step is one number, from which the act and all
its details are drawn: drawn one by one, they leave hypothesis room for a few steps only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis import Redis

from rq.store import admin, claim, depend, enqueue, keys, limit, note
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from tests.model.dice import ACTS, BRIEF, IDS, QUEUES, STEPS, WAITS, Dice, entry_of
from tests.model.job import Told
from tests.model.runs import WORKER_HASH, Ended, Model
from tests.model.view import View, older
from tests.store.hands import FORTYTWO, TRACEBACK, Horse
from tests.support.invariants import violations

__all__ = ['Machine']

NAMES = ('w0', 'w1', 'w2')
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


def _outcome(ended: Ended) -> claim.Outcome:
    payload = FORTYTWO if ended.kind in 'FRAM' else TRACEBACK
    return claim.Outcome(ended.kind, claim.Lease(ended.queue, ended.id, ended.execution), 1, 2, ended.ttl, payload)


def _plain(answer: Any) -> Any:
    """An answer without bytes."""
    if isinstance(answer, bytes):
        return answer.decode()
    return type(answer)(map(_plain, answer)) if type(answer) in {list, tuple} else answer


class Machine(RuleBasedStateMachine):
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

    def teardown(self) -> None:
        for horse in self.made:
            horse.wire.close()
        self.clients.close()

    # --- both at once

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

    # --- jobs come

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

    # --- workers

    def come(self, name: str) -> None:
        incarnation = f'{len(self.made):016x}'
        self.model.now = jobs.time(self.redis)
        assert self.model.register(name, incarnation)
        horse = Horse(self.clients, name, QUEUES, incarnation)
        self.made.append(horse)
        self.horses[name] = horse

    def worker_comes(self) -> None:
        name = self.dice.choice(NAMES)
        self.model.now = jobs.time(self.redis)
        if not self.model.living(name):
            self.come(name)
            return
        self.both(
            lambda: workers.register(self.redis, name, 'f' * 16, QUEUES, {'state': 'idle'}, WORKER_HASH) is not None,
            lambda: self.model.register(name, 'f' * 16),
        )

    def worker_vanishes(self) -> None:
        name = self.dice.choice(NAMES)
        self.redis.delete(keys.lease(name))
        self.model.vanish(name)

    def renew(self) -> None:
        horse = self.some_horse()
        mine = tuple(held.lease for held in self.held if held.horse is horse)
        leases = [claim.Lease(*lease) for lease in mine]
        self.send(
            lambda: workers.renew(self.redis, horse.name, horse.incarnation, WORKER_HASH, leases, horse.birth()),
            lambda: self.model.renew(horse.name, horse.incarnation, mine),
            horse.name,
        )

    def some_horse(self) -> Horse:
        """A living one as a rule."""
        return self.dice.choice(self.made) if self.dice.random() < 0.15 else self.horses[self.dice.choice(['w0', 'w1'])]

    def some_held(self, most: int = 3) -> tuple[Held, ...]:
        """Runs, most of which are not over."""
        running = [held for held in self.held if held.lease[1:] in self.model.leases[held.queue]]
        return self.dice.some(self.held[-9:] if self.dice.random() < 0.2 else running, most)

    def some_outcomes(self) -> list[Ended]:
        found = []
        for held in self.some_held():
            kind, ttl = self.dice.choice('FFFFXXXYLHGKSRAM'), self.dice.choice([500_000, 500_000, 0, -1])
            if kind in 'RA':
                ttl = 0 if kind == 'A' else self.dice.choice([0, 70])
            found.append(Ended(kind, *held.lease, ttl))
        return found

    # --- runs

    def exchange(self) -> None:
        """finish_and_claim."""
        horse, told, most = self.some_horse(), self.some_outcomes(), self.dice.randint(0, 3)
        served = QUEUES[::-1] if self.dice.random() < 0.5 else QUEUES
        request = horse.request(most, 3, [_outcome(one) for one in told], queues=served)
        both = self.request(horse, request, served, most, told)
        if self.dice.random() < 0.05:  # it is on its way, and may come by a replay
            self.sent.append(both)
            return
        self.send(*both, f'{horse.name} {told}')

    def request(
        self, horse: Horse, request: claim.Claim, served: tuple[str, ...], most: int, told: list[Ended]
    ) -> Both:
        """A numbered request, for both."""

        def real() -> Any:
            answer = claim.exchange(horse.wire, request)
            assert {job_id.decode() for job_id in answer.dropped} <= set(BRIEF) and not answer.broken
            for job in answer.jobs:
                held = Held(horse, served[job.queue], job.id.decode(), job.execution.decode())
                if held not in self.held:
                    self.held.append(held)
            return answer.code, answer.became, [(job.id.decode(), job.execution.decode()) for job in answer.jobs]

        return real, lambda: self.model.exchange(horse.name, horse.incarnation, request.seq, served, most, told)

    def finish(self) -> None:
        told = self.some_outcomes()
        real = [_outcome(one) for one in told]
        self.send(lambda: claim.finish(self.redis, 'w0', real), lambda: self.model.finish(told), told)

    def announce(self) -> None:
        for held in self.some_held(2):
            name, lease = held.horse.name, held.lease
            self.send(
                lambda name=name, lease=lease: workers.announce(self.redis, name, claim.Lease(*lease), 1.0, 10**6),
                lambda lease=lease: self.model.announce(*lease),
                held.id,
            )

    def release(self) -> None:
        leases = sorted((held.lease for held in self.some_held()), key=lambda lease: lease[2][16:])
        self.send(
            lambda: claim.release(self.redis, [claim.Lease(*lease) for lease in leases]),
            lambda: self.model.release(leases),
            leases,
        )

    def release_pack(self) -> None:
        horse = self.some_horse()
        horse.seq += self.dice.rarely([1], 0)
        seq = horse.seq
        self.send(
            lambda: claim.release_pack(self.redis, horse.name, seq),
            lambda: self.model.release_pack(horse.name, seq),
            horse.name,
        )

    def drop_note(self) -> None:
        found = sorted((queue, member) for queue, members in self.model.notes.items() for member in members)
        if found:
            queue, member = self.dice.choice(found)
            told = note.Note(queue, *member.split(':'), '', '', b'', 1)
            self.send(lambda: note.drop(self.redis, told), lambda: self.model.drop_note(queue, member), member)

    # --- time and the dead

    def time_passes(self) -> None:
        seconds = self.dice.choice(STEPS)
        self.lived[-1] += f' {seconds}'
        self.model.now = jobs.time(self.redis)
        older(self.redis, seconds)
        self.model.pass_time(seconds)

    def reap(self) -> None:
        queue = self.dice.choice(QUEUES)
        self.send(
            lambda: {job_id: what for job_id, what, _ in workers.reap(self.redis, queue, TRACEBACK)},
            lambda: self.model.reap(queue),
            queue,
        )

    def promote_due(self) -> None:
        self.send(lambda: enqueue.promote_due(self.redis, QUEUES).moved, lambda: self.model.promote_due(QUEUES))

    # --- people

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
