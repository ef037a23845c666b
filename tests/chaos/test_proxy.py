"""The proxy does what its rules say, on a real server and with redis-py as the client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from chaos.actions import black_hole, cut_all, delay, delay_reply, drop_reply, drop_request, error, pass_on
from chaos.proxy import Proxy, Shape
from chaos.resp import Frames, command_of
from rq.server import EmbeddedServer

INCREMENT = "return redis.call('INCR', KEYS[1])"


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


@pytest.fixture(params=[2, 3])
def client(request: pytest.FixtureRequest, proxy: Proxy) -> Iterator[Redis]:
    """A client that never sends anything twice by itself."""
    with Redis.from_url(proxy.url, protocol=request.param, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
        yield client


def test_all_kinds_of_replies_pass_unchanged(client: Redis, redis: Redis) -> None:
    big = bytes(range(256)) * 20_000
    client.set('big', big)
    client.hset('hash', mapping={'a': '1', 'b': 'with\r\nnewlines\r\n$3\r\n'})
    client.zadd('sorted', {'x': 1.5, 'y': 2})
    assert client.get('big') == big
    assert client.get('nothing') is None
    assert client.hgetall('hash') == redis.hgetall('hash')
    assert [tuple(pair) for pair in client.zrange('sorted', 0, -1, withscores=True)] == [(b'x', 1.5), (b'y', 2.0)]
    assert client.eval("return {1, {'two', {}}, false}", 0) == redis.eval("return {1, {'two', {}}, false}", 0)
    assert client.lrange('nothing', 0, -1) == []
    assert client.xadd('stream', {'field': 'value'}) in dict(client.xrange('stream'))
    assert client.blpop(['empty'], timeout=0.01) is None


def test_a_pipeline_is_counted_by_request_and_as_one_round_trip(proxy: Proxy, client: Redis) -> None:
    client.ping()
    proxy.reset()
    with client.pipeline(transaction=True) as pipe:
        for number in range(50):
            pipe.rpush('list', number)
        pipe.execute()
    client.llen('list')
    assert proxy.commands == {'MULTI': 1, 'RPUSH': 50, 'EXEC': 1, 'LLEN': 1}
    assert proxy.requests == 53
    assert proxy.round_trips == 2
    assert [link.requests for link in proxy.links] == [53]


def test_connections_are_counted_one_by_one(proxy: Proxy) -> None:
    with Redis.from_url(proxy.url) as first, Redis.from_url(proxy.url) as second:
        first.get('a')
        second.get('b')
        second.get('c')
        assert [link.commands['GET'] for link in proxy.links] == [1, 2]


def test_a_dropped_reply_leaves_the_request_applied(proxy: Proxy, client: Redis, redis: Redis) -> None:
    rule = proxy.on('EVAL', drop_reply(), k=2, match=lambda raw: b'counter' in raw)
    client.eval("return redis.call('INCR', KEYS[1])", 1, 'other')
    assert client.eval(INCREMENT, 1, 'counter') == 1
    with pytest.raises(RedisConnectionError):
        client.eval(INCREMENT, 1, 'counter')
    assert rule.wait()
    assert redis.get('counter') == b'2'
    assert client.eval(INCREMENT, 1, 'counter') == 3
    assert (rule.seen, rule.fired) == (3, 1)


def test_a_client_that_retries_by_itself_applies_a_request_twice_when_its_reply_is_lost(
    proxy: Proxy, redis: Redis
) -> None:
    proxy.on('INCRBY', drop_reply())
    with Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 1)) as client:
        assert client.incr('counter') == 2
    assert redis.get('counter') == b'2'


def test_a_dropped_request_is_never_applied(proxy: Proxy, client: Redis, redis: Redis) -> None:
    rule = proxy.on('INCRBY', drop_request())
    with pytest.raises(RedisConnectionError):
        client.incr('counter')
    assert rule.wait()
    assert redis.get('counter') is None
    assert client.incr('counter') == 1


def test_a_delayed_request_arrives_even_after_its_client_has_hung_up(proxy: Proxy, redis: Redis) -> None:
    rule = proxy.on('INCRBY', delay(0.3))
    with Redis.from_url(proxy.url, socket_timeout=0.05, retry=Retry(NoBackoff(), 0)) as client:
        client.get('x')
        with pytest.raises(RedisTimeoutError):
            client.incr('counter')
        assert client.incr('counter') == 1
    assert rule.wait()
    deadline = time.monotonic() + 5
    while redis.get('counter') != b'2' and time.monotonic() < deadline:
        time.sleep(0.01)
    assert redis.get('counter') == b'2'


def test_a_delayed_reply_is_of_a_request_that_is_applied_at_once(proxy: Proxy, client: Redis, redis: Redis) -> None:
    proxy.on('INCRBY', delay_reply(0.3))
    began = time.monotonic()
    other = threading.Thread(target=client.incr, args=('counter',))
    other.start()
    while redis.get('counter') is None and time.monotonic() < began + 5:
        time.sleep(0.005)
    assert redis.get('counter') == b'1'
    assert other.is_alive()
    other.join(5)
    assert time.monotonic() - began >= 0.3


def test_a_black_hole_is_silent_and_heals(proxy: Proxy, redis: Redis) -> None:
    rule = proxy.on('INCRBY', black_hole())
    with Redis.from_url(proxy.url, socket_timeout=0.1, retry=Retry(NoBackoff(), 0)) as client:
        client.get('x')
        with pytest.raises(RedisTimeoutError):
            client.incr('counter')
        assert rule.wait()
        assert redis.get('counter') is None
        assert client.get('x') is None, 'a new connection is not in the hole'
        proxy.black_hole()
        with pytest.raises(RedisTimeoutError):
            client.get('x')
        proxy.heal()
        assert client.get('x') is None
    deadline = time.monotonic() + 5
    while redis.get('counter') is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert redis.get('counter') == b'1', 'what was sent into the hole arrives late'


def test_cutting_all_resets_connections_that_did_nothing_wrong(proxy: Proxy, redis: Redis) -> None:
    with Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0)) as idle:
        waiting = idle.pubsub()
        waiting.subscribe('channel')
        assert waiting.get_message(timeout=5)
        proxy.on('INCRBY', cut_all())
        with Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0)) as client:
            with pytest.raises(RedisConnectionError):
                client.incr('counter')
            with pytest.raises(RedisConnectionError):
                waiting.connection.read_response()
            assert redis.get('counter') is None
            assert client.incr('counter') == 1
        waiting.close()


def test_an_error_is_answered_in_the_place_of_its_request(proxy: Proxy, client: Redis, redis: Redis) -> None:
    rule = proxy.on('INCRBY', error('OOM command not allowed when used memory > maxmemory.'), k=2, times=None)
    with client.pipeline(transaction=False) as pipe:
        pipe.incr('a').incr('b').get('a').incr('c')
        replies = pipe.execute(raise_on_error=False)
    assert [replies[0], replies[2]] == [1, b'1']
    assert isinstance(replies[1], OutOfMemoryError)
    assert isinstance(replies[3], OutOfMemoryError)
    assert rule.fired == 2
    assert redis.mget('a', 'b', 'c') == [b'1', None, None]


def test_a_blocking_command_can_be_waited_for_and_cut(proxy: Proxy, client: Redis, redis: Redis) -> None:
    blocked = proxy.on('BLPOP', pass_on())
    lost = proxy.on('BLPOP', drop_reply(), k=2)
    popped: list[object] = []
    thread = threading.Thread(target=lambda: popped.append(client.blpop(['list'], timeout=5)))
    thread.start()
    assert blocked.wait()
    redis.rpush('list', 'first')
    thread.join(5)
    assert popped == [(b'list', b'first')] or popped == [[b'list', b'first']]
    redis.rpush('list', 'second')
    with pytest.raises(RedisConnectionError):
        client.blpop(['list'], timeout=5)
    assert lost.wait()
    assert redis.llen('list') == 0, 'the element is gone with the reply'


def test_published_messages_reach_a_subscriber(proxy: Proxy, client: Redis, redis: Redis) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe('channel')
        assert pubsub.get_message(timeout=5)['type'] == 'subscribe'
        redis.publish('channel', 'hello')
        assert pubsub.get_message(timeout=5)['data'] == b'hello'


def test_a_server_that_is_down_comes_back(proxy: Proxy, client: Redis) -> None:
    client.set('x', 1)
    proxy.down()
    for _ in range(2):
        with pytest.raises(RedisConnectionError):
            client.get('x')
    proxy.up()
    assert client.get('x') == b'1'


def test_a_slow_network_delays_every_message_each_way(proxy: Proxy, client: Redis) -> None:
    client.ping()
    proxy.shape = Shape(delay=0.05)
    began = time.monotonic()
    client.ping()
    assert time.monotonic() - began >= 0.1
    proxy.shape = Shape(rate=10_000)
    began = time.monotonic()
    client.set('key', 'x' * 1000)
    assert time.monotonic() - began >= 0.1


def test_what_comes_in_small_pieces_is_whole_in_the_end(proxy: Proxy, client: Redis, redis: Redis) -> None:
    proxy.shape = Shape(pieces=1)
    client.set('key', bytes(range(256)))
    assert client.get('key') == redis.get('key') == bytes(range(256))
    client.set('big', b'x' * 100_000)
    assert client.get('big') == b'x' * 100_000


def test_an_error_does_not_get_into_the_middle_of_a_reply(proxy: Proxy, redis: Redis) -> None:
    redis.set('key', b'x' * 2000)
    proxy.on('SET', error('OOM no'), times=None)
    proxy.shape = Shape(pieces=2)
    with Redis.from_url(proxy.url) as client, client.pipeline(transaction=False) as pipeline:
        answers = pipeline.get('key').set('a', 1).get('key').set('a', 1).execute(raise_on_error=False)
    assert [answers[0], answers[2]] == [b'x' * 2000] * 2
    assert all(isinstance(answer, OutOfMemoryError) for answer in answers[1::2])


def test_an_upstream_that_is_not_there_ends_the_client_and_not_the_proxy(
    other_server: Callable[..., EmbeddedServer],
) -> None:
    server = other_server()
    with Proxy(server.url) as proxy, Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0)) as client:
        server.kill()
        for _ in range(2):
            with pytest.raises(RedisConnectionError):
                client.ping()
        server.start()
        assert client.ping()


def test_leaving_the_block_closes_everything(redis_url: str) -> None:
    threads = threading.active_count()
    with Proxy(redis_url) as proxy:
        client = Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0))
        client.ping()
    with pytest.raises(RedisConnectionError):
        client.ping()
    client.close()
    assert threading.active_count() == threads


def test_values_are_cut_out_of_any_chunks() -> None:
    values = [
        b'+OK\r\n',
        b'$-1\r\n',
        b'$5\r\na\r\nbc\r\n',
        b'*2\r\n:1\r\n*2\r\n$0\r\n\r\n_\r\n',
        b'%1\r\n+key\r\n~2\r\n#t\r\n,1.5\r\n',
        b'|1\r\n+ttl\r\n:3600\r\n*1\r\n:1\r\n',
        b'>2\r\n+message\r\n=7\r\ntxt:abc\r\n',
        b'*-1\r\n',
        b'*0\r\n',
        b'PING\r\n',
    ]
    stream = b''.join(values)
    for size in (1, 2, 3, 7, len(stream)):
        frames = Frames()
        found = [frame for at in range(0, len(stream), size) for frame in frames.feed(stream[at : at + size])]
        assert found == values


def test_the_command_is_read_from_arrays_and_inline_requests() -> None:
    assert command_of(b'*2\r\n$7\r\nevalsha\r\n$1\r\nx\r\n') == 'EVALSHA'
    assert command_of(b'ping\r\n') == 'PING'
    assert command_of(b'\r\n') == ''


def test_a_unix_socket_may_be_upstream(short_path: Path, other_server: Callable[..., EmbeddedServer]) -> None:
    server = other_server(unix_socket=short_path / 'redis.sock', config={'requirepass': 'secret'})
    with Proxy(server.url) as proxy, Redis.from_url(proxy.url) as client:
        assert client.ping()
        assert proxy.commands['PING'] == 1
