"""Names and ids with any characters: queues, workers and jobs as other programs may name them."""

from __future__ import annotations

import random

import pytest
from redis import Redis

from rq.store import admin, claim, enqueue, keys
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from rq.store.script import FOLDER
from tests.store.conftest import HorseMaker
from tests.store.hands import TRACEBACK, age, entry, fields, ids, put, status, tokens, waiting

NAMES = [
    'a b',
    'a:b',
    'a:b:',
    ':',
    'žluťoučký kůň',
    '\U0001f40e',
    'a\nb',
    '"',
    "'",
    '%s',
    '{}',
    '{tag}x',
    '\x00',
    '*',
    'a,b',
]


@pytest.mark.parametrize('name', NAMES)
def test_a_queue_with_any_name_works(redis: Redis, horse: HorseMaker, disorder: None, name: str) -> None:
    put(redis, 'a', name)
    put(redis, 'b', name)
    assert queues.names(redis) == [name]
    worker = horse(queues=[name])
    pack = worker.ask(token=name.encode()).jobs
    assert claim.release(redis, [worker.lease(pack[1])]) == 1
    assert worker.ask(room=0, outcomes=[worker.outcome(pack[0])]).became == [b'FINISHED']
    assert (waiting(redis, name), tokens(redis, name)) == (['b'], 1)
    assert workers.nudge(redis, 'w1', [name], 2000) == 0
    admin.suspend(redis, queue=name)
    assert worker.ask().suspended == [name.encode()]
    assert admin.resume(redis, name)
    request = worker.request()
    assert [job.id for job in worker.again(request).jobs] == [job.id for job in worker.again(request).jobs] == [b'b']
    assert claim.release_pack(redis, 'w1', worker.seq) == 1
    assert admin.census(redis, [name]).lists == {name: ['b']}
    redis.delete(keys.lease('w1'))
    worker.ask()
    age(redis, 30, name)
    assert workers.reap(redis, name, TRACEBACK) == [('b', 'QUEUED', 'w1')]
    enqueue.schedule(redis, name, entry('c', name, status='scheduled'), 1)
    assert enqueue.promote_due(redis, [name]) == (1, None, 0)
    assert jobs.cancel(redis, 'c')[0] == b'CANCELED'
    assert queues.empty(redis, name) == 1


@pytest.mark.parametrize('name', NAMES)
def test_a_worker_with_any_name_works(redis: Redis, horse: HorseMaker, disorder: None, name: str) -> None:
    put(redis, 'a')
    worker = horse(name)
    job = worker.one()
    assert workers.announce(redis, name, worker.lease(job), 1.0, 90)
    assert workers.renew(redis, name, worker.incarnation, 480, [worker.lease(job)], worker.birth())
    assert worker.ask(room=0, outcomes=[worker.outcome(job)]).became == [b'FINISHED']
    workers.retire(redis, name, worker.incarnation, worker.queues)
    assert workers.known(redis) == []


@pytest.mark.parametrize('job_id', ['a.b', 'a:b', 'a b', 'žluť', '\x00', 'a\nb', '\U0001f40e', 'é' * 100])
def test_a_job_with_any_id_that_is_text_runs(redis: Redis, horse: HorseMaker, disorder: None, job_id: str) -> None:
    """Ours are [A-Za-z0-9_-]; old programs made others."""
    put(redis, job_id)
    worker = horse()
    request = worker.request()
    worker.again(request)
    (job,) = worker.again(request).jobs
    assert job.id.decode() == job_id
    assert worker.ask(room=0, outcomes=[worker.outcome(job)]).became == [b'FINISHED']
    assert status(redis, job_id) == 'finished'
    put(redis, job_id, call='again')
    worker.ask()
    redis.delete(keys.lease('w1'))
    age(redis, 30)
    assert workers.reap(redis, 'default', TRACEBACK) == [(job_id, 'QUEUED', 'w1')]


@pytest.mark.parametrize(
    'raw', [b'\xff', b'a\xc3', b'\xc3\x28', b'\xed\xa0\x80', b'\xf5\x80\x80\x80', b'\xc0\x80', b'\xe2\x82']
)
def test_an_id_that_is_no_text_is_dropped_and_ends_nothing(
    redis: Redis, horse: HorseMaker, disorder: None, raw: bytes
) -> None:
    redis.rpush(keys.queue('default'), raw)
    redis.hset(b'rq:job:' + raw, mapping=fields())
    put(redis, 'a')
    assert queues.ids(redis, 'default') == [raw.decode('utf-8', 'backslashreplace'), 'a']
    answer = horse().ask()
    assert (ids(answer), answer.dropped) == (['a'], [raw])
    redis.zadd(keys.wip('default'), {raw + b':' + b'e' * 32: 1})
    (taken,) = workers.reap(redis, 'default', TRACEBACK)
    assert taken[:2] == (raw.decode('utf-8', 'backslashreplace'), 'QUEUED')
    assert admin.census(redis, ['default']).status['a'] == 'started'


def test_lua_knows_utf_8_as_python_does(redis: Redis) -> None:
    text = (FOLDER / 'lib' / 'utf8.lua').read_text()
    run = redis.register_script(
        f'{text}\nlocal a = {{}}\nfor i, s in ipairs(ARGV) do a[i] = is_text(s) and 1 or 0 end\nreturn a'
    )
    dice = random.Random(7)
    marks = [
        'a',
        'é',
        '€',
        '\U0001f40e',
        '\ud7ff',
        '\ue000',
        '\uffff',
        '\U00010000',
        '\U0010ffff',
        '\x00',
        '\x7f',
        '\x80',
    ]
    samples = [''.join(dice.choices(marks, k=3)).encode() for _ in range(200)]
    samples += [sample[:cut] + sample[cut + 1 :] for sample in samples for cut in range(0, len(sample), 2)]
    samples += [bytes(dice.choices(range(256), k=4)) for _ in range(1000)]
    samples += [bytes([0xE0 + high, low, 0x80]) for high in range(32) for low in range(0x7F, 0xC1)]

    def is_text(sample: bytes) -> int:
        try:
            sample.decode()
        except UnicodeDecodeError:
            return 0
        return 1

    for at in range(0, len(samples), 1000):
        part = samples[at : at + 1000]
        assert run(args=part) == [is_text(sample) for sample in part]
