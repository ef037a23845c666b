"""What is said on a channel: heard while the connection lives, and again soon after it did not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import RedisError

from rq.connections import clone
from rq.store import listen
from rq.store.listen import Listener
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as between:
        yield between


@pytest.fixture
def listener(proxy: Proxy) -> Iterator[Listener]:
    """One behind the proxy, by its own client."""
    with Redis.from_url(proxy.url) as client:
        made = Listener(clone(client, 0.2), listen.channel('w1'))
        yield made
        made.close()


def hear(listener: Listener, most: int = 10) -> list[bytes]:
    """What was said; while the server is away nothing is."""
    try:
        return [message['data'] for message in listener.read(most) if message['type'] == 'message']
    except (RedisError, OSError):
        assert not listener.listening
        return []


def hears(listener: Listener, redis: Redis, word: str) -> None:
    """Says a word again and again until it is heard."""
    wait_for(lambda: (listen.publish(redis, 'w1', word), word.encode() in hear(listener))[1], interval=0.02)


def test_what_is_said_is_heard_in_order_a_few_at_a_time(listener: Listener, redis: Redis) -> None:
    assert listen.publish(redis, 'w1', 'too early') == 0
    assert hear(listener) == []
    wait_for(lambda: listen.publish(redis, 'w1', '0'))
    for number in range(1, 30):
        listen.publish(redis, 'w1', str(number))
    heard: list[bytes] = []

    def some() -> bool:
        messages = hear(listener, 7)
        assert len(messages) <= 7
        heard.extend(messages)
        return len(heard) == 30

    wait_for(some)
    assert heard == [b'%d' % number for number in range(30)]


def test_after_a_cut_it_listens_again(listener: Listener, redis: Redis, proxy: Proxy) -> None:
    hears(listener, redis, 'before')
    proxy.cut_all()
    hears(listener, redis, 'after')
    proxy.down()
    wait_for(lambda: hear(listener) == [] and not listener.listening)
    assert listener.fileno() == -1
    proxy.up()
    hears(listener, redis, 'again')


def test_a_connection_on_which_nobody_answers_is_given_up(
    listener: Listener, redis: Redis, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error tells of a router that has forgotten it."""
    monkeypatch.setattr(listen, 'PING_EVERY', 0.3)
    hears(listener, redis, 'before')
    proxy.black_hole()
    wait_for(lambda: not hear(listener) and not listener.listening, 5)
    proxy.heal()
    hears(listener, redis, 'after')


def test_a_silent_channel_costs_a_ping_now_and_then(
    listener: Listener, redis: Redis, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, 'PING_EVERY', 0.2)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        assert hear(listener) == []
        time.sleep(0.01)
    assert listener.listening, 'it was answered each time'
    hears(listener, redis, 'still here')


def test_closed_twice_is_closed(listener: Listener, redis: Redis) -> None:
    hears(listener, redis, 'before')
    listener.close()
    listener.close()
    assert (listener.fileno(), listener.listening) == (-1, False)
    wait_for(lambda: listen.publish(redis, 'w1', 'nobody') == 0)
