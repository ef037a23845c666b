"""The horse: packs, what is asked for ahead, what goes back, and who does it when nobody else can."""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue
from rq.store import keys
from rq.worker import board as layout
from rq.worker import settings
from rq.worker.horse import Limits
from tests.faults import jobs
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for
from tests.worker.conftest import StableMaker
from tests.worker.stable import Stable


def warm_up(stable: Stable, count: int = 300) -> None:
    """Lets the horse learn that jobs are short, so that packs are full and the next is asked for ahead."""
    stable.queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(count)])
    wait_for(lambda: stable.done() == count)
    wait_for(lambda: stable.board.words[layout.PHASE] == layout.Phase.IDLE)


def put_gate_between(stable: Stable, gate: Path, before: int, behind: int) -> None:
    """Jobs 0 .. before - 1, then one that waits for a file, then as many as `behind`, all at once."""
    many = [Queue.prepare_data(jobs.note, (number,)) for number in range(before)]
    many.append(Queue.prepare_data(jobs.until, (before, str(gate)), job_id='gate'))
    many += [Queue.prepare_data(jobs.note, (before + 1 + number,)) for number in range(behind)]
    stable.queue.enqueue_many(many)


# --- what is given back


def test_a_pack_asked_for_ahead_is_not_stranded_when_the_horse_is_quicker_than_its_supervisors_return(
    stable: StableMaker, ledger: Ledger, tmp_path: Path
) -> None:
    one = stable()
    one.start()
    warm_up(one)
    put_gate_between(one, tmp_path / 'open', 10, 300)
    wait_for(lambda: 10 in ledger.begun())
    one.cut_off()
    one.supervisor._take_back()
    (tmp_path / 'open').touch()
    wait_for(lambda: one.done() >= 311, message='the horse goes on by itself')
    one.reconnect()
    one.run_until(lambda: one.done() == 611, 5)
    assert ledger.begun() == list(range(311))
    assert one.count('wip') == 0


def test_what_has_not_begun_is_back_in_its_order_while_a_long_job_runs(
    stable: StableMaker, ledger: Ledger, tmp_path: Path
) -> None:
    one = stable()
    one.start()
    warm_up(one)
    put_gate_between(one, tmp_path / 'open', 10, 300)
    wait_for(lambda: 10 in ledger.begun())
    waiting = len(one.queue.job_ids)
    one.run_until(lambda: len(one.queue.job_ids) > waiting)
    assert one.count('wip') == 1
    assert one.done() == 310
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.done() == 611)
    assert ledger.begun() == list(range(311))


def test_a_pack_of_jobs_that_became_slow_is_handed_back_before_it_has_kept_others_waiting(
    stable: StableMaker, redis: Redis, ledger: Ledger
) -> None:
    one = stable()
    one.start()
    warm_up(one)
    one.queue.enqueue_many([Queue.prepare_data(jobs.note, (number, 0.06)) for number in range(30)])
    wait_for(lambda: len(ledger.begun()) >= 4)
    assert one.count('wip') < 5
    one.run_until(lambda: one.done() == 330)
    assert ledger.begun() == list(range(30))


# --- numbers


def test_a_number_that_the_server_finds_too_small_costs_no_outcome(stable: StableMaker, redis: Redis) -> None:
    one = stable()
    one.start()
    warm_up(one)
    redis.hset(keys.pack('stable'), 'seq', 4_000_000_000_000_000)
    one.queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(200)])
    wait_for(lambda: one.done() == 500, 5)


def test_numbers_that_leap_ahead_again_and_again_lose_nothing(
    stable: StableMaker, redis: Redis, ledger: Ledger
) -> None:
    """As when two workers use one name: each finds that the other one has gone on."""
    one = stable()
    one.start()
    warm_up(one)
    one.queue.enqueue_many([Queue.prepare_data(jobs.note, (number,)) for number in range(3_000)])
    while len(ledger.begun()) < 3_000:
        redis.hincrby(keys.pack('stable'), 'seq', 1_000_000)
        time.sleep(0.004)
    wait_for(lambda: one.done() == 3_300, 5)
    assert ledger.begun() == list(range(3_000))


def test_a_new_worker_of_an_old_name_on_a_server_whose_clock_went_back_runs_jobs(
    stable: StableMaker, redis: Redis
) -> None:
    redis.hset(keys.pack('stable'), 'seq', 4_000_000_000_000_000)
    one = stable(limits=Limits(True, None, None))
    one.queue.enqueue(jobs.noop)
    one.start()
    wait_for(lambda: one.done() == 1, 5)


# --- times


def test_a_job_starts_when_the_one_before_it_has_ended(stable: StableMaker, redis: Redis) -> None:
    one = stable()
    one.start()
    warm_up(one)
    many = one.queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(400)])
    wait_for(lambda: one.done() == 700)
    times = [redis.hmget(keys.job(job.id), 'started_at', 'ended_at') for job in many]
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(times))


# --- the end of a horse


def test_a_horse_told_to_stop_alone_ends_the_job_in_hand_and_gives_back_the_rest(
    stable: StableMaker, ledger: Ledger, tmp_path: Path
) -> None:
    one = stable()
    pid = one.start()
    warm_up(one)
    put_gate_between(one, tmp_path / 'open', 10, 300)
    wait_for(lambda: 10 in ledger.begun())
    os.kill(pid, signal.SIGTERM)
    (tmp_path / 'open').touch()
    assert os.waitpid(pid, 0)[1] == 0
    one.supervisor.horse = 0
    assert ledger.begun() == list(range(11))
    assert one.done() == 311
    assert one.count('wip') == 0
    assert one.count('queue') == 300


def test_an_orphan_ends_the_job_in_hand_and_gives_back_the_rest(
    stable: StableMaker, ledger: Ledger, tmp_path: Path
) -> None:
    one = stable()
    pid = one.start()
    warm_up(one)
    put_gate_between(one, tmp_path / 'open', 10, 300)
    wait_for(lambda: 10 in ledger.begun())
    os.close(one.supervisor._lifeline_write)
    time.sleep(settings.ANNOUNCE_AFTER)  # without the kernel's signal an orphan looks for its supervisor then
    (tmp_path / 'open').touch()
    assert os.waitpid(pid, 0)[1] == 0
    one.supervisor.horse = 0
    assert ledger.begun() == list(range(11))
    assert one.done() == 311
    assert one.count('wip') == 0


def test_a_child_that_a_job_forked_and_let_return_takes_no_part(stable: StableMaker, ledger: Ledger) -> None:
    one = stable()
    one.start()
    warm_up(one)
    many = [Queue.prepare_data(jobs.note, (number,)) for number in range(20)]
    many[5:5] = [Queue.prepare_data(jobs.fork_and_return, (100,))]
    one.queue.enqueue_many(many)
    one.run_until(lambda: one.done() == 321)
    wait_for(lambda: one.board.words[layout.PHASE] == layout.Phase.IDLE)
    assert ledger.twice() == []
    assert len({entry.pid for entry in ledger.entries()}) == 1


# --- bad content


@pytest.mark.parametrize('timeout', [10**30, 'soon', '-5', '', '0', '1e400'])
def test_a_timeout_that_is_none_in_a_hash_of_others_does_not_end_the_horse(
    stable: StableMaker, redis: Redis, timeout: object
) -> None:
    one = stable()
    pid = one.start()
    job = one.queue.enqueue(jobs.noop)
    bad = one.queue.create_job(jobs.noop)
    bad.save()
    redis.hset(keys.job(bad.id), mapping={'timeout': str(timeout), 'status': 'queued'})
    redis.rpush(keys.queue('default'), bad.id)
    last = one.queue.enqueue(jobs.noop)
    one.run_until(lambda: one.status(last.id) == 'finished')
    assert one.status(job.id) == 'finished'
    assert one.status(bad.id) in {'finished', 'failed'}
    assert one.supervisor.horse == pid


@pytest.mark.parametrize('job_id', ['with spaces in it', 'two\nlines', '\r\n', 'ž' * 40, 'x' * 3_000, 'y' * 300_000])
def test_any_text_is_an_id(stable: StableMaker, redis: Redis, tmp_path: Path, job_id: str) -> None:
    one = stable()
    one.start()
    warm_up(one)
    template = one.queue.create_job(jobs.until, (1, str(tmp_path / 'open')))
    template.save()
    redis.rename(keys.job(template.id), keys.job(job_id))
    redis.hset(keys.job(job_id), 'status', 'queued')
    redis.rpush(keys.queue('default'), job_id)
    others = one.queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(10)])
    one.run_until(lambda: one.count('wip') == 1 or one.status(job_id) == 'failed')
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.status(others[-1].id) == 'finished')
    assert one.status(job_id) in ({'finished'} if len(job_id) < 5_000 else {'finished', 'failed'})
    assert one.count('wip') == 0
