"""What is owed for a horse that cannot speak: in order, and as often as need be."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import keys
from rq.store.claim import Claimed, Lease
from rq.worker.board import BEGUN, CLAIMED, RETURNED, SENDING, Slot, Snapshot
from rq.worker.settlement import End, Settlement, of_death, of_living
from tests.store.conftest import HorseMaker, horse
from tests.store.hands import Horse, ids, put_many, sent_twice_is_sent_once, status, waiting

__all__ = ['horse']


def pack_of(worker: Horse, seq: int, jobs: list[Claimed], states: str, area: int = 0) -> Snapshot:
    """A pack as the supervisor sees it; states: c claimed, b begun, r returned, s sending."""
    known = {'c': CLAIMED, 'b': BEGUN, 'r': RETURNED, 's': SENDING}
    slots = [Slot(worker.lease(job), known[state], 2_000, 180) for job, state in zip(jobs, states, strict=True)]
    outcomes: list[bytes] = []
    for job, state in zip(jobs, states, strict=True):
        if state == 'r':
            told = worker.outcome(job)
            outcomes += [
                str(part).encode() for part in (told.kind, *told.lease, told.started_us, told.ended_us, told.ttl)
            ]
            outcomes.append(told.payload)
    return Snapshot(area, seq, slots, outcomes, 0, 1_000_000, 1_000)


def test_a_death_sends_what_returned_fails_what_ran_and_gives_back_the_rest(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcdef')
    worker = horse()
    pack = worker.ask(room=4).jobs
    ahead = worker.request(room=2)
    assert ids(worker.again(ahead)) == ['e', 'f']
    told = of_death('w1', [pack_of(worker, ahead.seq - 1, pack, 'rbcc')], ahead.seq, End('killed'), 5_000)

    def send() -> list[str]:
        told.run(redis)
        return waiting(redis)

    first, second = sent_twice_is_sent_once(redis, send)
    assert first == second == list('cdef'), 'what was asked for ahead stands behind'
    assert (status(redis, 'a'), status(redis, 'b')) == ('finished', 'failed')
    assert redis.zcard(keys.wip('default')) == 0


def test_an_outcome_that_is_on_the_board_is_no_loss(redis: Redis, horse: HorseMaker) -> None:
    """It died between writing the outcome down and marking the job."""
    put_many(redis, 'a')
    worker = horse()
    pack = pack_of(worker, 1, worker.ask().jobs, 'r')
    pack.slots[0].state = BEGUN
    told = of_death('w1', [pack], 0, End('killed'), 5_000)
    assert told.lost == []
    told.run(redis)
    assert status(redis, 'a') == 'finished'


def test_a_large_outcome_that_its_horse_was_sending_is_lost_with_it(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'a')
    worker = horse()
    told = of_death('w1', [pack_of(worker, 1, worker.ask().jobs, 's')], 0, End('killed'), 5_000)
    assert [outcome.lease.id for outcome in told.lost] == ['a']


@pytest.mark.parametrize(('next_seq', 'pack'), [(0, 0), (7, 0), (8, 8)])
def test_a_request_whose_jobs_are_not_on_the_board_is_given_back_by_its_number(next_seq: int, pack: int) -> None:
    slot = Slot(Lease('default', 'a', 'e'), CLAIMED, 0, 180)
    told = of_death('w1', [Snapshot(0, 7, [slot], [], 0, 0, 0)], next_seq, End('killed'), 0)
    assert told.pack == pack
    assert told.unbegun == [slot.lease]


def test_outcomes_of_a_living_horse_are_counted_from_the_first(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    worker = horse()
    pack = pack_of(worker, 3, worker.ask().jobs, 'rrb', area=1)
    pack.delivered, pack.outcomes = 1, pack.outcomes[8:]
    told = of_living('w1', pack)
    assert (told.area, told.seq, told.count) == (1, 3, 2)
    assert [lease.id for lease in told.leases()] == ['b']


def test_what_it_speaks_for_is_known_by_name(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    worker = horse()
    jobs = worker.ask().jobs
    told = of_death('w1', [pack_of(worker, 1, jobs, 'rbc')], 0, End('killed'), 5_000)
    assert sorted(told.leases()) == sorted(map(worker.lease, jobs))
    assert str(told) == 'a, b, c'
    assert str(Settlement('w1', pack=4)) == 'a pack'
    assert bool(told) and not Settlement('w1')
