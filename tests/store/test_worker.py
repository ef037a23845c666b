"""register, renew and retire: a worker's hash, its place in the sets, its lease."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from rq.store import job as jobs
from rq.store import keys
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import age, all_keys, put, sent_twice_is_sent_once
from tests.support.keyspace import difference, snapshot

ME, OTHER = 'a' * 16, 'b' * 16
BIRTH = {'birth': '2026-11-23T05:24:25.947771Z', 'pid': 7, 'queues': 'high,low', 'state': 'started'}
QUEUES = ['high', 'low']


def register(redis: Redis, incarnation: str = ME, name: str = 'w1', ttl: int = 480) -> int | None:
    return workers.register(redis, name, incarnation, QUEUES, BIRTH, ttl)


def renew(redis: Redis, incarnation: str = ME, **more: object) -> bool:
    options = {'ttl': 480, 'leases': [], 'fields': BIRTH} | more
    return workers.renew(redis, 'w1', incarnation, **options)  # type: ignore[arg-type]


# --- register ---------------------------------------------------------------------------------------------------------


def test_a_registered_worker_is_known_with_its_queues(redis: Redis) -> None:
    now = register(redis)
    assert now is not None
    assert abs(now / 1e6 - jobs.time(redis)) < 5
    assert workers.known(redis) == workers.known(redis, 'high') == workers.known(redis, 'low') == ['rq:worker:w1']
    assert workers.is_known(redis, 'w1')
    assert workers.fetch(redis, 'w1') == {
        b'birth': BIRTH['birth'].encode(), b'pid': b'7', b'queues': b'high,low', b'state': b'started',  # type: ignore[attr-defined]
        b'incarnation': ME.encode(),
    }  # fmt: skip
    assert 475 < redis.ttl(keys.worker('w1')) <= 480
    assert redis.get(keys.lease('w1')) == ME.encode()
    assert 28 < redis.ttl(keys.lease('w1')) <= 30


def test_registered_twice_it_is_registered_once(redis: Redis) -> None:
    answers = sent_twice_is_sent_once(redis, lambda: register(redis))
    assert None not in answers


def test_the_name_of_a_living_worker_is_refused_and_nothing_changes(redis: Redis) -> None:
    register(redis)
    before = snapshot(redis)
    assert register(redis, OTHER) is None
    assert difference(before, snapshot(redis)) == {}


def test_the_name_of_a_dead_worker_can_be_taken(redis: Redis) -> None:
    register(redis)
    redis.delete(keys.lease('w1'))
    assert register(redis, OTHER) is not None
    assert redis.get(keys.lease('w1')) == OTHER.encode()


def test_the_name_of_a_retired_worker_can_be_taken_at_once(redis: Redis) -> None:
    register(redis)
    workers.retire(redis, 'w1', ME, QUEUES)
    assert register(redis, OTHER) is not None
    assert redis.hget(keys.worker('w1'), 'death') is None
    assert redis.ttl(keys.worker('w1')) > 60


def test_the_name_of_a_living_rq_worker_is_refused_until_it_says_death(redis: Redis) -> None:
    redis.hset(keys.worker('w1'), mapping={'birth': 'then'})
    redis.expire(keys.worker('w1'), 480)
    assert register(redis) is None
    redis.hset(keys.worker('w1'), 'death', 'now')
    assert register(redis) is not None


def test_a_key_of_a_wrong_type_refuses_the_worker_whole(redis: Redis, disorder: None) -> None:
    redis.set(keys.worker('w1'), 'not mine')
    with pytest.raises(ResponseError, match='WRONGTYPE'):
        register(redis)
    assert all_keys(redis) == [b'rq:worker:w1']


# --- renew ------------------------------------------------------------------------------------------------------------


def test_renewing_keeps_the_worker_and_its_jobs_alive(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    age(redis, 40)
    redis.expire(keys.lease('w1'), 3)
    redis.expire(keys.worker('w1'), 3)
    assert renew(redis, worker.incarnation, leases=[lease], fields=worker.birth())
    assert 28 < redis.ttl(keys.lease('w1')) <= 30
    assert redis.ttl(keys.worker('w1')) > 470
    assert 85 < redis.zscore(keys.wip('default'), lease.member) - jobs.time(redis) <= 90
    assert redis.hget(keys.worker('w1'), 'last_heartbeat').endswith(b'Z')


def test_a_lease_that_is_lost_is_not_made_anew(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    worker.ask(room=0, outcomes=[worker.outcome(worker_job(redis, worker))])
    renew(redis, worker.incarnation, leases=[lease], fields=worker.birth())
    assert not redis.exists(keys.wip('default'))


def worker_job(redis: Redis, worker: object) -> object:
    from rq.store.claim import Claimed

    return Claimed(0, b'a', redis.hget(keys.job('a'), 'execution'), {})


def test_a_name_that_another_has_taken_is_not_renewed(redis: Redis) -> None:
    register(redis)
    redis.delete(keys.lease('w1'))
    register(redis, OTHER)
    before = snapshot(redis)
    assert not renew(redis, ME)
    redis.delete(keys.lease('w1'))  # and not either while the other's lease has run out
    before = snapshot(redis)
    assert not renew(redis, ME)
    assert difference(before, snapshot(redis)) == {}
    assert renew(redis, OTHER)


def test_a_worker_whose_lease_ran_out_takes_it_again(redis: Redis) -> None:
    register(redis)
    redis.delete(keys.lease('w1'))
    assert renew(redis)
    assert redis.get(keys.lease('w1')) == ME.encode()


def test_after_a_flushall_the_worker_is_written_anew(redis: Redis) -> None:
    register(redis)
    before = snapshot(redis)
    redis.flushall()
    assert renew(redis)
    after = snapshot(redis)
    assert difference(before, after).keys() == {b'rq:worker:w1'}
    assert after[b'rq:worker:w1'].value.keys() - before[b'rq:worker:w1'].value.keys() == {b'last_heartbeat'}


def test_a_retired_worker_is_not_revived_by_a_late_renewal(redis: Redis) -> None:
    register(redis)
    workers.retire(redis, 'w1', ME, QUEUES)
    before = snapshot(redis)
    assert not renew(redis)
    assert difference(before, snapshot(redis)) == {}


# --- retire -----------------------------------------------------------------------------------------------------------


def test_a_retired_worker_is_no_longer_known_and_its_hash_tells_of_its_death_for_a_minute(redis: Redis) -> None:
    register(redis)
    redis.hset(keys.worker('w1'), 'current_job', 'a')
    workers.retire(redis, 'w1', ME, QUEUES)
    assert workers.known(redis) == workers.known(redis, 'high') == []
    assert not workers.is_known(redis, 'w1')
    assert not redis.exists(keys.lease('w1'))
    assert redis.hget(keys.worker('w1'), 'death').endswith(b'Z')
    assert redis.hget(keys.worker('w1'), 'current_job') is None
    assert 58 < redis.ttl(keys.worker('w1')) <= 60


def test_retired_twice_it_dies_once(redis: Redis) -> None:
    register(redis)
    sent_twice_is_sent_once(redis, lambda: workers.retire(redis, 'w1', ME, QUEUES))


@pytest.mark.parametrize('leased', [True, False])
def test_an_old_incarnation_does_not_retire_the_new_one(redis: Redis, leased: bool) -> None:
    register(redis)
    redis.delete(keys.lease('w1'))
    register(redis, OTHER)
    if not leased:
        redis.delete(keys.lease('w1'))
    before = snapshot(redis)
    workers.retire(redis, 'w1', ME, QUEUES)
    assert difference(before, snapshot(redis)) == {}


def test_a_worker_whose_hash_is_gone_leaves_the_sets_all_the_same(redis: Redis) -> None:
    register(redis)
    redis.delete(keys.worker('w1'))
    workers.retire(redis, 'w1', ME, QUEUES)
    assert all_keys(redis) == []


def test_a_queue_name_may_hold_any_character(redis: Redis) -> None:
    """Names were joined by newline before."""
    names = ['a b', 'a\nb', 'a,b', 'žluťoučký', '']
    workers.register(redis, 'w1', ME, names, BIRTH, 480)
    assert [workers.known(redis, name) for name in names] == [['rq:worker:w1']] * 5
    workers.retire(redis, 'w1', ME, names)
    assert [workers.known(redis, name) for name in names] == [[]] * 5


# --- bury -------------------------------------------------------------------------------------------------------------


def test_a_worker_that_died_without_a_word_is_buried_once(redis: Redis) -> None:
    register(redis)
    register(redis, OTHER, 'w2')
    redis.hset(keys.worker('w1'), 'current_job', 'a')
    redis.sadd(keys.worker_executions('w1'), 'a:x')
    redis.delete(keys.lease('w1'))
    assert sent_twice_is_sent_once(redis, lambda: workers.bury(redis)) == (['w1'], [])
    assert workers.known(redis) == workers.known(redis, 'high') == workers.known(redis, 'low') == ['rq:worker:w2']
    assert redis.hget(keys.worker('w1'), 'death').endswith(b'Z')
    assert redis.hget(keys.worker('w1'), 'current_job') is None
    assert 58 < redis.ttl(keys.worker('w1')) <= 60
    assert not redis.exists(keys.worker_executions('w1'))


def test_a_worker_whose_hash_has_expired_leaves_the_sets(redis: Redis) -> None:
    register(redis)
    put(redis, 'a', 'low')
    redis.delete(keys.worker('w1'))
    redis.sadd(keys.workers(), 'rq:worker:\udcff'.encode('utf-8', 'surrogateescape'))
    assert workers.bury(redis) == []
    assert workers.known(redis) == workers.known(redis, 'low') == []
    redis.delete(keys.workers_of('high'))


def test_workers_whose_hashes_have_expired_leave_by_tens(redis: Redis) -> None:
    """I14: for each of them all known queues are looked through."""
    redis.sadd(keys.workers(), *(keys.worker(str(number)) for number in range(25)))
    left = []
    for _ in range(3):
        assert workers.bury(redis) == []
        left.append(len(workers.known(redis)))
    assert left == [15, 5, 0]


def test_living_workers_are_not_buried(redis: Redis) -> None:
    register(redis)
    redis.hset(keys.worker('theirs'), 'birth', 'then')  # another RQ's: it has no lease, its hash expires
    redis.expire(keys.worker('theirs'), 480)
    redis.sadd(keys.workers(), keys.worker('theirs'))
    before = snapshot(redis)
    assert workers.bury(redis) == []
    assert difference(before, snapshot(redis)) == {}


def test_a_worker_that_was_cut_off_and_buried_alive_comes_back(redis: Redis) -> None:
    """I10."""
    register(redis)
    renew(redis)
    before = snapshot(redis)
    redis.delete(keys.lease('w1'))
    assert workers.bury(redis) == ['w1']
    assert renew(redis)
    after = snapshot(redis)
    assert difference(before, after).keys() <= {b'rq:worker:w1'}
    assert after[b'rq:worker:w1'].value.keys() == before[b'rq:worker:w1'].value.keys()


def test_a_buried_workers_name_can_be_taken_and_then_it_does_not_come_back(redis: Redis) -> None:
    register(redis)
    redis.delete(keys.lease('w1'))
    workers.bury(redis)
    assert register(redis, OTHER) is not None
    assert not renew(redis, ME)


# --- Readers ----------------------------------------------------------------------------------------------------------


def test_readers_see_what_is_stored(either: Redis, redis: Redis) -> None:
    register(redis)
    register(redis, OTHER, 'w2')
    assert [raw[b'pid'] for raw in workers.fetch_many(either, ['w1', 'w2'])] == [b'7', b'7']
    assert workers.fetch(either, 'w3') == {}
    workers.set_fields(either, 'w1', {'state': 'busy'})
    workers.add_field(either, 'w1', 'total_working_time', 1.5)
    workers.add_field(either, 'w1', 'total_working_time', 1)
    assert redis.hmget(keys.worker('w1'), 'state', 'total_working_time') == [b'busy', b'2.5']
    assert workers.running(either, 'w1') == []
    assert workers.known(either) == ['rq:worker:w1', 'rq:worker:w2']
    assert workers.server_uptime(either) >= 0
