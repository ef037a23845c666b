"""Stopping one run: where it is found, who owns it, and that it ends once. Each step of the supervisor is the test's."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from rq import Queue, Retry
from rq.job import Job
from rq.results import Result
from rq.store import keys
from rq.worker.stops import halt
from tests.faults import jobs
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for
from tests.worker.conftest import StableMaker
from tests.worker.stable import Stable
from tests.worker.test_horse import put_gate_between, warm_up

TEXT = 'Job stopped by user, work-horse terminated.'


@pytest.fixture
def in_gate(stable: StableMaker, ledger: Ledger, tmp_path: Path) -> Stable:
    """A horse in the eleventh job of a full pack (0 to 9 have returned), with the next pack asked for ahead."""
    one = stable()
    one.start()
    warm_up(one)
    put_gate_between(one, tmp_path / 'open', 10, 300)
    wait_for(lambda: 10 in ledger.begun())
    return one


def claimed(one: Stable) -> list[str]:
    """Ids of the jobs of the pack on the board, in order."""
    pack = one.board.snapshots()[-1]
    return [slot.lease.id for slot in pack.slots]


def numbers(one: Stable, ids: list[str]) -> list[int]:
    return [Job.fetch(job_id, connection=one.redis).args[0] for job_id in ids]


def test_a_running_job_is_stopped_and_the_rest_of_its_pack_runs_once(
    in_gate: Stable, ledger: Ledger, tmp_path: Path
) -> None:
    one = in_gate
    one.supervisor.stop_run('gate', '')
    one.run_until(lambda: one.status('gate') == 'stopped')
    one.run_until(lambda: one.count('queue') == 300, message='what had not begun is back')
    (tmp_path / 'open').touch()
    one.start()
    one.run_until(lambda: one.done() == 610)
    assert ledger.begun() == list(range(311)), 'each once, in order'
    job = Job.fetch('gate', connection=one.redis)
    result = job.latest_result()
    assert result is not None and (result.type, result.exc_string) == (Result.Type.STOPPED, TEXT)
    assert 'gate' in one.queue.failed_job_registry
    assert job.started_at and job.ended_at


def test_a_job_with_retries_that_is_stopped_is_not_tried_again(
    stable: StableMaker, ledger: Ledger, tmp_path: Path
) -> None:
    one = stable()
    one.start()
    job = one.queue.enqueue(jobs.until, 0, str(tmp_path / 'never'), retry=Retry(3))
    wait_for(lambda: ledger.begun() == [0])
    one.supervisor.stop_run(job.id, '')
    one.run_until(lambda: one.status(job.id) == 'stopped')
    assert Job.fetch(job.id, connection=one.redis).retries_left == 3


def test_a_job_of_a_pack_that_has_not_begun_is_stopped_and_its_horse_lives(
    in_gate: Stable, ledger: Ledger, tmp_path: Path
) -> None:
    one = in_gate
    horse, target = one.supervisor.horse, claimed(one)[20]
    one.supervisor.stop_run(target, '')
    assert one.status(target) == 'stopped'
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.done() == 610)
    assert one.supervisor.horse == horse
    assert ledger.begun() == [number for number in range(311) if number != 20]


def test_a_job_of_a_pack_that_was_asked_for_ahead_is_stopped(in_gate: Stable, ledger: Ledger, tmp_path: Path) -> None:
    one = in_gate
    ahead = [
        member
        for member in one.redis.zrange(keys.wip('default'), 0, -1)
        if member.split(b':')[0].decode() not in claimed(one)
    ]
    assert ahead
    job_id, execution = ahead[5].decode().split(':')
    [number] = numbers(one, [job_id])
    one.supervisor.stop_run('', execution)
    assert one.status(job_id) == 'stopped'
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.done() == 610)
    assert ledger.begun() == [other for other in range(311) if other != number]


def test_a_job_that_has_returned_stays_what_it_was(in_gate: Stable, ledger: Ledger, tmp_path: Path) -> None:
    one = in_gate
    horse, target = one.supervisor.horse, claimed(one)[3]
    assert one.status(target) == 'started', 'its outcome is on the board'
    one.supervisor.stop_run(target, '')
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.done() == 611)
    assert one.supervisor.horse == horse


def test_a_wrong_execution_stops_nothing(in_gate: Stable, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = in_gate
    one.supervisor.stop_run('', 'f' * 32)
    one.supervisor.stop_run('gate', 'f' * 32)
    one.supervisor.stop_run('nobody', '')
    one.run_until(lambda: len([line for line in caplog.messages if 'not working on' in line]) == 3)
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.done() == 611)


def test_a_job_taken_back_while_redis_was_away_is_stopped_before_it_goes_back(
    in_gate: Stable, ledger: Ledger, tmp_path: Path
) -> None:
    one = in_gate
    target = claimed(one)[-1]  # a slow machine learns smaller packs
    [its_number] = numbers(one, [target])
    one.cut_off()
    one.supervisor._take_back()
    one.supervisor.stop_run(target, '')
    one.reconnect()
    one.run_until(lambda: one.status(target) == 'stopped')
    (tmp_path / 'open').touch()
    one.run_until(lambda: one.done() == 610)
    assert ledger.begun() == [number for number in range(311) if number != its_number]


def test_a_stop_while_redis_is_away_holds_until_it_is_back(in_gate: Stable, ledger: Ledger, tmp_path: Path) -> None:
    """The horse must not give the job back before it is stopped."""
    one = in_gate
    target = claimed(one)[-1]
    [its_number] = numbers(one, [target])
    one.cut_off()
    one.supervisor.stop_run(target, '')
    (tmp_path / 'open').touch()
    wait_for(lambda: ledger.entries('e'))
    one.reconnect()
    one.run_until(lambda: one.done() == 610)
    assert one.status(target) == 'stopped'
    assert ledger.begun() == [number for number in range(311) if number != its_number]


def test_a_job_that_returns_while_its_horse_is_halted_for_the_kill_keeps_its_outcome(
    stable: StableMaker, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stable()
    one.start()
    job = one.queue.enqueue(jobs.until, 0, str(tmp_path / 'open'))
    wait_for(lambda: ledger.begun() == [0])

    def too_late(pid: int) -> None:
        (tmp_path / 'open').touch()
        wait_for(lambda: one.board.running() is None)
        halt(pid)

    monkeypatch.setattr('rq.worker.stops.halt', too_late)
    horse = one.supervisor.horse
    one.supervisor.stop_run(job.id, '')
    one.run_until(lambda: one.status(job.id) == 'finished')
    assert one.supervisor.horse == horse


def test_a_halted_process_does_nothing() -> None:
    child = os.fork()
    if child == 0:
        while True:
            pass
    try:
        halt(child)
        assert psutil.Process(child).status() == psutil.STATUS_STOPPED
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.serial
def test_stops_at_any_moment_end_a_job_once_and_no_other(stable: StableMaker, ledger: Ledger) -> None:
    one = stable()
    chance = random.Random(3)
    total = 400
    many = [
        Queue.prepare_data(jobs.note, (n, chance.choice([0, 0, 0.001, 0.02])), job_id=f'j{n}') for n in range(total)
    ]
    one.queue.enqueue_many(many)
    wanted = list(range(total))
    end = time.monotonic() + 40
    while one.count('queue') + one.count('wip') or one.supervisor.debts:
        assert time.monotonic() < end
        one.supervisor._start_horse()
        one.look()
        if wanted:
            begun = ledger.begun()
            near = (begun[-1] if begun else 0) + chance.randint(-1, 12)
            one.supervisor.stop_run(f'j{near}', '')
            wanted.pop()
    statuses = [one.status(f'j{number}') for number in range(total)]
    assert set(statuses) == {'finished', 'stopped'}
    begun = ledger.begun()
    assert len(begun) == len(set(begun)), 'none ran twice'
    assert min(statuses.count('finished'), statuses.count('stopped')) > 20
    assert {n for n, status in enumerate(statuses) if status == 'finished'} <= set(begun)
    for number in range(total):
        assert len(Job.fetch(f'j{number}', connection=one.redis).results()) == 1
