"""What becomes of a job whose process died: its policy, its worker's, the count of its deaths; and `fail`, told at the claim."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.results import decode_exception, encode_death
from rq.store import claim, keys
from rq.store import job as jobs
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import Horse, age, hold, ids, put, sent_twice_is_sent_once, status, waiting

DEATH = encode_death('it died of this\n\nFile "x.py", line 3 in f')


def lose(worker: Horse, kind: str = 'L', payload: bytes = DEATH) -> bytes:
    """What becomes of the one job that waits when the process dies that took it."""
    [became] = claim.finish(worker.redis, worker.name, [worker.outcome(worker.one(), kind, payload=payload)])
    return became


def vanish(worker: Horse) -> list[tuple[str, ...]]:
    """The whole host is gone, and others take what it had."""
    worker.redis.delete(keys.lease(worker.name))
    for queue in worker.queues:
        age(worker.redis, 26, queue)
    return workers.reap(worker.redis, 'default', DEATH)


def told(redis: Redis, job_id: str = 'a') -> str:
    entry = jobs.last_result(redis, job_id)
    assert entry is not None
    return str(decode_exception(entry[1][b'exc_string']))


# --- policies


@pytest.mark.parametrize(
    ('fields', 'of_worker', 'became'),
    [
        ({}, '', [b'FAILED']),
        ({'retries_left': 1}, '', [b'QUEUED', b'FAILED']),
        ({'retries_left': 1, 'retry_intervals': '[5]'}, 'nonsense', [b'SCHEDULED']),
        ({'on_lost': 'fail', 'retries_left': 9}, 'requeue', [b'FAILED']),
        ({'retries_left': 9}, 'fail', [b'FAILED']),
        ({'on_lost': 'requeue'}, 'fail', [b'QUEUED', b'QUEUED', b'FAILED']),
        ({}, 'requeue', [b'QUEUED', b'QUEUED', b'FAILED']),
        ({'on_lost': 'nonsense'}, 'requeue', [b'QUEUED', b'QUEUED', b'FAILED']),
    ],
)
def test_a_lost_job_follows_its_own_policy_else_its_workers(
    redis: Redis, horse: HorseMaker, fields: dict[str, object], of_worker: str, became: list[bytes]
) -> None:
    put(redis, 'a', **fields)
    worker = horse()
    if of_worker:
        redis.hset(keys.worker('w1'), 'on_lost', of_worker)
    assert [lose(worker) for _ in became] == became


def test_requeued_ones_go_to_the_end_so_that_others_flow_and_keep_their_retries(
    redis: Redis, horse: HorseMaker
) -> None:
    put(redis, 'a', on_lost='requeue', retries_left=2)
    put(redis, 'b')
    worker = horse()
    claim.finish(redis, 'w1', [worker.outcome(worker.one(room=1), 'L', payload=DEATH)])
    assert waiting(redis) == ['b', 'a']
    assert redis.hget(keys.job('a'), 'retries_left') == b'2'


def test_told_twice_a_death_is_counted_once(redis: Redis, horse: HorseMaker) -> None:
    """I6."""
    put(redis, 'a', on_lost='requeue')
    worker = horse()
    outcome = worker.outcome(worker.one(), 'L', payload=DEATH)
    first, second = sent_twice_is_sent_once(redis, lambda: claim.finish(redis, 'w1', [outcome]))
    assert (first, second) == ([b'QUEUED'], [b'STALE'])
    assert redis.hget(keys.job('a'), 'losses') == b'1'


# --- deaths


@pytest.mark.parametrize(('most', 'deaths'), [(None, 3), ('1', 1), ('5', 5), ('many', 3)])
def test_i11_so_many_deaths_fail_it_with_the_evidence(
    redis: Redis, horse: HorseMaker, most: str | None, deaths: int
) -> None:
    put(redis, 'a', on_lost='requeue')
    for number in range(deaths):
        worker = horse(f'w{number}')
        if most is not None:
            redis.hset(keys.worker(worker.name), 'max_deaths', most)
        assert lose(worker) == (b'FAILED' if number == deaths - 1 else b'QUEUED')
    text = told(redis)
    if deaths == 1:
        assert text == 'it died of this\n\nFile "x.py", line 3 in f'
        return
    lines = text.splitlines()
    assert lines[0] == (
        f'rq.exceptions.AbandonedJobError: the process of this job died {deaths} times, so it is not run again:'
    )
    assert [line.split(' ', 1)[1] for line in lines[1 : deaths + 1]] == [
        f'worker w{number}: it died of this' for number in range(deaths)
    ]
    assert text.endswith('\n\nit died of this\n\nFile "x.py", line 3 in f')


def test_without_a_limit_a_job_may_die_for_ever_and_its_record_stays_short(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', on_lost='requeue')
    worker = horse()
    redis.hset(keys.worker('w1'), 'max_deaths', 0)
    assert {lose(worker) for _ in range(14)} == {b'QUEUED'}
    assert redis.hget(keys.job('a'), 'losses') == b'14'
    assert len(redis.hget(keys.job('a'), 'deaths').splitlines()) == 10  # type: ignore[union-attr]


@pytest.mark.parametrize('losses', ['many', 'nan', '-inf', '-4', ''])
def test_a_count_that_is_none_counts_from_nothing(redis: Redis, horse: HorseMaker, losses: str) -> None:
    put(redis, 'a', on_lost='requeue', losses=losses)
    assert lose(horse()) == b'QUEUED'
    assert redis.hget(keys.job('a'), 'losses') == b'1'


@pytest.mark.parametrize('length', [*range(12), 253, 254, 255, 256, 7_999, 8_000])
def test_the_evidence_is_stored_as_readers_of_rq_expect(redis: Redis, horse: HorseMaker, length: int) -> None:
    put(redis, 'a', on_lost='requeue', losses=2)
    payload = ('ü' * length).encode() + b'\n' + DEATH.splitlines()[-1]
    assert lose(horse(), payload=payload) == b'FAILED'
    text = told(redis)
    assert text.startswith('rq.exceptions.AbandonedJobError: the process of this job died 3 times')
    assert text.endswith('ü' * length) or len(text.encode()) >= 8000


def test_a_run_that_ends_well_clears_the_count_of_a_job_that_repeats(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', on_lost='requeue', repeats_left=3)
    worker = horse()
    lose(worker)
    worker.ask(outcomes=[worker.outcome(worker.one())], room=0)
    assert redis.hmget(keys.job('a'), 'losses', 'deaths', 'repeats_left') == [None, None, b'2']


@pytest.mark.parametrize(
    ('kind', 'fields', 'became'),
    [
        ('G', {'on_lost': 'requeue'}, b'QUEUED'),
        ('K', {'on_lost': 'requeue'}, b'QUEUED'),
        ('G', {'on_lost': 'fail', 'retries_left': 3}, b'FAILED'),
        ('G', {'retries_left': 3}, b'QUEUED'),
        ('G', {}, b'FAILED'),
    ],
)
def test_a_worker_that_had_to_stop_counts_no_death(
    redis: Redis, horse: HorseMaker, kind: str, fields: dict[str, object], became: bytes
) -> None:
    put(redis, 'a', losses=2, **fields)
    assert lose(horse(), kind) == became
    assert redis.hget(keys.job('a'), 'losses') == b'2'
    assert bool(redis.zcard(keys.aftermath('default'))) == (kind == 'K')


def test_what_a_stop_cuts_short_goes_back_to_the_head(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', on_lost='requeue')
    put(redis, 'b')
    worker = horse()
    claim.finish(redis, 'w1', [worker.outcome(worker.one(room=1), 'G', payload=DEATH)])
    assert waiting(redis) == ['a', 'b']


# --- reaped


@pytest.mark.parametrize('announced', [True, False])
def test_i11_jobs_of_vanished_hosts_count_as_dead_too(redis: Redis, horse: HorseMaker, announced: bool) -> None:
    put(redis, 'a', on_lost='requeue')
    became = []
    for number in range(3):
        worker = horse(f'w{number}')
        job = worker.one()
        if announced:
            workers.announce(redis, worker.name, worker.lease(job), 1.0, 90)
        became += [what for _, what, _ in vanish(worker)]
    assert became == ['QUEUED', 'QUEUED', 'FAILED']
    assert [f'worker w{number}: it died of this' in told(redis) for number in range(3)] == [True] * 3


def test_a_lease_of_another_rq_follows_the_policy_too(redis: Redis) -> None:
    put(redis, 'a', status='started', on_lost='requeue')
    redis.lpop(keys.queue('default'))
    hold(redis, 'a', 'e' * 32, jobs.time(redis) - 30)
    assert workers.reap(redis, 'default', DEATH) == [('a', 'QUEUED', '')]


# --- never two starts


def test_a_job_that_must_not_start_twice_is_taken_alone_and_announced_by_its_claim(
    redis: Redis, horse: HorseMaker
) -> None:
    for number in range(6):
        put(redis, str(number), **({'on_lost': 'fail'} if number in (2, 3) else {}))
    worker = horse()
    assert ids(worker.ask()) == ['0', '1']
    answer = worker.ask()
    assert ids(answer) == ['2']
    execution = answer.jobs[0].execution.decode()
    assert redis.hget(keys.job('2'), 'announced') == execution.encode()
    assert redis.hget(keys.execution('2', execution), 'worker_name') == b'w1'
    assert workers.running(redis, 'w1') == [f'2:{execution}']
    assert ids(worker.ask()) == ['3']
    assert ids(worker.ask()) == ['4', '5']


def test_it_is_taken_alone_from_several_queues(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', 'high')
    put(redis, 'b', 'low', on_lost='fail')
    put(redis, 'c', 'low')
    worker = horse(queues=['high', 'low'])
    assert [ids(worker.ask()) for _ in range(3)] == [['a'], ['b'], ['c']]


@pytest.mark.parametrize('of_worker', [False, True])
def test_it_never_starts_twice_also_when_its_host_vanishes_as_it_begins(
    redis: Redis, horse: HorseMaker, of_worker: bool
) -> None:
    put(redis, 'a', retries_left=5, **({} if of_worker else {'on_lost': 'fail'}))
    put(redis, 'b', retries_left=5, **({} if of_worker else {'on_lost': 'fail'}))
    worker = horse()
    if of_worker:
        redis.hset(keys.worker('w1'), 'on_lost', 'fail')
    assert ids(worker.ask()) == ['a']
    assert vanish(worker) == [('a', 'FAILED', 'w1')]
    assert told(redis).startswith('it died of this')
    assert waiting(redis) == ['b']


def test_unbegun_it_goes_back_and_its_announcement_goes(redis: Redis, horse: HorseMaker) -> None:
    """A horse that dies before it begins it, or is told to stop: that is no start."""
    put(redis, 'a', on_lost='fail')
    worker = horse()
    job = worker.one()
    assert claim.release(redis, [worker.lease(job)]) == 1
    assert (status(redis, 'a'), waiting(redis)) == ('queued', ['a'])
    assert redis.hget(keys.job('a'), 'announced') is None
    assert not redis.exists(keys.execution('a', job.execution.decode()))


def test_taken_by_hand_it_is_announced_as_well(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', on_lost='fail')
    horse()
    lease = claim.Lease('default', 'a', 'f' * 32)
    assert claim.hold(redis, 'w1', lease)[0] == 'OK'
    assert redis.hget(keys.job('a'), 'announced') == b'f' * 32


def test_a_new_use_of_an_id_has_neither_policy_nor_deaths_of_the_old(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', on_lost='requeue', call='one')
    lose(horse())
    put(redis, 'a', call='two')
    assert redis.hmget(keys.job('a'), 'on_lost', 'losses', 'deaths') == [None, None, None]
