"""bury: dead workers leave the lists that readers see."""

from __future__ import annotations

from redis import Redis

from rq.store import keys
from rq.store import worker as workers
from tests.store.hands import sent_twice_is_sent_once

ME = 'a' * 16


def register(redis: Redis, name: str, **fields: object) -> None:
    found = {'birth': '2026-11-23T05:24:25.947771Z', 'queues': 'high,low', 'incarnation': ME, **fields}
    assert workers.register(redis, name, ME, ['high', 'low'], found, 480)


def test_a_worker_whose_lease_has_ended_is_shown_no_more(redis: Redis) -> None:
    register(redis, 'dead')
    register(redis, 'living')
    redis.delete(keys.lease('dead'))
    assert workers.bury(redis) == ['dead']
    assert workers.known(redis) == workers.known(redis, 'high') == workers.known(redis, 'low') == ['rq:worker:living']
    assert workers.fetch(redis, 'dead')[b'death']
    assert 0 < redis.ttl(keys.worker('dead')) <= 60


def test_a_worker_of_another_rq_is_left_alone_while_its_hash_lives(redis: Redis) -> None:
    redis.hset('rq:worker:theirs', mapping={'birth': '2026-11-23T05:24:25.947771Z', 'queues': 'high'})
    redis.sadd('rq:workers', 'rq:worker:theirs')
    assert workers.bury(redis) == []
    assert workers.known(redis) == ['rq:worker:theirs']
    redis.delete('rq:worker:theirs')
    assert workers.bury(redis) == []
    assert workers.known(redis) == []


def test_a_worker_that_has_signed_off_is_not_named(redis: Redis) -> None:
    register(redis, 'left')
    workers.retire(redis, 'left', ME, ['high', 'low'])
    assert workers.bury(redis) == []


def test_burying_twice_changes_nothing(redis: Redis) -> None:
    register(redis, 'dead')
    redis.delete(keys.lease('dead'))
    sent_twice_is_sent_once(redis, lambda: workers.bury(redis))
