"""What a worker is made of: its name, queues, classes and serializers, its strategy and its log level."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from redis import Redis

from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.worker import BaseWorker, DequeueStrategy
from tests.support.processes import Processes
from tests.worker.watching import last_line


def test_workers_are_equal_by_name(redis: Redis) -> None:
    one, other = Worker('a', name='w', connection=redis), SimpleWorker('b', name='w', connection=redis)
    assert one == other and hash(one) == hash(other) and one != Worker('a', connection=redis)
    with pytest.raises(TypeError):
        _ = one == 'w'
    assert repr(one) == '<Worker w>'


def test_a_worker_takes_queues_by_name_or_as_objects_and_one_or_several(redis: Redis, queue: Queue) -> None:
    assert Worker('a', connection=redis).queue_names() == ['a']
    assert Worker(queue).queue_names() == ['default']
    assert Worker(['a', queue], connection=redis).queue_names() == ['a', 'default']
    assert Worker(['a', 'b'], connection=redis).queue_keys() == ['rq:queue:a', 'rq:queue:b']


class OtherJob(Job):
    """Says so."""

    def perform(self) -> Any:
        return 'other', super().perform()


class OtherQueue(Queue):
    """Nothing else."""


def test_classes_and_serializer_of_ones_own_are_used(kind: type[BaseWorker], redis: Redis) -> None:
    queue = OtherQueue('default', connection=redis, job_class=OtherJob, serializer='json')
    job = queue.enqueue(len, 'abc')
    options: dict[str, Any] = {'job_class': 'tests.worker.test_arguments.OtherJob', 'serializer': 'json'}
    worker = kind(['default'], connection=redis, queue_class=OtherQueue, **options)
    assert type(worker.queues[0]) is OtherQueue
    worker.work(burst=True)
    assert job.return_value() == ['other', 3]


@pytest.mark.parametrize(('producer', 'reader'), [('pickle', 'json'), ('json', 'pickle'), ('json', 'json-only')])
def test_a_worker_with_another_default_serializer_reads_a_job_as_it_was_written(
    kind: type[BaseWorker], redis: Redis, producer: str, reader: str
) -> None:
    queue = Queue(connection=redis, serializer=producer)
    job = queue.enqueue(len, 'abc', meta={'a': 1})
    assert redis.hget(job.key, 'serializer') == (b'json' if producer == 'json' else None)
    kind(['default'], connection=redis, serializer=reader).work(burst=True)
    for serializer in (producer, 'pickle', 'json'):
        found = Job.fetch(job.id, connection=redis, serializer=serializer)
        assert (found.args[0], found.meta, found.return_value()) == ('abc', {'a': 1}, 3)


def test_what_rq_wrote_in_json_without_saying_so_is_read_as_well(queue: Queue, redis: Redis) -> None:
    job = Queue(connection=redis, serializer='json').enqueue(len, 'abc', meta={'a': 1})
    redis.hdel(job.key, 'serializer')
    SimpleWorker(['default'], connection=redis).work(burst=True)
    found = Job.fetch(job.id, connection=redis)
    assert (found.args, found.meta, found.return_value()) == (['abc'], {'a': 1}, 3)


@pytest.mark.parametrize('name', [None, 'pickle', 'tests.worker.jobs', 'nowhere.at_all'])
def test_who_reads_json_only_loads_no_pickle_whatever_a_job_says_of_itself(
    kind: type[BaseWorker], queue: Queue, redis: Redis, name: str | None
) -> None:
    job = queue.enqueue(len, 'abc')
    if name:
        redis.hset(job.key, 'serializer', name)
    kind(['default'], connection=redis, serializer='json-only').work(burst=True)
    assert 'DeserializationError: The stored call cannot be read' in last_line(job)


def test_a_serializer_that_a_job_names_and_nobody_finds_leaves_the_readers_own(queue: Queue, redis: Redis) -> None:
    job = queue.enqueue(len, 'abc')
    redis.hset(job.key, 'serializer', 'nowhere.at_all')
    SimpleWorker(['default'], connection=redis).work(burst=True)
    assert job.return_value() == 3


@pytest.mark.parametrize('strategy', [*DequeueStrategy, 'round_robin'])
def test_strategies_are_given_by_name_or_value(queue: Queue, redis: Redis, strategy: Any) -> None:
    SimpleWorker([queue], connection=redis).work(burst=True, dequeue_strategy=strategy)
    with pytest.raises(ValueError, match='alphabetical'):
        SimpleWorker([queue], connection=redis).work(burst=True, dequeue_strategy='alphabetical')  # type: ignore[arg-type]


def test_a_worker_that_was_forked_after_it_was_made_says_its_own_pid(redis: Redis, queue: Queue) -> None:
    worker = SimpleWorker([queue], connection=redis, name='me')
    pid = os.fork()
    if pid == 0:
        try:
            worker.work(burst=True)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    found = redis.hget('rq:worker:me', 'pid')
    assert found == str(pid).encode()


def test_one_worker_may_work_again_and_again(kind: type[BaseWorker], redis: Redis, queue: Queue) -> None:
    worker = kind([queue], connection=redis, name='me')
    for number in range(3):
        job = queue.enqueue(len, 'x' * number)
        assert worker.work(burst=True)
        assert job.return_value() == number
    assert not worker.work(burst=True)


@pytest.mark.parametrize(
    ('chosen', 'told', 'lines'), [(None, None, True), ('WARNING', None, False), ('WARNING', 'INFO', True), (None, 'WARNING', False)]
)  # fmt: skip
def test_without_a_level_the_lines_of_jobs_are_logged_unless_somebody_chose_otherwise(
    processes: Processes, redis_url: str, queue: Queue, chosen: Any, told: Any, lines: bool
) -> None:
    queue.enqueue(len, 'abc')
    program = (
        f'import logging; from redis import Redis; from rq import Worker\n'
        f'chosen, told = {chosen!r}, {told!r}\n'
        f'if chosen: logging.getLogger("rq.worker").setLevel(chosen)\n'
        f'Worker("default", connection=Redis.from_url({redis_url!r})).work(burst=True, logging_level=told)\n'
    )
    process = processes.python('-c', program)
    assert process.wait() == 0
    assert ('Job OK' in process.stdout) is lines and process.stderr == ''


def test_a_base_worker_runs_nothing(redis: Redis) -> None:
    with pytest.raises(NotImplementedError, match=re.escape('use Worker or SimpleWorker')):
        BaseWorker('default', connection=redis).work(burst=True)
