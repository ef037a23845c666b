"""I8: whoever has written reads it; a status never goes back without a reason; at every instant each job is in one home.

A poller reads all the time, as a dashboard or a waiting caller does, while jobs of every kind run, horses are killed
and people change their minds.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis import Redis

from rq import Queue, Repeat, Retry
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.store import admin
from rq.store.states import HOMES, JobStatus
from tests.faults import jobs
from tests.faults.batch import all_are
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.faults.mixture import SCALED
from tests.support.waiting import wait_for

Measure = Callable[[str, str], None]

# What a status may be followed by where a job has no retries, repeats or requeues. From `started` back to `queued` only
# while it has not begun.
ORDER = {'scheduled': 0, 'deferred': 0, 'queued': 1, 'started': 2, 'finished': 3, 'failed': 3}


class Poller(threading.Thread):
    """Reads the homes of all jobs of `default` in one step of the server, again and again; and the ledger before it."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        super().__init__(daemon=True)
        self.redis = Redis.from_url(url)
        self.ledger = ledger
        self.known: list[str] = []  # ids of enqueues that have returned, and that nobody deletes
        self.plain: dict[str, int] = {}  # of them those that run once, by id: their numbers
        self.seen: dict[str, list[str]] = defaultdict(list)
        self.wrong: list[str] = []
        self.looks = 0
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.is_set():
            known, begun = list(self.known), set(self.ledger.begun())  # before the look: what is seen is not older
            self._look(known, begun, admin.census(self.redis, ['default']))
            self.looks += 1

    def _look(self, known: list[str], begun: set[int], census: admin.Census) -> None:
        places: dict[str, list[str]] = defaultdict(list)
        for container in census.homes['default']:
            for job_id in census.ids_in('default', container):
                places[job_id].append(container)
        for job_id in known:
            status = census.status.get(job_id, '')
            if not status:
                self.wrong.append(f'{job_id} is in no home')
                continue
            if places[job_id] != [HOMES[JobStatus(status)]]:
                self.wrong.append(f'{job_id} is {status} and in {places[job_id]}')
            self._compare(job_id, status, begun)

    def _compare(self, job_id: str, status: str, begun: set[int]) -> None:
        before = self.seen[job_id][-1:] or ['']
        if before != [status]:
            self.seen[job_id].append(status)
        if job_id not in self.plain:
            return
        back = before != [''] and ORDER[status] < ORDER[before[0]]
        if back and (before, status) != (['started'], 'queued'):
            self.wrong.append(f'{job_id} was {before[0]} and is {status}')
        if self.plain[job_id] in begun and ORDER[status] < 2:
            self.wrong.append(f'{job_id} has begun and is {status}')

    def stop(self) -> None:
        self._end.set()
        self.join(10)
        self.redis.close()


def kinds(queue: Queue, number: int) -> tuple[Job, bool]:
    """A job of one of many kinds, and whether it runs once at most and is left alone."""
    kind = number % 8
    if kind == 0:
        return queue.enqueue(jobs.note, number, 0.04), True  # those behind it go back
    if kind == 1:
        return queue.enqueue(jobs.fails, number, retry=Retry(max=2)), False
    if kind == 2:
        return queue.enqueue(jobs.note, number, repeat=Repeat(1)), False
    if kind == 3:
        return queue.enqueue_in(timedelta(milliseconds=200), jobs.note, number), True
    if kind == 4:
        parent = queue.enqueue(jobs.note, 10_000 + number, 0.01)
        return queue.enqueue(jobs.note, number, depends_on=parent), True
    if kind == 5:
        return queue.enqueue(jobs.fails, number), True
    return queue.enqueue(jobs.note, number, 0.001), True


@pytest.mark.parametrize('killing', [False, True], ids=['', 'horses are killed'])
def test_I8_no_status_goes_back_without_a_reason_and_every_job_is_in_one_home_at_every_instant(
    redis: Redis, redis_url: str, herd: Herd, ledger: Ledger, killing: bool
) -> None:
    members = [herd.start(worker={'name': f'w{number}'}, settings=SCALED) for number in range(2)]
    poller = Poller(redis_url, ledger)
    queue, made = Queue(connection=redis, on_lost='requeue' if killing else None), []
    poller.start()
    try:
        for number in range(240):
            job, plain = kinds(queue, number)
            if plain and not killing:  # a killed one begins again
                poller.plain[job.id] = number
            poller.known.append(job.id)
            made.append(job)
            if killing and number % 40 == 20:
                os.kill(members[number % 2].horse(), signal.SIGKILL)
            time.sleep(0.005)
        ends = ('finished', 'failed')
        wait_for(lambda: all(job.get_status() in ends for job in made), 30, herd.process.report)
    finally:
        poller.stop()
    assert poller.wrong == []
    assert poller.looks > 20
    assert any('started' in seen for seen in poller.seen.values())
    if not killing:
        good = [job for number, job in enumerate(made) if number % 8 not in (1, 5)]
        assert all_are(redis, good)


def test_I8_whoever_has_written_reads_it_on_whatever_connection(
    redis: Redis, redis_url: str, herd: Herd, ledger: Ledger
) -> None:
    """While two workers take what they can: every answer is followed at once by a look from elsewhere."""
    for number in range(2):
        herd.start(worker={'name': f'w{number}'}, settings=SCALED)
    queue, dice = Queue(connection=redis), random.Random(8)
    with Redis.from_url(redis_url) as other:
        there = Queue(connection=other)

        def look(job: Job) -> str:
            return str(Job.fetch(job.id, connection=other).get_status().value)

        later = ('started', 'finished', 'failed')
        for number in range(150):
            job = queue.enqueue(jobs.fails if number % 3 == 0 else jobs.note, number)
            assert look(job) in ('queued', *later)
            due = queue.enqueue_in(timedelta(hours=1), jobs.note, 1000 + number)
            assert (look(due), due.id in there.scheduled_job_registry) == ('scheduled', True)
            child = queue.enqueue(jobs.note, 2000 + number, depends_on=due)
            assert (look(child), child.id in there.deferred_job_registry) == ('deferred', True)
            if dice.random() < 0.5:
                due.cancel(enqueue_dependents=True)
                assert look(due) == 'canceled'
                assert look(child) in ('queued', *later)
            else:
                due.delete()
                with pytest.raises(NoSuchJobError):
                    look(due)
                assert look(child) == 'canceled'
            if number % 3 == 0:
                wait_for(lambda job=job: look(job) == 'failed')  # type: ignore[misc]
                try:
                    job.requeue()
                except InvalidJobOperation:
                    raise AssertionError('it is failed for one and not for another') from None
                assert look(job) in ('queued', *later)
            elif number % 3 == 1:
                wait_for(lambda job=job: job.get_status() == 'finished')  # type: ignore[misc]
                assert Job.fetch(job.id, connection=other).return_value() == number
                assert job.id in there.finished_job_registry
