"""What workers do: they come and vanish, claim, finish and give back, and do what time has made due."""

from __future__ import annotations

from typing import Any

from rq.store import claim, enqueue, keys, note
from rq.store import job as jobs
from rq.store import worker as workers
from tests.model.dice import BRIEF, QUEUES, STEPS
from tests.model.pair import Both, Held, Pair
from tests.model.runs import WORKER_HASH, Ended
from tests.model.view import older
from tests.store.hands import FORTYTWO, TRACEBACK, Horse

__all__ = ['Crew']

NAMES = ('w0', 'w1', 'w2')


def _outcome(ended: Ended) -> claim.Outcome:
    payload = FORTYTWO if ended.kind in 'FRAM' else TRACEBACK
    return claim.Outcome(ended.kind, claim.Lease(ended.queue, ended.id, ended.execution), 1, 2, ended.ttl, payload)


class Crew(Pair):
    """Workers, living and dead."""

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
