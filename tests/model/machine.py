"""The real store and the model, driven with the same calls: what hypothesis makes its lives of.

Each rule makes a request and sends it to both; the answers must be equal, and after each step so must be what they hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis import Redis

from rq.store import admin, claim, depend, enqueue, limit, note
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from tests.model.job import Told
from tests.model.runs import WORKER_HASH, Ended, Model
from tests.model.view import View, older
from tests.store.hands import FORTYTWO, TRACEBACK, Horse, entry
from tests.support.invariants import violations

__all__ = ['Machine', 'entry_of']

QUEUES = ('high', 'low')
NAMES = ('w0', 'w1', 'w2')
IDS = tuple(f'job-{number}' for number in range(6))
# Seconds that pass at once, and waits: no sum of the first comes near 25, 30, 70, 150 or 604, so that the few
# milliseconds between the clocks of the two sides decide nothing.
STEPS = (16, 40, 184)
WAITS = (0, 70, 604)
SLACK = 3.0

job_ids = st.sampled_from(IDS)
queue_names = st.sampled_from(QUEUES)
numbers = st.none() | st.integers(0, 2)
intervals = st.lists(st.sampled_from(WAITS), max_size=2).map(tuple)


def rarely(strategy: st.SearchStrategy[Any], otherwise: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([False, False, True]).flatmap(lambda yes: strategy if yes else st.just(otherwise))


def told(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    return st.fixed_dictionaries(options).map(lambda found: Told(**found))


common = {
    'id': job_ids,
    'queue': queue_names,
    'later_front': rarely(st.booleans(), False),
    'retries': rarely(st.integers(0, 2), None),
    'retry_intervals': intervals,
    'retry_front': rarely(st.booleans(), False),
    'repeats': rarely(st.integers(0, 2), None),
    'repeat_intervals': intervals,
    'failure_ttl': rarely(st.sampled_from([0, -1]), None),
    'ttl': rarely(st.just(1_000_000), 0),
    'callbacks': rarely(st.booleans(), False),
    'webhooks': rarely(st.booleans(), False),
}
others = st.lists(job_ids, max_size=3, unique=True).map(tuple)
waiting = {
    **common,
    'others': others,
    'allow': st.booleans(),
    'limit': st.sampled_from(['', 'k', 'l']),
    'most': st.sampled_from([1, 1, 2]),
}
plain = told(**common, front=rarely(st.booleans(), False), unique=rarely(st.booleans(), False))
dependent = told(**waiting)
bulk = st.lists(
    told(**{**common, 'queue': st.just('')}, front=rarely(st.booleans(), False))
    | told(**{**waiting, 'queue': st.just('')}),
    min_size=1, max_size=4, unique_by=lambda told: told.id,
)  # fmt: skip
outcomes = st.sampled_from('FFFXXYLHSRAM')
ttls = st.sampled_from([500_000, 500_000, 0, -1])


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


class Held(NamedTuple):
    """A run that was claimed, and by whom; it may be over."""

    horse: Horse
    queue: str
    id: str
    execution: str

    @property
    def lease(self) -> tuple[str, str, str]:
        return self.queue, self.id, self.execution

    def ended(self, kind: str, ttl: int) -> Ended:
        if kind == 'A' or (kind == 'R' and ttl < 0):
            ttl = 0
        elif kind == 'R' and ttl:
            ttl = 70
        return Ended(kind, *self.lease, ttl)


def _outcome(ended: Ended) -> claim.Outcome:
    payload = FORTYTWO if ended.kind in 'FRAM' else TRACEBACK
    return claim.Outcome(ended.kind, claim.Lease(ended.queue, ended.id, ended.execution), 1, 2, ended.ttl, payload)


def _plain(answer: Any) -> Any:
    """An answer without bytes."""
    if isinstance(answer, bytes):
        return answer.decode()
    if isinstance(answer, list | tuple) and not isinstance(answer, str):
        return type(answer)(map(_plain, answer)) if type(answer) in {list, tuple} else answer
    return answer


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
        self.sent: list[tuple[Callable[[], Any], Callable[[], Any]]] = []
        self.calls = 0

    # --- both at once

    def both(self, real: Callable[[], Any], model: Callable[[], Any]) -> Any:
        self.model.now = jobs.time(self.redis)
        expected, found = model(), _plain(real())
        assert found == expected, f'the store answers {found!r}, the model {expected!r}'
        return found

    def send(self, real: Callable[[], Any], model: Callable[[], Any]) -> Any:
        """A request that may be sent again, any time."""
        self.sent.append((real, model))
        return self.both(real, model)

    def called(self, told: Told, **more: Any) -> Told:
        """As told, by a call of its own."""
        self.calls += 1
        return Told(**{**vars(told), 'call': f'call-{self.calls}', **more})

    @invariant()
    def they_hold_the_same(self) -> None:
        view = View(self.redis)
        found, expected = view.projection(), self.model.projection()
        wrong = {name: (found[name], expected[name]) for name in expected if found[name] != expected[name]}
        assert not wrong, '\n'.join(f'{name}: the store has {a}, the model {b}' for name, (a, b) in wrong.items())
        self._same_times(view)
        self._same_order(view)
        assert violations(self.redis) == []

    def _same_times(self, view: View) -> None:
        """Times are compared with some slack, and the store's are taken over: they decide in which order things are."""
        for mine, theirs in (
            (self.model.registries['scheduled'], view.scores('scheduled')),
            (
                {q: {':'.join(m): s for m, s in found.items()} for q, found in self.model.leases.items()},
                view.scores('wip'),
            ),
        ):
            for queue, scores in mine.items():
                for member, score in scores.items():
                    at = theirs[queue][member]
                    assert abs(at - score) < SLACK, f'{member} of {queue}: {at - score:+.1f} s'
        for queue, members in self.model.leases.items():
            for member in members:
                members[member] = view.scores('wip')[queue][':'.join(member)]
        for queue, due in self.model.registries['scheduled'].items():
            due.update({job_id: view.scores('scheduled')[queue][job_id] for job_id in due})

    def _same_order(self, view: View) -> None:
        """Those who wait for one job are told of its end in any order: the model takes the server's."""
        for job_id, told in view.dependents(self.redis).items():
            mine = self.model.awaited.get(job_id, [])
            assert set(mine) <= set(told), f'{job_id}: the store tells {told}, the model {mine}'
            self.model.awaited[job_id] = [name for name in told if name in mine]

    def teardown(self) -> None:
        for horse in self.made:
            horse.wire.close()
        self.clients.close()

    # --- jobs come

    @rule(told=plain)
    def enqueue(self, told: Told) -> None:
        told = self.called(told)
        self.send(lambda: enqueue.enqueue(self.redis, told.queue, entry_of(told)), lambda: self.model.enqueue(told))

    @rule(told=plain)
    def write_only(self, told: Told) -> None:
        told = self.called(told, unique=False, front=False)
        written = entry_of(told, push=False, status='created')
        self.send(lambda: enqueue.enqueue(self.redis, told.queue, written), lambda: self.model.write_only(told))

    @rule(told=plain, wait=st.sampled_from(WAITS), others=rarely(others, ()), allow=st.booleans())
    def schedule(self, told: Told, wait: int, others: tuple[str, ...], allow: bool) -> None:
        told = self.called(told, front=False, others=others, allow=allow)
        due = int(jobs.time(self.redis)) + wait
        real = entry_of(told, status='scheduled')
        self.send(lambda: enqueue.schedule(self.redis, told.queue, real, due), lambda: self.model.schedule(told, due))

    @rule(told=dependent)
    def enqueue_when_ready(self, told: Told) -> None:
        told = self.called(told)
        real = entry_of(told)
        self.send(
            lambda: enqueue.enqueue_when_ready(self.redis, told.queue, real),
            lambda: self.model.enqueue_when_ready(told),
        )

    @rule(queue=queue_names, some=bulk)
    def enqueue_many(self, queue: str, some: list[Told]) -> None:
        told = tuple(self.called(one, queue=queue) for one in some)
        real = [entry_of(one) for one in told]
        self.send(lambda: enqueue.enqueue_many(self.redis, queue, real), lambda: self.model.enqueue_many(queue, told))

    # --- workers

    @initialize()
    def two_workers(self) -> None:
        self.come('w0')
        self.come('w1')

    def come(self, name: str) -> None:
        incarnation = f'{len(self.made):016x}'
        assert self.both(lambda: True, lambda: self.model.register(name, incarnation))
        horse = Horse(self.clients, name, QUEUES, incarnation)
        self.made.append(horse)
        self.horses[name] = horse

    @rule(name=st.sampled_from(NAMES))
    def worker_comes(self, name: str) -> None:
        self.model.now = jobs.time(self.redis)
        if not self.model.living(name):
            self.come(name)
            return
        self.both(
            lambda: workers.register(self.redis, name, 'f' * 16, QUEUES, {'state': 'idle'}, WORKER_HASH) is not None,
            lambda: self.model.register(name, 'f' * 16),
        )

    @rule(name=st.sampled_from(NAMES))
    def worker_vanishes(self, name: str) -> None:
        self.redis.delete(f'rq:lease:{name}')
        self.model.vanish(name)

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        horse = self.some_horse(data)
        mine = tuple(held.lease for held in self.held if held.horse is horse)
        leases = [claim.Lease(*lease) for lease in mine]
        self.send(
            lambda: workers.renew(self.redis, horse.name, horse.incarnation, WORKER_HASH, leases, horse.birth()),
            lambda: self.model.renew(horse.name, horse.incarnation, mine),
        )

    def some_horse(self, data: st.DataObject) -> Horse:
        return data.draw(st.sampled_from(self.made), 'horse')

    def some_held(self, data: st.DataObject, most: int = 3) -> list[Held]:
        """Runs, some of which may be over."""
        if not self.held:
            return []
        recent = self.held[-8:]
        return data.draw(st.lists(st.sampled_from(recent), max_size=most, unique=True), 'runs')

    # --- runs

    @rule(data=st.data(), most=st.integers(0, 3), turned=st.booleans(), skip=rarely(st.booleans(), False))
    def exchange(self, data: st.DataObject, most: int, turned: bool, skip: bool) -> None:
        """finish_and_claim."""
        horse = self.some_horse(data)
        told = [held.ended(data.draw(outcomes), data.draw(ttls)) for held in self.some_held(data)]
        served = QUEUES[::-1] if turned else QUEUES
        request = horse.request(most, 3, [_outcome(one) for one in told], queues=served)
        if skip:  # it is on its way, and may come by a replay
            self.sent.append(self.request(horse, request, served, most, told))
            return
        code, _, _ = self.send(*self.request(horse, request, served, most, told))
        assert code == 'OK' or horse is not self.horses[horse.name]

    def request(
        self, horse: Horse, request: claim.Claim, served: tuple[str, ...], most: int, told: list[Ended]
    ) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """A numbered request, for both."""

        def real() -> Any:
            answer = claim.exchange(horse.wire, request)
            assert not answer.dropped and not answer.broken
            found = [(job.id.decode(), job.execution.decode()) for job in answer.jobs]
            for job in answer.jobs:
                held = Held(horse, served[job.queue], job.id.decode(), job.execution.decode())
                if held not in self.held:
                    self.held.append(held)
            return answer.code, answer.became, found

        return real, lambda: self.model.exchange(horse.name, horse.incarnation, request.seq, served, most, told)

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        told = [held.ended(data.draw(outcomes), data.draw(ttls)) for held in self.some_held(data)]
        real = [_outcome(one) for one in told]
        self.send(lambda: claim.finish(self.redis, 'w0', real), lambda: self.model.finish(told))

    @rule(data=st.data())
    def announce(self, data: st.DataObject) -> None:
        for held in self.some_held(data, 1):
            self.send(
                lambda held=held: workers.announce(self.redis, held.horse.name, claim.Lease(*held.lease), 1.0, 10**6),
                lambda held=held: self.model.announce(*held.lease),
            )

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        leases = sorted((held.lease for held in self.some_held(data)), key=lambda lease: lease[2][16:])
        self.send(
            lambda: claim.release(self.redis, [claim.Lease(*lease) for lease in leases]),
            lambda: self.model.release(leases),
        )

    @rule(data=st.data(), ahead=rarely(st.just(1), 0))
    def release_pack(self, data: st.DataObject, ahead: int) -> None:
        horse = self.some_horse(data)
        horse.seq += ahead
        seq = horse.seq
        self.send(
            lambda: claim.release_pack(self.redis, horse.name, seq), lambda: self.model.release_pack(horse.name, seq)
        )

    @rule(data=st.data())
    def drop_note(self, data: st.DataObject) -> None:
        found = sorted((queue, member) for queue, members in self.model.notes.items() for member in members)
        if found:
            queue, member = data.draw(st.sampled_from(found))
            what, job_id, execution = member.split(':')
            told = note.Note(queue, what, job_id, execution, '', '', b'', 1)
            self.send(lambda: note.drop(self.redis, told), lambda: self.model.drop_note(queue, member))

    # --- time and the dead

    @rule(seconds=st.sampled_from(STEPS))
    def time_passes(self, seconds: int) -> None:
        self.model.now = jobs.time(self.redis)
        older(self.redis, seconds)
        self.model.pass_time(seconds)

    @rule(queue=queue_names)
    def reap(self, queue: str) -> None:
        self.send(
            lambda: {job_id: what for job_id, what, _ in workers.reap(self.redis, queue, TRACEBACK)},
            lambda: self.model.reap(queue),
        )

    @rule()
    def promote_due(self) -> None:
        self.send(lambda: enqueue.promote_due(self.redis, QUEUES).moved, lambda: self.model.promote_due(QUEUES))

    # --- people

    @rule(job_id=job_ids, release=st.booleans(), forget=st.booleans())
    def cancel(self, job_id: str, release: bool, forget: bool) -> None:
        self.send(
            lambda: jobs.cancel(self.redis, job_id, release, forget),
            lambda: self.model.cancel(job_id, release),
        )

    @rule(job_id=job_ids)
    def delete(self, job_id: str) -> None:
        self.send(lambda: jobs.delete(self.redis, job_id), lambda: self.model.delete(job_id))

    @rule(queue=queue_names, ids=st.permutations(IDS).map(lambda ids: tuple(ids[:4])), front=st.booleans())
    def requeue(self, queue: str, ids: tuple[str, ...], front: bool) -> None:
        self.send(lambda: jobs.requeue(self.redis, queue, ids, front), lambda: self.model.requeue(queue, ids, front))

    @rule(queue=queue_names)
    def empty(self, queue: str) -> None:
        self.both(lambda: queues.empty(self.redis, queue), lambda: self.model.empty(queue))

    @rule(job_id=job_ids)
    def enqueue_dependents(self, job_id: str) -> None:
        self.send(lambda: depend.enqueue_dependents(self.redis, job_id), lambda: self.model.enqueue_dependents(job_id))

    @rule(queue=st.sampled_from([None, *QUEUES]))
    def suspend(self, queue: str | None) -> None:
        admin.suspend(self.redis, queue=queue)
        self.model.suspended.add(queue or '')

    @rule()
    def resume(self) -> None:
        for queue in (None, *QUEUES):
            admin.resume(self.redis, queue)
        self.model.suspended.clear()

    # --- nothing to be seen

    @rule()
    def sweep(self) -> None:
        """What looks for jobs that other RQs have lost finds none of ours."""
        for queue in QUEUES:
            assert depend.sweep_deferred(self.redis, queue) == ('0', 0)
        assert limit.sweep(self.redis) == 0
        assert depend.release_dependents(self.redis) == 0

    @rule()
    def scripts_are_flushed(self) -> None:
        self.redis.script_flush()

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Any request comes again, however late."""
        if self.sent:
            back = data.draw(st.integers(1, len(self.sent)), 'back')
            self.both(*self.sent[-back])
