"""sentry-sdk's RqIntegration, unmodified: a failed job is one event, with the job's data; it arrives by HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry
from tests.clients import jobs
from tests.clients.conftest import Client
from tests.clients.receiver import receiver


class Sentry:
    """What a Sentry server was sent."""

    def __init__(self) -> None:
        self.dsn = ''
        self.events: list[dict[str, Any]] = []
        self.transactions: list[dict[str, Any]] = []

    def take(self, body: bytes) -> None:
        lines = body.splitlines()
        for header, payload in zip(lines[1::2], lines[2::2], strict=False):
            kind = json.loads(header).get('type')
            if kind in ('event', 'transaction'):
                (self.events if kind == 'event' else self.transactions).append(json.loads(payload))

    def told(self) -> list[tuple[str, str]]:
        """The type of error and the job's id of every event."""
        found = [
            (event['exception']['values'][-1]['type'], event['extra']['rq-job']['job_id']) for event in self.events
        ]
        return sorted(found)


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    found = Sentry()
    with receiver(found.take) as port:
        found.dsn = f'http://key@127.0.0.1:{port}/1'
        yield found


@pytest.mark.parametrize('options', [[], ['--fork-per-job'], ['-w', 'rq.SimpleWorker']], ids=['warm', 'fork', 'simple'])
def test_each_failed_job_is_one_event_and_a_success_is_none(
    client: Client, redis: Redis, queue: Queue, sentry: Sentry, options: list[str]
) -> None:
    good = [queue.enqueue(jobs.add, 1, 2) for _ in range(3)]
    bad = [queue.enqueue(jobs.divide, 1, 0, job_id='first'), queue.enqueue(jobs.divide, 'a', b=2, job_id='second')]
    client.burst('-c', 'tests.clients.sentry_settings', *options, env={'SENTRY_TEST_DSN': sentry.dsn})
    assert [job.is_finished for job in good] == [True] * 3
    assert [job.is_failed for job in bad] == [True] * 2
    assert sentry.told() == [('TypeError', 'second'), ('ZeroDivisionError', 'first')]
    [event] = [event for event in sentry.events if event['extra']['rq-job']['job_id'] == 'second']
    told = event['extra']['rq-job']
    assert (told['func'], told['args'], told['kwargs']) == ('tests.clients.jobs.divide', ['a'], {'b': 2})
    assert event['transaction'] == 'tests.clients.jobs.divide'


def test_a_job_that_will_be_tried_again_is_told_when_it_has_failed_for_good(
    client: Client, redis: Redis, queue: Queue, sentry: Sentry
) -> None:
    queue.enqueue(jobs.divide, 1, 0, job_id='tried', retry=Retry(max=2))
    client.burst('-c', 'tests.clients.sentry_settings', env={'SENTRY_TEST_DSN': sentry.dsn})
    assert sentry.told() == [('ZeroDivisionError', 'tried')]


VIEW = """
import os
import sentry_sdk
import tests.clients.sentry_settings
from redis import Redis
from rq import Queue
from tests.clients import jobs
with sentry_sdk.start_transaction(name='view'):
    Queue(connection=Redis.from_url(os.environ['RQ_REDIS_URL'])).enqueue(jobs.add, 1, 2)
"""


def test_a_job_continues_the_trace_of_the_view_that_enqueued_it(client: Client, redis: Redis, sentry: Sentry) -> None:
    env = {'SENTRY_TEST_DSN': sentry.dsn, 'SENTRY_TEST_TRACES': '1'}
    client.run('python', '-c', VIEW, env=env)
    client.burst('-c', 'tests.clients.sentry_settings', env=env)
    view, job = sorted(sentry.transactions, key=lambda told: str(told['transaction']), reverse=True)
    assert (view['transaction'], job['transaction']) == ('view', 'tests.clients.jobs.add')
    assert job['contexts']['trace']['trace_id'] == view['contexts']['trace']['trace_id']
