"""fakeredis[lua]: what users' own tests do on it works as on a server, in one process and without one."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fakeredis import FakeRedis, FakeServer, FakeStrictRedis
from redis import Redis

from rq import Callback, Queue, RateLimit, Repeat, Retry, SimpleWorker, Worker, get_current_job
from rq.command import send_shutdown_command
from rq.cron import CronScheduler
from rq.exceptions import DuplicateJobError, ScriptsUnavailable
from rq.group import Group
from rq.job import Dependency, Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.store import imitation
from rq.store import worker as worker_store
from rq.suspension import resume, suspend
from tests.support.keyspace import snapshot


def add(a: int, b: int) -> int:
    return a + b


def divide(a: int, b: int) -> float:
    return a / b


def own_id() -> str:
    job = get_current_job()
    assert job is not None
    job.meta['seen'] = True
    job.save_meta()
    return job.id


@pytest.fixture
def fake() -> Iterator[Any]:
    """A server of the test's own, in this process."""
    with FakeRedis(server=FakeServer()) as client:
        yield client


@pytest.fixture
def queue(fake: Any) -> Queue:
    return Queue(connection=fake)


def work(fake: Any, *names: str, **options: Any) -> bool:
    """A SimpleWorker as users' tests run one."""
    worker = SimpleWorker(names or ('default',), connection=fake, name=options.pop('name', None))
    return worker.work(**{'burst': True, 'logging_level': 'CRITICAL', **options})


def test_a_queue_that_is_not_async_runs_the_job_at_once(fake: Any) -> None:
    queue = Queue(connection=fake, is_async=False)
    good, bad = queue.enqueue(add, 1, 2), queue.enqueue(divide, 1, 0)
    assert (good.get_status(), good.return_value()) == (JobStatus.FINISHED, 3)
    assert bad.is_failed
    assert 'ZeroDivisionError' in str(bad.latest_result().exc_string)  # type: ignore[union-attr]
    assert queue.failed_job_registry.get_job_ids() == [bad.id]


def test_a_simple_worker_runs_what_is_queued(fake: Any, queue: Queue) -> None:
    good, bad = queue.enqueue(own_id), queue.enqueue(divide, 1, 0, retry=Retry(max=2))
    assert work(fake) is True
    assert (good.return_value(), good.get_meta()) == (good.id, {'seen': True})
    bad.refresh()
    assert (bad.get_status(), bad.retries_left) == (JobStatus.FAILED, 0)
    assert queue.is_empty()
    assert work(fake) is False


def test_a_worker_in_burst_runs_what_is_due(fake: Any, queue: Queue) -> None:
    due, later = queue.enqueue_in(timedelta(seconds=-1), add, 1, 2), queue.enqueue_in(timedelta(hours=1), add, 1, 2)
    assert queue.scheduled_job_registry.count == 2
    work(fake, with_scheduler=True)
    assert (due.get_status(), later.get_status()) == (JobStatus.FINISHED, JobStatus.SCHEDULED)


def test_a_worker_that_waits_takes_a_job_that_comes_and_says_nothing_of_trouble(
    fake: Any, queue: Queue, capfd: pytest.CaptureFixture[str]
) -> None:
    timer = threading.Timer(0.2, queue.enqueue, (own_id,))
    timer.start()
    assert work(fake, burst=False, max_jobs=1, logging_level='INFO') is True
    timer.join()
    assert queue.finished_job_registry.count == 1
    assert 'trouble' not in ''.join(capfd.readouterr())


def test_a_worker_that_is_idle_for_long_enough_ends(fake: Any) -> None:
    assert work(fake, burst=False, max_idle_time=1) is False


def test_jobs_are_read_and_changed_as_on_a_server(fake: Any, queue: Queue) -> None:
    first, second, third = queue.enqueue_many(Queue.prepare_data(add, (1, n)) for n in range(3))
    assert queue.job_ids == [first.id, second.id, third.id]
    first.cancel()
    second.delete()
    assert (queue.job_ids, queue.canceled_job_registry.get_job_ids()) == ([third.id], [first.id])
    assert Job.fetch(third.id, connection=fake).args == (1, 2)
    assert Queue.all(connection=fake) == [queue]
    assert queue.empty() == 1
    assert queue.enqueue(add, 1, 2, job_id='once', unique=True).id == 'once'
    with pytest.raises(DuplicateJobError):
        queue.enqueue(add, 1, 2, job_id='once', unique=True)


def test_a_failed_job_is_requeued(fake: Any, queue: Queue) -> None:
    job = queue.enqueue(divide, 1, 0)
    work(fake)
    registry = FailedJobRegistry(queue=queue)
    assert registry.get_job_ids() == [job.id]
    registry.requeue(job)
    assert (registry.count, queue.job_ids) == (0, [job.id])


def test_jobs_wait_for_others(fake: Any, queue: Queue) -> None:
    good, bad = queue.enqueue(add, 1, 2), queue.enqueue(divide, 1, 0)
    after_good = queue.enqueue(add, 1, 2, depends_on=good)
    after_both = queue.enqueue(add, 1, 2, depends_on=Dependency([good, bad], allow_failure=True))
    never = queue.enqueue(add, 1, 2, depends_on=bad)
    assert queue.deferred_job_registry.count == 3
    work(fake)
    assert [job.get_status() for job in (after_good, after_both, never)] == ['finished', 'finished', 'deferred']


def test_one_that_very_many_wait_for_is_ended(fake: Any, queue: Queue) -> None:
    first = queue.enqueue(add, 1, 2)
    queue.enqueue_many(Queue.prepare_data(add, (1, 2), depends_on=first) for _ in range(500))
    work(fake)
    assert (queue.deferred_job_registry.count, queue.finished_job_registry.count) == (0, 501)


def told(job: Job, connection: Any, *what: Any) -> None:
    connection.rpush('told', f'{job.id} {getattr(what[0], "__name__", what[0])}')


@pytest.mark.parametrize('is_async', [True, False])
def test_callbacks_are_called(fake: Any, is_async: bool) -> None:
    queue = Queue(connection=fake, is_async=is_async)
    callbacks = {'on_success': Callback(told), 'on_failure': Callback(told)}
    queue.enqueue(add, 1, 2, job_id='good', **callbacks)
    queue.enqueue(divide, 1, 0, job_id='bad', **callbacks)
    work(fake)
    assert fake.lrange('told', 0, -1) == [b'good 3', b'bad ZeroDivisionError']


def test_repeats_groups_and_rate_limits_work(fake: Any, queue: Queue) -> None:
    repeated = queue.enqueue(add, 1, 2, repeat=Repeat(times=2))
    group = Group.create(connection=fake)
    group.enqueue_many(queue, [Queue.prepare_data(add, (1, n)) for n in range(3)])
    limited = [queue.enqueue(add, 1, n, rate_limit=RateLimit('key', 1)) for n in range(3)]
    assert [job.get_status() for job in limited] == ['queued', 'rate_limited', 'rate_limited']
    work(fake)
    assert len(repeated.results()) == 3
    assert sorted(job.return_value() for job in group.get_jobs()) == [1, 2, 3]
    assert [job.return_value() for job in limited] == [1, 2, 3]


def test_cron_enqueues(fake: Any, queue: Queue) -> None:
    cron = CronScheduler(connection=fake, logging_level='CRITICAL')
    cron.register(add, 'default', args=(1, 2), interval=10)
    cron.enqueue_jobs()
    cron.enqueue_jobs()
    assert queue.count == 1


def test_a_worker_that_waits_obeys_a_command(fake: Any, queue: Queue) -> None:
    def told_to_stop() -> None:
        while not any(worker.name == 'here' for worker in Worker.all(connection=fake)):
            time.sleep(0.01)
        while SimpleWorker.all(connection=fake):
            send_shutdown_command(fake, 'here')  # until it listens
            time.sleep(0.05)

    thread = threading.Thread(target=told_to_stop)
    thread.start()
    assert work(fake, burst=False, name='here') is False
    thread.join(10)


def test_a_pipeline_takes_jobs(fake: Any, queue: Queue) -> None:
    with fake.pipeline() as pipeline:
        queue.enqueue(add, 1, 2, pipeline=pipeline)
        assert queue.count == 0
        pipeline.execute()
    assert queue.count == 1


def test_two_clients_of_one_imitated_server_see_the_same_queue() -> None:
    server = FakeServer()
    Queue('shared', connection=FakeStrictRedis(server=server)).enqueue(add, 1, 2)
    assert work(FakeStrictRedis(server=server), 'shared') is True


def test_a_suspended_queue_is_left_alone(fake: Any, queue: Queue) -> None:
    queue.enqueue(add, 1, 2)
    suspend(fake)
    assert work(fake) is False
    resume(fake)
    assert work(fake) is True


def test_workers_are_known_while_they_work(fake: Any, queue: Queue) -> None:
    worker = SimpleWorker([queue], connection=fake, name='here')
    worker.register_birth()
    assert [found.name for found in Worker.all(connection=fake)] == ['here']
    worker_store.retire(fake, 'here', worker.incarnation, ['default'])
    assert Worker.all(connection=fake) == []


def test_the_duties_of_a_worker_can_be_done(fake: Any, queue: Queue) -> None:
    assert worker_store.server_uptime(fake) > 30  # else nothing is reaped for half a minute
    assert worker_store.bury(fake) == []
    assert worker_store.reap(fake, 'default', b'') == []
    assert worker_store.adopt(fake, 'default', b'') == []


def test_a_key_of_a_wrong_type_costs_its_own_job_only(fake: Any, queue: Queue) -> None:
    bad, good = queue.enqueue(add, 1, 2), queue.enqueue(add, 1, 2)
    fake.delete(bad.key)
    fake.set(bad.key, 'not mine')
    work(fake)
    assert good.get_status() == JobStatus.FINISHED


# --- what cannot work says so


def test_a_worker_with_a_process_of_its_own_for_jobs_is_refused(fake: Any, queue: Queue) -> None:
    job = queue.enqueue(add, 1, 2)
    with pytest.raises(ValueError, match='use SimpleWorker'):
        Worker([queue], connection=fake).work(burst=True, logging_level='CRITICAL')
    assert (job.get_status(), queue.count) == (JobStatus.QUEUED, 1)


def test_an_imitation_that_errs_ends_the_worker_with_its_error(fake: Any, queue: Queue) -> None:
    fake.set('rq:worker:bad:pack', 'not mine')
    with pytest.raises(Exception, match='WRONGTYPE'):
        SimpleWorker([queue], connection=fake, name='bad').work(burst=True, logging_level='CRITICAL')


WITHOUT_LUPA = """
import sys
sys.modules['lupa'] = None  # as if it were not installed
from fakeredis import FakeRedis
from rq import Queue, SimpleWorker
from rq.exceptions import ScriptsUnavailable
fake = FakeRedis()
def pipelined():
    with fake.pipeline() as pipeline:
        Queue(connection=fake).enqueue(print, pipeline=pipeline)
for attempt in (
    lambda: Queue(connection=fake).enqueue(print),
    lambda: Queue(connection=fake, is_async=False).enqueue(print),
    lambda: SimpleWorker(['default'], connection=fake).work(burst=True, logging_level='CRITICAL'),
    pipelined,
):
    try:
        attempt()
    except ScriptsUnavailable as error:
        print(error)
"""


def test_without_lupa_one_line_names_the_extra() -> None:
    done = subprocess.run([sys.executable, '-c', WITHOUT_LUPA], capture_output=True, text=True, check=False)
    line = 'The server runs no Lua scripts. fakeredis needs its extra for them: pip install "fakeredis[lua]"'
    assert (done.stdout.splitlines(), done.stderr) == ([line] * 4, '')


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ("unknown command 'EVALSHA', with args beginning with: 'abc'", ScriptsUnavailable),
        ('unknown command `evalsha`', ScriptsUnavailable),
        ("unknown command 'LPOS' called from script", ValueError),
    ],
)
def test_only_a_server_without_scripts_is_taken_for_one(words: str, expected: type[Exception]) -> None:
    assert type(imitation.explained(ValueError(words))) is expected


# --- the same life on both


def live(connection: Any) -> None:
    """A few jobs' lives, with ids of their own."""
    queue = Queue('lives', connection=connection)
    queue.enqueue(add, 1, 2, job_id='good', meta={'a': 1})
    queue.enqueue(add, 1, 2, job_id='forgotten', result_ttl=0)
    queue.enqueue(add, 1, 2, job_id='kept', result_ttl=-1)
    queue.enqueue(divide, 1, 0, job_id='bad', failure_ttl=100)
    queue.enqueue(divide, 1, 0, job_id='later', retry=Retry(max=1, interval=1000))
    SimpleWorker(['lives'], connection=connection, name='w', stats=False).work(burst=True, logging_level='CRITICAL')
    queue.enqueue(add, 1, 2, job_id='waits', ttl=1000)
    queue.enqueue_in(timedelta(hours=1), add, 1, 2, job_id='scheduled')
    queue.enqueue(add, 1, 2, job_id='canceled').cancel()
    Queue('lives', connection=connection, is_async=False).enqueue(add, 1, 2, job_id='sync')


def shape(connection: Any) -> dict[str, tuple[Any, ...]]:
    """Every key: its type, whether it expires, and the names in it."""
    found = {}
    for key, (kind, value, ttl) in snapshot(connection).items():
        if kind == 'stream':
            names: Any = [sorted(fields) for _, fields in value]
        else:
            names = [] if kind == 'string' else sorted(value) if kind != 'list' else value
        expires = None if ttl is None else round(ttl / 10)
        name = re.sub('^rq:said:.*', 'rq:said:(a nonce)', key.decode())
        found[name] = (kind, expires, names)
    return found


def test_the_same_lives_leave_the_same_keys_as_on_a_server(fake: Any, redis: Redis) -> None:
    live(fake)
    live(redis)
    assert shape(fake) == shape(redis)
