"""script.py: scripts by name, their parts put in, run by EVALSHA or by their text; and the clock of lib/time.lua."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from rq.store import claim, enqueue, keys, wire
from rq.store import script as scripts
from rq.store.script import FOLDER, Script, resolve
from tests.store.conftest import HorseMaker
from tests.store.hands import entry, ids, put, put_many, waiting

NAMES = sorted(path.stem for path in FOLDER.glob('*.lua'))
# Commands and their options that Redis 6.2 knows; `LPOP key count`, `XADD NOMKSTREAM` and `LPOS` are the newest.
KNOWN = """
DEL DUMP EXISTS EXPIRE EXPIREAT GET HDEL HEXISTS HGET HGETALL HLEN HMGET HINCRBY HRANDFIELD
HSET HSETNX LLEN LPOP LPOS LPUSH LRANGE LREM LSET MEMORY PERSIST PEXPIRE PEXPIREAT PTTL
RENAME RESTORE RPUSH SADD SCARD SET SISMEMBER SMEMBERS SRANDMEMBER SREM SSCAN TIME TTL
XADD ZADD ZCARD ZPOPMIN ZRANGE ZRANGEBYSCORE ZREM ZREMRANGEBYRANK ZREMRANGEBYSCORE ZSCAN ZSCORE
"""
# What Lua and the server bring.
GIVEN = """
and break do else elseif end false for function if in local nil not or repeat return then true until while
redis cjson string math table tonumber tostring type ipairs pairs pcall unpack error select KEYS ARGV
"""


@pytest.mark.parametrize('name', NAMES)
def test_every_script_is_lua_that_the_server_takes(redis: Redis, name: str) -> None:
    assert redis.script_load(resolve(name)) == Script(name).sha


@pytest.mark.parametrize('name', NAMES)
def test_no_script_uses_a_command_that_redis_6_2_lacks(name: str) -> None:
    used = set(re.findall(r"\b(?:call|try)\(\s*'(\w+)'", resolve(name)))
    assert used <= set(re.findall(r'\w+', KNOWN))


def undefined(name: str) -> set[str]:
    """Global names of a script: everything called or read that no `local` before it has defined."""
    text = re.sub(r"'[^'\n]*'", "''", resolve(name))
    text = re.sub(r'--.*', '', text)
    defined = set(re.findall(r'\w+', GIVEN))
    for names in re.findall(r'\blocal ([\w, ]+)', text):
        defined |= {name.strip() for name in names.split(',')}
    for names in re.findall(r'\bfunction \w*\s*\(([^)]*)\)|\bfor ([\w, ]+?) (?:in|=)|function\(([^)]*)\)', text):
        defined |= {name.strip() for part in names for name in part.split(',')}
    defined |= set(re.findall(r'\bfunction (\w+)', text))
    fields = set(re.findall(r'[.:](\w+)', text)) | set(re.findall(r'\b(\w+) = ', text))
    return set(re.findall(r'(?<![.:\w])([A-Za-z_]\w*)', text)) - defined - fields - {'e1', 'e6', 'e10', 'e12'}


@pytest.mark.parametrize('name', NAMES)
def test_a_script_uses_no_name_that_it_has_not_defined(name: str) -> None:
    """The server would say so only when the line is reached."""
    assert undefined(name) == set()


def test_parts_are_put_in_once_before_what_needs_them_and_comments_are_left_out() -> None:
    text = resolve('finish_and_claim')
    assert text.count('local function k_job(') == 1
    assert text.count('local function try(') == 1
    assert text.index('local function try(') < text.index('local function wake_if_waiting(')
    assert text.index('local function unannounce(') < text.index('local function give_back(')
    assert not re.search(r'^\s*--', text, re.MULTILINE)
    assert '' not in text.splitlines()


def test_a_part_that_does_not_exist_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'a.lua').write_text('--- @include nowhere\nreturn 1\n')
    monkeypatch.setattr(scripts, 'FOLDER', tmp_path)
    with pytest.raises(ValueError, match=r'a\.lua includes nowhere'):
        resolve('a')


@pytest.mark.parametrize('name', NAMES)
def test_no_script_is_longer_than_a_pipeline_can_bear(name: str) -> None:
    """In a caller's pipeline the text travels with each call."""
    own_wire = name == 'finish_and_claim'  # no pipeline carries it
    assert len(resolve(name)) < (36_000 if own_wire else 30_000)


# --- NOSCRIPT ---------------------------------------------------------------------------------------------------------


def test_a_server_that_has_forgotten_the_scripts_is_told_again(redis: Redis) -> None:
    put(redis, 'a')
    redis.script_flush()
    assert put(redis, 'b') == b'QUEUED'
    assert waiting(redis) == ['a', 'b']
    assert redis.script_exists(Script('enqueue').sha) == [True]


def test_a_horse_goes_on_when_the_server_has_forgotten_the_scripts(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    worker = horse()
    packs = []
    for _ in range(3):
        redis.script_flush()
        packs.append(ids(worker.ask(room=1)))
    assert packs == [['a'], ['b'], ['c']]


def test_a_request_that_was_sent_before_the_scripts_were_forgotten_is_answered(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    redis.script_flush()
    request = worker.request()
    request.send(worker.wire)
    assert ids(request.receive(worker.wire)) == ['a']


@pytest.mark.parametrize('transaction', [True, False])
def test_in_a_pipeline_nothing_depends_on_what_the_server_remembers(redis: Redis, transaction: bool) -> None:
    """A NOSCRIPT there would leave half of it applied."""
    redis.script_flush()
    pipeline = redis.pipeline(transaction=transaction)
    pipeline.set('mine', 1)
    enqueue.enqueue(pipeline, 'default', entry('a'))
    enqueue.enqueue(pipeline, 'default', entry('b'))
    pipeline.incr('mine')
    assert waiting(redis) == []
    assert pipeline.execute() == [True, b'QUEUED', b'QUEUED', 2]
    assert waiting(redis) == ['a', 'b']
    redis.delete('mine')


def test_other_errors_of_a_script_are_raised_as_they_are(redis: Redis, disorder: None) -> None:
    redis.set(keys.job('a'), 'x')
    with pytest.raises(ResponseError, match='WRONGTYPE') as caught:
        put(redis, 'a', call='nonce')
    assert not isinstance(caught.value, NoScriptError)


@pytest.mark.parametrize('protocol', [2, 3])
def test_a_horse_speaks_either_protocol(redis_url: str, redis: Redis, horse: HorseMaker, protocol: int) -> None:
    put(redis, 'a', 'queue with spaces')
    with Redis.from_url(redis_url, protocol=protocol) as client:
        worker = horse(redis=client, queues=['queue with spaces'])
        answer = worker.ask()
        assert ids(answer) == ['a']
        assert answer.jobs[0].hash[b'origin'] == b'queue with spaces'
        answer = worker.ask(outcomes=[worker.outcome(answer.jobs[0])])
        assert (answer.became, answer.jobs, answer.dropped) == ([b'FINISHED'], [], [])


# --- wire -------------------------------------------------------------------------------------------------------------


def test_a_wire_sends_and_receives_in_order(redis: Redis) -> None:
    line = wire.Wire(redis)
    assert line.command(b'SET', b'a', b'1') == b'OK'
    line.send(2, line.pack([b'GET', b'a']))
    assert line.receive_ready(5)
    assert line.fileno() > 0
    assert line.receive() == b'1'
    assert not line.receive_ready(0)
    with pytest.raises(ResponseError):
        line.command(b'HGET', b'a', b'b')
    assert line.command(b'DEL', b'a') == 1
    line.close()
    with pytest.raises(RedisConnectionError, match='not connected'):
        line.fileno()
    assert line.command(b'PING') == b'PONG'  # and connects anew
    line.close()


def test_a_wire_does_not_take_a_connection_of_the_pool(redis: Redis) -> None:
    line = wire.Wire(redis)
    line.connect()
    redis.ping()
    line.send(1, wire.bulk(b'PING'))
    redis.ping()
    assert line.receive() == b'PONG'
    line.close()


def test_release_by_a_wireless_client_is_the_same(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    assert claim.release(redis, [worker.lease(worker.one())]) == 1


# --- lib/time.lua -----------------------------------------------------------------------------------------------------

INSTANTS = [
    0, 1, 999_999, 1_000_000, 951_782_399_999_999, 951_782_400_000_000, 951_868_800_000_000, 1_078_012_799_123_456,
    1_709_164_800_000_000, 1_709_251_199_999_999, 1_735_689_599_999_999, 1_735_689_600_000_000, 1_795_425_000_000_001,
    2_147_483_647_000_000, 4_102_444_800_000_000, 4_107_542_399_999_999, 4_107_542_400_000_000, 2**53,
]  # fmt: skip


def test_times_are_written_as_rq_writes_them(redis: Redis) -> None:
    """Leap days, centuries, the last microsecond of a year; and the same second twice, which is kept."""
    body = (FOLDER / 'lib' / 'time.lua').read_text()
    text = f'{body}\nlocal a = {{}}\nfor i, us in ipairs(ARGV) do a[i] = iso(tonumber(us)) end\nreturn a'
    told = redis.eval(text, 0, *(at for at in INSTANTS for _ in range(2)))
    expected = [
        datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)
        for at in INSTANTS
        for _ in range(2)
    ]
    assert [when.decode() for when in told] == [f'{when:%Y-%m-%dT%H:%M:%S.%f}Z' for when in expected]
    text = f'{body}\nlocal a = {{}}\nfor i, us in ipairs(ARGV) do a[i] = epoch(tonumber(us)) end\nreturn a'
    assert redis.eval(text, 0, 1_795_425_000_000_001, 0) == [b'1795425000.000001', b'0.000000']
