"""The counters of the benchmark and their witnesses, on pieces of work whose cost is known."""

from __future__ import annotations

import subprocess
import sys

import psutil  # type: ignore[import-untyped]
from redis import Redis

from bench.measure.monitor import monitored
from bench.measure.proxy import counted_wire
from bench.measure.throughput import tree_cpu
from bench.server import read_usage

CALLS_THREE = "redis.call('SET', KEYS[1], ARGV[1]) redis.call('GET', KEYS[1]) return redis.call('DEL', KEYS[1])"


def test_a_pipeline_is_one_round_trip_and_its_commands_are_counted_one_by_one(redis: Redis) -> None:
    start = read_usage(redis)
    pipeline = redis.pipeline(transaction=False)
    for _ in range(20):
        pipeline.get('x')
    pipeline.execute()
    spent = read_usage(redis) - start
    assert (spent.round_trips, spent.commands) == (1 + 1, 20 + 1)  # and the reading itself


def test_a_script_is_one_round_trip_and_what_it_calls_are_commands(redis: Redis) -> None:
    redis.ping()
    start = read_usage(redis)
    redis.eval(CALLS_THREE, 1, 'k', 'v')
    spent = read_usage(redis) - start
    assert (spent.round_trips, spent.commands) == (1 + 1, 4 + 1)


def test_a_recording_tells_what_clients_sent_from_what_scripts_called(redis: Redis) -> None:
    binary = bytes(range(256))
    with monitored(redis) as recording:
        redis.set('x', binary)
        redis.eval(CALLS_THREE, 1, 'k', 'v')
    assert [words[0] for words in recording.sent][-2:] == [b'SET', b'EVAL']
    assert recording.sent[-2] == [b'SET', b'x', binary]
    assert [words[0] for words in recording.called] == [b'SET', b'GET', b'DEL']


def test_the_wire_counts_a_turn_for_each_request_that_waits_for_its_reply(redis_url: str) -> None:
    with counted_wire(redis_url) as wire:
        with Redis.from_url(wire.url) as client:
            client.ping()
            before = wire.round_trips
            client.set('x', 'y' * 100_000)
            assert client.get('x') == b'y' * 100_000
            client.pipeline(transaction=False).get('x').get('x').execute()
        assert wire.round_trips - before == 3


def test_the_cpu_of_a_tree_includes_children_that_have_died() -> None:
    burn = 'import time\nwhile time.process_time() < 0.3: pass'
    code = (
        f'import subprocess, sys; subprocess.run([sys.executable, "-c", {burn!r}]); print("done", flush=True); input()'
    )
    with subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b'done\n'
        assert tree_cpu(parent.pid) >= 0.3
        parent.communicate(b'\n')
    assert not psutil.pid_exists(parent.pid)
