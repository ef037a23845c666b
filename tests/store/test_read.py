"""Reading many keys at once."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError
from redis.retry import Retry

from rq.store import read
from tests.support.faults import error
from tests.support.proxy import Proxy

pytestmark = pytest.mark.usefixtures('disorder')


def test_a_key_of_another_type_hides_only_itself(redis: Redis) -> None:
    redis.hset('one', mapping={'a': 1})
    redis.set('two', 'text')
    redis.hset('three', mapping={'a': 3, 'b': 4})
    assert read.hashes(redis, ['one', 'two', 'three', 'none']) == [{b'a': b'1'}, {}, {b'a': b'3', b'b': b'4'}, {}]
    assert read.hash_fields(redis, ['two', 'three', 'none'], 'a', 'b') == [[None, None], [b'3', b'4'], [None, None]]


def test_a_server_that_cannot_be_asked_now_is_an_error_and_no_emptiness(redis: Redis, redis_url: str) -> None:
    redis.hset('one', mapping={'a': 1})
    with Proxy(redis_url) as proxy, Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0)) as client:
        proxy.on('HGETALL', error('LOADING Redis is loading the dataset in memory'))
        with pytest.raises(BusyLoadingError):
            read.hashes(client, ['one'])
        assert read.hashes(client, ['one']) == [{b'a': b'1'}]


def test_it_takes_one_round_trip_per_thousand_keys(redis: Redis) -> None:
    redis.hset('key 2499', 'a', 'last')
    before = redis.info('stats')['total_reads_processed']
    found = read.hash_fields(redis, [f'key {at}' for at in range(2500)], 'a')
    reads = redis.info('stats')['total_reads_processed'] - before
    assert found[-1] == [b'last'] and found[:-1] == [[None]] * 2499
    assert reads < 20  # a request of 1,000 commands may come in several pieces


def test_names_are_sorted_and_what_is_no_name_is_left_out(redis: Redis) -> None:
    redis.sadd('set', 'rq:b', 'rq:a', 'other', 'rq:' + 'x' * read.MOST_NAME)
    redis.set('text', 'text')
    assert read.names(redis, 'set', 100, 'rq:') == (['a', 'b'], 2)
    found, left_out = read.names(redis, 'set', 3)
    assert len(found) + left_out == 4 and found == sorted(found)
    assert read.names(redis, 'text', 100) == read.names(redis, 'none', 100) == ([], 0)


def test_scores_are_read_in_either_version_of_the_protocol() -> None:
    flat, nested = [b'a', b'1', b'b', b'2.5'], [[b'a', 1.0], [b'b', 2.5]]
    assert read.pairs(flat) == read.pairs(nested) == [(b'a', 1.0), (b'b', 2.5)]
    assert read.pairs(None) == read.pairs(ValueError()) == read.pairs([]) == []
    assert read.scored([b'x' * (read.MOST_NAME + 1), b'1', b'b', b'2']) == [('b', 2.0)]
