"""enqueue(..., durable=): it returns when a replica, or the server's disk, has the job; else NotDurable, and it is queued."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from rq import Queue
from rq.cron import CronJob
from rq.decorators import job as decorated
from rq.exceptions import NotDurable
from rq.server import EmbeddedServer
from rq.store import durable
from tests.support.faults import drop_reply, error
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for

Servers = Callable[..., EmbeddedServer]


def of(server: EmbeddedServer, **options: object) -> Redis:
    return Redis.from_url(server.url, **options)


def job_function() -> None: ...


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, 'PATIENCE', 2000)


def replica_of(primary: EmbeddedServer, servers: Servers) -> EmbeddedServer:
    replica = servers()
    of(replica).execute_command('REPLICAOF', '127.0.0.1', str(primary.port))
    wait_for(lambda: of(primary).info('replication')['connected_slaves'] == 1, 10)
    wait_for(lambda: of(replica).info('replication')['master_link_status'] == 'up', 10)
    return replica


def test_with_a_replica_the_job_is_there_when_enqueue_returns(other_server: Servers) -> None:
    primary = other_server(config={'repl-diskless-sync-delay': '0'})
    replica = replica_of(primary, other_server)
    queue = Queue(connection=of(primary))
    for _ in range(20):
        job = queue.enqueue(job_function, durable='replica')
        assert of(replica).exists(job.key)  # no sleep: that is the promise
    assert queue.count == 20
    waiting = queue.enqueue(job_function, depends_on=job, durable='replica')
    assert (waiting.get_status(), of(replica).hget(waiting.key, 'status')) == ('deferred', b'deferred')


def test_a_scheduled_job_can_be_as_safe(other_server: Servers) -> None:
    primary = other_server(config={'repl-diskless-sync-delay': '0'})
    replica = replica_of(primary, other_server)
    queue = Queue(connection=of(primary))
    job = queue.enqueue_in(timedelta(hours=1), job_function, durable='replica', on_lost='fail')
    assert of(replica).hmget(job.key, 'status', 'on_lost') == [b'scheduled', b'fail']


def test_many_jobs_at_once_are_all_as_safe_as_any_of_them_asks_to_be(other_server: Servers) -> None:
    primary = other_server(config={'repl-diskless-sync-delay': '0'})
    replica = replica_of(primary, other_server)
    queue = Queue(connection=of(primary))
    for count in (1, 700):  # one request; many, most of them on a connection of their own
        told = [Queue.prepare_data(job_function, durable='replica' if not number else None) for number in range(count)]
        jobs = queue.enqueue_many(told)
        assert of(replica).exists(*(job.key for job in jobs)) == count
    os.kill(replica.pid, signal.SIGSTOP)
    with pytest.raises(NotDurable, match='no replica'):
        queue.enqueue_many(told)
    os.kill(replica.pid, signal.SIGCONT)
    assert queue.count == 1401


def test_cron_jobs_and_decorated_functions_can_be_as_safe(other_server: Servers) -> None:
    primary = other_server(config={'repl-diskless-sync-delay': '0'})
    replica = replica_of(primary, other_server)
    connection = of(primary)
    made = CronJob('q', job_function, interval=60, durable='replica').enqueue(connection)
    assert of(replica).exists(made.key)
    made = decorated('q', connection=connection, durable='replica')(job_function).delay()  # type: ignore[attr-defined]
    assert of(replica).exists(made.key)
    os.kill(replica.pid, signal.SIGSTOP)
    with pytest.raises(NotDurable):
        CronJob('q', job_function, interval=60, durable='replica').enqueue(connection)
    os.kill(replica.pid, signal.SIGCONT)
    assert Queue('q', connection=connection).count == 3


def test_without_a_replica_that_answers_it_is_queued_and_said(
    other_server: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, 'PATIENCE', 200)
    primary = other_server(config={'repl-diskless-sync-delay': '0'})
    queue = Queue(connection=of(primary))
    with pytest.raises(NotDurable, match=r'The job is queued, but no replica has confirmed it within 0\.2 seconds'):
        queue.enqueue(job_function, durable='replica')
    replica = replica_of(primary, other_server)
    os.kill(replica.pid, signal.SIGSTOP)
    with pytest.raises(NotDurable, match='no replica'):
        queue.enqueue(job_function, durable='replica')
    os.kill(replica.pid, signal.SIGCONT)
    assert queue.count == 2


def test_on_disk_it_outlives_a_kill_of_the_server(other_server: Servers, tmp_path: Path) -> None:
    config = {'appendonly': 'yes', 'appendfsync': 'everysec', 'save': ''}
    server = other_server(data_dir=tmp_path / 'data', config=config)
    if not _has_waitaof(server):
        pytest.skip('this server has no WAITAOF')
    queue = Queue(connection=of(server))
    ids = [queue.enqueue(job_function, durable='fsync').id for _ in range(3)]
    server.kill()
    again = other_server(data_dir=tmp_path / 'data', config=config)
    assert Queue(connection=of(again)).job_ids == ids


def test_a_server_without_such_a_file_says_so_and_the_job_is_queued(other_server: Servers) -> None:
    server = other_server(config={'appendonly': 'no'})
    if not _has_waitaof(server):
        pytest.skip('this server has no WAITAOF')
    queue = Queue(connection=of(server))
    with pytest.raises(NotDurable, match='durable="fsync" needs a server with appendonly yes'):
        queue.enqueue(job_function, durable='fsync')
    assert queue.count == 1


def test_a_server_that_is_too_old_is_named(other_server: Servers) -> None:
    with Proxy(other_server().url) as proxy:
        proxy.on('WAITAOF', error("ERR unknown command 'WAITAOF', with args beginning with: '1' '0' '2000'"))
        queue = Queue(connection=Redis.from_url(proxy.url))
        with pytest.raises(NotDurable, match=r'durable="fsync" needs Valkey or Redis 7\.2'):
            queue.enqueue(job_function, durable='fsync')
        assert queue.count == 1


def test_i6_a_reply_that_is_lost_neither_queues_it_twice_nor_tells_a_lie(other_server: Servers) -> None:
    """The client sends both commands again on a new connection, where the job is known: the wait is for all before it."""
    primary = other_server(config={'repl-diskless-sync-delay': '0'})
    replica = replica_of(primary, other_server)
    with Proxy(primary.url) as proxy:
        port = urlsplit(proxy.url).port or 0
        queue = Queue(connection=Redis(port=port))  # one that tries again, unlike one made from a URL
        lost = proxy.on('EVAL', drop_reply())
        job = queue.enqueue(job_function, durable='replica')
        assert lost.wait()
        assert of(replica).exists(job.key)
        assert queue.count == 1


def test_a_client_whose_replies_must_come_sooner_waits_less_long(other_server: Servers) -> None:
    queue = Queue(connection=of(other_server(), socket_timeout=0.4))
    with pytest.raises(NotDurable, match=r'within 0\.2 seconds'):
        queue.enqueue(job_function, durable='replica')
    assert queue.count == 1


def test_where_nobody_could_wait_it_is_refused(redis: Redis) -> None:
    with redis.pipeline() as pipeline, pytest.raises(ValueError, match='not with pipeline='):
        Queue(connection=redis).enqueue(job_function, durable='replica', pipeline=pipeline)
    with pytest.raises(ValueError, match='is_async=False'):
        Queue(connection=redis, is_async=False).enqueue(job_function, durable='fsync')
    assert not redis.keys('rq:*')


def test_a_refusal_of_the_script_is_raised_as_ever(redis: Redis) -> None:
    from rq.exceptions import DuplicateJobError

    queue = Queue(connection=redis)
    queue.enqueue(job_function, job_id='a')
    with pytest.raises(DuplicateJobError):
        queue.enqueue(job_function, job_id='a', unique=True, durable='replica')
    assert queue.count == 1


def _has_waitaof(server: EmbeddedServer) -> bool:
    return bool(of(server).execute_command('COMMAND', 'INFO', 'WAITAOF'))
