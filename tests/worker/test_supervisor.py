"""The supervisor: what it owes is done, whatever dies, hangs or refuses."""

from __future__ import annotations

import logging
import os
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from rq import Queue
from rq.store import claim, keys
from rq.store import worker as store
from rq.worker import board as layout
from rq.worker import settings, supervisor
from rq.worker.horse import Horse
from rq.worker.settlement import Settlement
from tests.faults import jobs
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for
from tests.worker.conftest import StableMaker
from tests.worker.stable import Stable


def turn(one: Stable) -> None:
    """A whole turn of the loop but for waiting."""
    one.supervisor._start_horse()
    one.look()


# --- horses


def test_a_horse_that_cannot_be_forked_is_tried_again(
    stable: StableMaker, redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = stable()
    job = one.queue.enqueue(jobs.noop)

    def no_memory() -> int:
        raise BlockingIOError('Resource temporarily unavailable')

    with monkeypatch.context() as trouble:
        trouble.setattr(one.supervisor.starter, 'start', no_memory)
        turn(one)
        turn(one)
    assert len([line for line in caplog.messages if 'no work-horse can be started' in line]) == 1, 'it waits'
    assert one.supervisor._start_at > time.monotonic()
    one.supervisor._start_at = 0
    turn(one)
    one.run_until(lambda: one.status(job.id) == 'finished')


def test_horses_that_die_before_any_job_wait_longer_and_longer_also_after_good_years(
    stable: StableMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stable()
    job = one.queue.enqueue(jobs.noop)
    one.start()
    one.run_until(lambda: one.status(job.id) == 'finished')
    os.kill(one.supervisor.horse, signal.SIGKILL)
    one.buried()
    assert one.supervisor._start_at <= time.monotonic(), 'it had run a job'
    waits = []
    monkeypatch.setattr(Horse, '_work', lambda horse: os.kill(os.getpid(), signal.SIGKILL))
    for _ in range(4):
        one.supervisor._start_at = 0
        one.start()
        one.buried()
        waits.append(one.supervisor._start_at - time.monotonic())
    assert all(later > earlier * 1.5 for earlier, later in pairwise(waits)), waits
    assert waits[0] > 0.1


def test_a_dead_horse_is_reported_within_a_second_with_signal_and_memory(
    stable: StableMaker, ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = stable()
    job = one.queue.enqueue(jobs.until, 0, str(tmp_path / 'never'))
    one.start()
    wait_for(lambda: ledger.begun() == [0])
    os.kill(one.supervisor.horse, signal.SIGKILL)
    killed = time.monotonic()
    one.run_until(lambda: one.status(job.id) == 'failed', 1)
    assert time.monotonic() - killed < 1
    text = str(job.latest_result().exc_string)  # type: ignore[union-attr]
    assert 'signal 9, SIGKILL' in text and 'peak memory' in text
    assert f'Job {job.id} of queue default: {text.strip()}' in caplog.messages


def test_code_that_ignores_its_timeout_is_killed_with_all_that_it_started(
    stable: StableMaker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I18: a C loop, and its children."""
    monkeypatch.setattr(settings, 'HARD_GRACE', 0.3)
    one = stable()
    job = one.queue.enqueue(jobs.deaf, 0, job_timeout=1)
    one.start()
    horse = psutil.Process(one.supervisor.horse)
    one.run_until(lambda: horse.children())
    [child] = horse.children()
    one.run_until(lambda: one.status(job.id) == 'failed', 5)
    assert 'Task exceeded maximum timeout value (1 seconds)' in str(job.latest_result().exc_string)  # type: ignore[union-attr]
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_large_result_that_waits_for_redis_is_not_killed_for_its_jobs_timeout(
    stable: StableMaker, ledger: Ledger, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has returned in time; what takes long is the outage."""
    monkeypatch.setattr(settings, 'HARD_GRACE', 0.0)
    away = Path(ledger.path.parent / 'away')
    finish = claim.finish_packed

    def in_vain(*arguments: Any) -> Any:
        if away.exists():
            raise RedisConnectionError('away')
        return finish(*arguments)

    monkeypatch.setattr(claim, 'finish_packed', in_vain)
    away.touch()
    one = stable()
    job = one.queue.enqueue(jobs.big, 0, layout.OUTCOME_BYTES, job_timeout=1)
    pid = one.start()
    one.run_until(lambda: one.board.snapshot(0).slots and one.board.snapshot(0).slots[0].state == layout.SENDING)
    until = time.monotonic() + 1.5
    one.run_until(lambda: time.monotonic() > until)
    assert job.id in {lease.id for lease in one.supervisor._leases()}, 'its lease is renewed all the time'
    away.unlink()
    one.run_until(lambda: one.status(job.id) == 'finished')
    assert one.supervisor.horse == pid
    assert len(job.return_value(refresh=True)) == layout.OUTCOME_BYTES


# --- debts


def test_no_horse_starts_before_what_the_last_one_claimed_is_given_back(
    stable: StableMaker, redis: Redis, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chaos: its first request overwrote the record of the claim, and the job was stranded."""
    one = stable()
    job = one.queue.enqueue(jobs.note, 0)
    with monkeypatch.context() as trouble:
        trouble.setattr(Horse, '_take', lambda horse, answer: os.kill(os.getpid(), signal.SIGKILL))
        one.start()
    one.cut_off()
    one.buried()
    assert one.status(job.id) == 'started'
    one.supervisor._start_at = 0
    one.supervisor._start_horse()
    assert not one.supervisor.horse
    one.reconnect()
    assert one.status(job.id) == 'queued'
    one.start()
    one.run_until(lambda: one.status(job.id) == 'finished')
    assert ledger.begun() == [0]


def test_what_redis_can_never_take_does_not_hold_up_the_rest(
    stable: StableMaker, redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = stable()
    jobs_put = one.queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(3)])
    leases = [claim.Lease('default', job.id, 'e') for job in jobs_put]

    def run(settlement: Settlement, connection: Redis) -> None:
        if settlement.unbegun == leases[:1]:
            raise ResponseError('ERR a bug of ours')
        done.append(settlement)

    done: list[Settlement] = []
    monkeypatch.setattr(Settlement, 'run', run)
    one.supervisor._owe(Settlement('stable', unbegun=leases[:1]))
    one.supervisor._owe(Settlement('stable', unbegun=leases[1:]))
    for _ in range(supervisor.REFUSALS):
        one.supervisor._quiet_until = 0.0
        one.supervisor._serve()
    assert [settlement.unbegun for settlement in done] == [leases[1:]]
    assert one.supervisor.debts == []
    assert any(f'Redis refuses what became of {jobs_put[0].id} (ERR a bug of ours)' in line for line in caplog.messages)


def test_what_is_owed_waits_for_redis_and_its_leases_are_renewed_first_thing(
    stable: StableMaker, ledger: Ledger, tmp_path: Path
) -> None:
    one = stable()
    job = one.queue.enqueue(jobs.until, 0, str(tmp_path / 'never'))
    one.start()
    wait_for(lambda: ledger.begun() == [0])
    one.cut_off()
    os.kill(one.supervisor.horse, signal.SIGKILL)
    one.buried()
    assert one.status(job.id) == 'started'
    assert [lease.id for lease in one.supervisor._leases()] == [job.id]
    one.reconnect()
    assert one.status(job.id) == 'failed'
    assert one.supervisor.debts == []


def test_outcomes_count_as_delivered_when_redis_has_them_and_no_sooner(
    stable: StableMaker, ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And the horse, which sends them as well, does not take that for a lease lost to others."""
    one = stable()
    one.start()
    many = [Queue.prepare_data(jobs.noop, (number,)) for number in range(200)]
    warm = one.queue.enqueue_many(many)
    one.run_until(lambda: one.done() == len(warm))
    many[20:20] = [Queue.prepare_data(jobs.until, (0, str(tmp_path / 'open')))]
    one.queue.enqueue_many(many)
    wait_for(lambda: ledger.begun() == [0])
    one.cut_off()
    time.sleep(settings.ANNOUNCE_AFTER)
    one.look()
    packs = one.board.snapshots()
    offered = sum(one.board.offered(pack.area) for pack in packs)
    assert offered > 0
    assert sum(one.board.delivered(pack.area) for pack in packs) == 0
    one.reconnect()
    assert sum(one.board.delivered(pack.area) for pack in packs) == offered
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.done() == 401)
    assert one.board.words[layout.STALE] == 0
    assert not any('too late' in line for line in caplog.messages)


# --- readers


def test_a_run_that_has_just_ended_is_not_announced_as_the_one_in_its_place(
    stable: StableMaker, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stable()
    told: list[claim.Lease] = []
    monkeypatch.setattr(store, 'announce', lambda connection, name, lease, *rest: told.append(lease))
    now = time.monotonic_ns()
    jobs_claimed = [claim.Claimed(0, b'a', b'e1', {}), claim.Claimed(0, b'b', b'e2', {})]
    one.board.put_pack(0, 5, jobs_claimed, [180, 180], (1_000_000, now))
    one.board.begin(0, 0, now)
    running = one.board.running()
    assert running is not None
    one.supervisor._renew(running)
    assert [lease.id for lease in told] == ['a']
    one.board.mark(0, 0, layout.RETURNED)
    one.supervisor._renew(running)
    one.board.put_pack(0, 6, jobs_claimed[::-1], [180, 180], (1_000_000, now))
    one.supervisor._renew(running)
    one.board.begin(0, 0, now + 1)
    one.supervisor._renew(running)
    assert [lease.id for lease in told] == ['a']


def test_while_redis_is_away_nothing_is_announced_and_later_it_is(
    stable: StableMaker, redis: Redis, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stable()
    job = one.queue.enqueue(jobs.until, 0, str(tmp_path / 'open'))
    one.start()
    wait_for(lambda: ledger.begun() == [0])
    one.cut_off()
    time.sleep(settings.ANNOUNCE_AFTER)
    one.look()
    assert not redis.hexists(keys.job(job.id), 'announced')
    one.reconnect()
    one.run_until(lambda: redis.hexists(keys.job(job.id), 'announced'), 1)
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.status(job.id) == 'finished')


def test_a_worker_whose_name_was_taken_stops(
    stable: StableMaker, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one = stable()
    one.start()
    redis.set(keys.lease('stable'), 'another')
    one.supervisor.care.rhythm.delay('renew', 0.0)
    one.run_until(lambda: one.supervisor.ending, 5)
    assert 'Worker stable: another worker has taken this name' in caplog.messages
    assert not one.supervisor.horse
    redis.delete(keys.lease('stable'))
