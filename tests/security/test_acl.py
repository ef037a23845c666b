"""The users of docs/security.md on a real server: each can do its work, and no other's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from rq import Queue, Repeat, Retry, SimpleWorker, Worker
from rq.cli.survey import survey
from rq.command import send_shutdown_command, send_stop_job_command
from rq.cron import CronScheduler
from rq.executions import Execution
from rq.group import Group
from rq.job import Job
from rq.rate_limit import RateLimit
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.store import keys
from rq.suspension import suspend
from tests.security.jobs import add, told
from tests.support.processes import Processes

PAGE = Path(__file__).parents[2] / 'docs/security.md'
RULES = {
    name: rules.split()
    for name, rules in re.findall(r'^ACL SETUSER rq-(\w+) on >PASSWORD (.*)$', PAGE.read_text(), re.MULTILINE)
}
User = Callable[[str], Redis]


@pytest.fixture
def user(redis: Redis, redis_url: str) -> Iterator[User]:
    """A client of a user of the page."""
    clients = {}

    def login(name: str) -> Redis:
        if name not in clients:
            redis.execute_command('ACL', 'SETUSER', f'rq-{name}', 'reset', 'on', '>secret', *RULES[name])
            clients[name] = Redis.from_url(redis_url, username=f'rq-{name}', password='secret')
        return clients[name]

    yield login
    for name, client in clients.items():
        client.close()
        redis.execute_command('ACL', 'DELUSER', f'rq-{name}')


def work(connection: Redis) -> None:
    SimpleWorker(['q'], connection=connection).work(burst=True, logging_level='CRITICAL')


def test_the_page_has_these_roles() -> None:
    assert RULES.keys() == {'producer', 'worker', 'dashboard', 'operator', 'cron'}


def test_a_producer_does_all_that_producers_do(user: User, redis: Redis) -> None:
    producer, worker = user('producer'), user('worker')
    queue = Queue('q', connection=producer)
    first = queue.enqueue(add, 1, meta={'a': 1}, retry=Retry(1), repeat=Repeat(1), rate_limit=RateLimit('k', 2))
    queue.enqueue_many([Queue.prepare_data(add, (number,)) for number in range(3)])
    queue.enqueue_in(timedelta(seconds=0), add, 1)
    waits = queue.enqueue(add, 1, depends_on=first)
    Group.create(producer, name='g').enqueue_many(queue, [Queue.prepare_data(add, (1,))])
    canceled, parent = queue.enqueue(add, 1), queue.enqueue(add, 1)
    queue.enqueue(add, 1, depends_on=parent)
    canceled.cancel()
    parent.delete()
    work(worker)
    assert (first.return_value(), waits.return_value()) == (2, 2)
    failed = queue.enqueue(told, 'x')
    work(worker)
    failed.requeue()
    failed.meta['a'] = 1
    failed.save()
    work(worker)
    queue.enqueue(add, 5, job_id=failed.id)  # an id of every kind of past, again
    queue.enqueue(add, 5, job_id=canceled.id)
    queue.enqueue(add, 5, job_id=first.id)
    work(worker)
    assert [job.return_value(refresh=True) for job in (failed, canceled, first)] == [6, 6, 6]
    first.delete()
    queue.empty()
    assert Worker.all(connection=producer) == [] and Queue.all(connection=producer) == [queue]


def test_a_producer_does_nothing_else(user: User) -> None:
    producer = user('producer')
    for attempt in (
        lambda: suspend(producer),
        lambda: send_shutdown_command(producer, 'w'),
        lambda: producer.set(keys.lease('w'), '1'),
        lambda: producer.zadd(keys.cron_jobs(), {'a': 1}),
        lambda: producer.set('else', '1'),
        lambda: producer.get('else'),
        lambda: producer.keys(),
        lambda: producer.flushall(),
        lambda: producer.config_get(),
        lambda: producer.eval("return redis.call('GET', 'else')", 0),
        lambda: producer.execute_command('ACL', 'LIST'),
    ):
        with pytest.raises(RedisError, match=r'(?i)permission'):
            attempt()


def test_a_worker_process_works_with_its_rights(user: User, redis: Redis, redis_url: str, processes: Processes) -> None:
    url = redis_url.replace('redis://', 'redis://rq-worker:secret@')
    user('worker')
    queue = Queue('q', connection=redis)
    done = queue.enqueue(add, 1)
    long = queue.enqueue('time.sleep', 60)
    worker = processes.rq('worker', '-n', 'w', 'q', url=url)
    worker.wait_for_output('Job OK')
    processes.wait_for(lambda: Execution and long.get_executions())
    send_stop_job_command(user('worker'), long.id)
    worker.wait_for_output('stopped by user')
    send_shutdown_command(user('worker'), 'w')
    assert worker.wait() == 0, worker.report()
    assert done.return_value() == 2
    assert 'ermission' not in worker.output


def test_a_dashboard_reads_everything_and_changes_nothing(user: User, redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    done, failed = queue.enqueue(add, 1), queue.enqueue(told, 'x')
    work(redis)
    waits = queue.enqueue(add, 3)
    dashboard = user('dashboard')
    seen = Queue('q', connection=dashboard)
    assert survey(dashboard).queues[0].waiting == 1
    assert seen.job_ids == [waits.id] and seen.jobs[0].description == waits.description
    assert FailedJobRegistry(queue=seen).get_job_ids() == [failed.id]
    assert Job.fetch(done.id, connection=dashboard).return_value() == 2
    assert 'ValueError: x' in (Job.fetch(failed.id, connection=dashboard).exc_info or '')
    assert Result.count(Job.fetch(done.id, connection=dashboard)) == 1
    assert Queue.all(connection=dashboard) == [queue] and Worker.all(connection=dashboard) == []
    for attempt in (
        lambda: seen.enqueue(add, 1),
        lambda: Job.fetch(waits.id, connection=dashboard).cancel(),
        lambda: Job.fetch(failed.id, connection=dashboard).requeue(),
        lambda: Job.fetch(waits.id, connection=dashboard).delete(),
        lambda: seen.empty(),
        lambda: suspend(dashboard),
        lambda: send_shutdown_command(dashboard, 'w'),
        lambda: dashboard.get('else'),
    ):
        with pytest.raises(NoPermissionError):
            attempt()
    assert queue.count == 1


def test_an_operator_does_all_that_the_dashboard_offers(user: User, redis: Redis) -> None:
    pytest.importorskip('flask')
    from rq.dashboard import create_app
    from tests.dashboard.doing import do, do_to_all, fail, put

    operator = user('operator')
    client = create_app(operator, auth='none').test_client()
    client.environ_base['HTTP_ORIGIN'] = 'http://localhost'
    queue = Queue('q', connection=redis)
    failed = fail(redis, 6)
    waiting, other = put(redis, 6), put(redis, 2, 'low', rate_limit=RateLimit('k', 1))
    later = queue.enqueue_in(timedelta(hours=1), add, 1)
    child = queue.enqueue(add, 1, depends_on=later)
    redis.hset(keys.error_group('abcdef012345'), 'count', 1)
    redis.hset(keys.worker('w'), 'birth', 'now')
    for name, fields in (
        ('requeue', {'job': failed[:2]}),
        ('delete', {'job': [*failed[2:4], waiting[0]]}),
        ('cancel', {'job': waiting[1]}),
        ('move', {'job': [waiting[2], failed[4]], 'to': 'else'}),
        ('enqueue-now', {'job': [later.id, child.id]}),
        ('suspend', {'queue': 'q'}),
        ('suspend', {'all': 'yes'}),
        ('resume', {'queue': 'q'}),
        ('resume', {'all': 'yes'}),
        ('cron-pause', {'cron': 'nightly'}),
        ('cron-resume', {'cron': 'nightly'}),
        ('mute', {'error': 'abcdef012345'}),
    ):
        answer = client.post(f'/do/{name}', data=fields, headers={'Accept': 'application/json'})
        assert answer.status_code == 200 and answer.get_json()['count'], (name, answer.get_data(as_text=True))
    assert do_to_all(client, 'again', job=failed[5]) == '1 job copied and enqueued.'
    assert do_to_all(client, 'release', limit='k', holder=other[0]).startswith('The slot is free')
    assert do_to_all(client, 'delete', queue='q', state='queued').endswith('jobs deleted.')
    assert do_to_all(client, 'cron-run', cron='nightly').startswith('Cron job nightly is enqueued')
    assert do_to_all(client, 'shutdown', worker='w') == 'Worker w is told to shut down'
    for bulk in [one['id'] for one in client.get('/api/v1/audit').get_json()['audit']['kept']]:
        assert 'brought back' in do(client, 'undo', on=bulk)
    for attempt in (lambda: operator.set(keys.lease('w'), '1'), lambda: operator.get('else'), operator.flushall):
        with pytest.raises(NoPermissionError):
            attempt()


def test_a_cron_scheduler_works_with_its_rights(user: User, redis: Redis, redis_url: str, processes: Processes) -> None:
    user('cron')
    (processes.folder / 'times.py').write_text(
        "from rq import cron\ncron.register('tests.security.jobs.add', 'q', args=(1,), interval=1)\n"
    )
    url = redis_url.replace('redis://', 'redis://rq-cron:secret@')
    process = processes.rq('cron', str(processes.folder / 'times.py'), url=url)
    processes.wait_for(lambda: Queue('q', connection=redis).count >= 2, 15)
    process.terminate()
    assert process.wait() == 0, process.report()
    assert 'ermission' not in process.output
    assert CronScheduler
    with pytest.raises(NoPermissionError):
        suspend(user('cron'))
