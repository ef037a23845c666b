"""Signed jobs, results and meta data: what is believed, what is not, and that nothing of the latter is ever loaded."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, Retry, SimpleWorker, Webhook, signing
from rq.exceptions import SignatureError
from rq.job import Job
from rq.results import Result
from rq.store import keys
from rq.store import note as notes
from tests.security.conftest import Plant, Sign
from tests.security.jobs import Planted, add, boom, note_call, told
from tests.security.reading import raw, reason, work

CALL = pickle.dumps(('tests.security.jobs.add', None, (1, 2), {}))


def test_without_keys_nothing_is_signed(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(add, 1, meta={'a': 1})
    work(queue)
    assert not {b'sig', b'meta_sig'} & raw(redis, job).keys()
    [(_, entry)] = redis.xrange(keys.results(job.id))  # type: ignore[misc]
    assert b'sig' not in entry


def test_a_signed_job_runs_and_its_result_and_meta_are_read(redis: Redis, queue: Queue, sign: Sign, mark: Path) -> None:
    sign()
    job = queue.enqueue(add, 1, b=41, meta={'a': 1}, on_success=Callback(note_call), retry=Retry(2), job_timeout=20)
    many = queue.enqueue_many([Queue.prepare_data(add, (number,)) for number in range(3)])
    later = queue.enqueue(add, 5, depends_on=job)
    work(queue)
    assert [one.return_value() for one in (job, *many, later)] == [42, 1, 2, 3, 6]
    found = Job.fetch(job.id, connection=redis)
    assert (found.return_value(), found.meta, found.get_meta(), found.args) == (42, {'a': 1}, {'a': 1}, (1,))
    assert mark.read_text() == 'callback\n'


def test_scheduled_inline_and_cron_jobs_are_signed(redis: Redis, sign: Sign) -> None:
    from datetime import timedelta

    from rq.cron.job import CronJob

    sign()
    queue = Queue('q', connection=redis)
    later = queue.enqueue_in(timedelta(seconds=0), add, 1)
    inline = Queue('q', connection=redis, is_async=False).enqueue(add, 2)
    ticked = CronJob('q', add, args=(3,), interval=60).enqueue(redis)
    for job in (later, inline, ticked):
        assert raw(redis, job)[b'sig']
        assert Job.fetch(job.id, connection=redis).func_name == 'tests.security.jobs.add'
    assert inline.return_value() == 3


def test_a_failed_and_requeued_a_retried_and_a_repeated_job_still_verify(
    redis: Redis, queue: Queue, sign: Sign
) -> None:
    from rq import Repeat

    sign()
    failed = queue.enqueue(told, 'once')
    retried = queue.enqueue(told, 'again', retry=Retry(2))
    repeated = queue.enqueue(add, 1, repeat=Repeat(times=2))
    work(queue)
    failed.requeue()
    work(queue)
    assert reason(failed) == 'ValueError: once'
    assert reason(retried) == 'ValueError: again'
    assert Job.fetch(retried.id, connection=redis).retries_left == 0
    assert len(repeated.results()) == 3


def test_saving_signs_anew_and_only_what_could_be_believed(
    redis: Redis, queue: Queue, sign: Sign, plant: Plant
) -> None:
    sign()
    job = queue.enqueue(add, 1)
    found = Job.fetch(job.id, connection=redis)
    found.timeout, found.meta['x'] = 77, 1
    found.save()
    found.meta['y'] = 2
    found.save_meta()
    again = Job.fetch(job.id, connection=redis)
    assert (again.args, again.timeout, again.meta) == ((1,), 77, {'x': 1, 'y': 2})
    evil = Job.fetch(plant('evil'), connection=redis)
    evil.description, evil.timeout = 'harmless', 5
    evil.save()
    assert b'sig' not in raw(redis, evil)
    evil.id = 'other'
    queue.enqueue_job(evil)  # a tool that moves what it finds
    assert b'sig' not in raw(redis, evil)
    work(queue)
    assert again.return_value() == 2
    assert 'SignatureError' in reason(evil)


def test_a_job_may_be_moved_copied_and_changed_by_who_has_the_key(redis: Redis, queue: Queue, sign: Sign) -> None:
    sign()
    other = Queue('other', connection=redis)
    moved = Job.fetch(queue.enqueue(add, 1).id, connection=redis)
    redis.delete(keys.queue('q'))
    other.enqueue_job(moved)
    copied = Job.fetch(moved.id, connection=redis)
    copied.id = 'copy'
    other.enqueue_job(copied)
    changed = Job.fetch(moved.id, connection=redis)
    changed.id, changed.args = 'changed', (10,)
    other.enqueue_job(changed)
    work(other)
    assert [Job.fetch(one, connection=redis).return_value() for one in (moved.id, 'copy', 'changed')] == [2, 2, 11]


FIELDS: list[tuple[str, Any]] = [
    ('data', pickle.dumps(('tests.security.jobs.boom', None, (), {}))),
    ('data', pickle.dumps(Planted())),
    ('serializer', 'tests.security.planted'),
    ('timeout', '999999'),
    ('success_callback_name', 'tests.security.jobs.boom'),
    ('failure_callback_name', 'tests.security.jobs.boom'),
    ('stopped_callback_name', 'tests.security.jobs.boom'),
    ('success_callback_timeout', '1'),
    ('webhooks', '[]'),
    ('dependency_ids', '["a"]'),
    ('dependency_id', 'a'),
    ('allow_dependency_failures', '1'),
    ('retry_on', '["ValueError"]'),
    ('give_up_on', '["ValueError"]'),
    ('origin', 'elsewhere'),
    ('sig', ''),
    ('sig', '1:k1:AAAA'),
    ('sig', '0:k1:AAAA'),
    ('sig', '1:unknown:AAAA'),
    ('sig', 'garbage'),
]


@pytest.mark.parametrize(('field', 'value'), FIELDS)
def test_a_changed_field_fails_the_job_before_anything_is_loaded(
    redis: Redis, queue: Queue, sign: Sign, mark: Path, field: str, value: Any
) -> None:
    sign()
    job = queue.enqueue(add, 1, retry=Retry(3), on_success=Callback(note_call), on_failure=Callback(note_call))
    good = queue.enqueue(add, 2)
    redis.hset(job.key, field, value)
    work(queue)
    job = Job.fetch(job.id, connection=redis)
    assert 'SignatureError' in reason(job) and job.retries_left == 3  # trying again would change nothing
    assert not mark.exists()
    assert good.return_value() == 3
    for look in ('args', 'func_name', 'success_callback'):
        with pytest.raises(SignatureError, match=job.id):
            getattr(job, look)


def test_fields_that_change_in_a_jobs_life_are_not_signed(redis: Redis, queue: Queue, sign: Sign) -> None:
    sign()
    job = queue.enqueue(add, 1)
    redis.hset(job.key, mapping={'retries_left': '0', 'status': 'scheduled', 'description': 'x', 'foreign': 'y'})
    work(queue)
    assert job.return_value() == 2


def test_a_signature_is_worth_nothing_on_another_id_queue_or_field(redis: Redis, queue: Queue, sign: Sign) -> None:
    sign()
    other = Queue('other', connection=redis)
    job = queue.enqueue(add, 1, meta={'a': 1})
    fields = raw(redis, job)
    redis.hset(keys.job('copy'), mapping=fields)  # type: ignore[arg-type]
    redis.rpush(keys.queue('q'), 'copy')
    strayed = queue.enqueue(add, 3)
    redis.lrem(keys.queue('q'), 0, strayed.id)
    redis.rpush(keys.queue('other'), strayed.id)  # a worker of more rights may listen there
    redis.sadd(keys.queues(), keys.queue('other'))
    work(queue, other)
    assert 'wrong' in reason(Job.fetch('copy', connection=redis))
    assert "of queue 'q' and was found in queue 'other'" in reason(Job.fetch(strayed.id, connection=redis))
    redis.hset(job.key, 'sig', fields[b'meta_sig'])
    with pytest.raises(SignatureError):
        _ = Job.fetch(job.id, connection=redis).args
    redis.hset(job.key, mapping={'sig': fields[b'sig'], 'meta_sig': fields[b'sig']})
    assert Job.fetch(job.id, connection=redis).args == (1,)
    with pytest.raises(SignatureError, match='meta data of job'):
        _ = Job.fetch(job.id, connection=redis).meta


def test_a_job_that_was_signed_for_no_queue_runs_on_none(redis: Redis, queue: Queue, sign: Sign) -> None:
    sign()
    job = Job.create(add, (1,), connection=redis)
    job.save()
    redis.rpush(keys.queue('q'), job.id)
    redis.sadd(keys.queues(), keys.queue('q'))
    work(queue)
    assert "of queue '' and was found in queue 'q'" in reason(job)


def test_where_one_part_ends_is_signed(sign: Sign) -> None:
    sign()
    told = signing.active.keys
    assert told.sign(b'ab', b'c') != told.sign(b'a', b'bc') != told.sign(b'abc')
    assert told.fault(told.sign(b'a', b''), b'a') and told.fault(told.sign(b'a', b''), b'a', b'') is None


def test_results_are_believed_only_of_their_own_run(redis: Redis, queue: Queue, sign: Sign, mark: Path) -> None:
    sign()
    one, two = queue.enqueue(add, 1), queue.enqueue(add, 2)
    work(queue)
    [(_, entry)] = redis.xrange(keys.results(one.id))  # type: ignore[misc]
    assert Result.fetch_latest(one).return_value == 2  # type: ignore[union-attr]
    planted = base64.b64encode(pickle.dumps(Planted()))
    for fake in (
        {**entry, b'return_value': planted},
        {b'type': b'1', b'return_value': planted},
        {**entry, b'execution_id': b'another'},
        {**entry, b'sig': b''},
    ):
        redis.xadd(keys.results(one.id), fake)
        for read in (Job.fetch(one.id, connection=redis).return_value, lambda: one.results()):
            with pytest.raises(SignatureError, match=f'result of job {one.id}'):
                read()
    redis.xadd(keys.results(two.id), entry)
    with pytest.raises(SignatureError):
        two.return_value(refresh=True)
    assert not mark.exists()
    sign('warn')
    assert Job.fetch(two.id, connection=redis).return_value() == 2


def test_results_made_by_hand_are_signed(redis: Redis, queue: Queue, sign: Sign) -> None:
    sign()
    job = queue.enqueue(add, 1)
    Result.create(job, Result.Type.SUCCESSFUL, 60, return_value=[1, 2])
    assert job.return_value() == [1, 2]


def test_a_planted_pickle_in_meta_is_not_loaded(redis: Redis, queue: Queue, sign: Sign, mark: Path) -> None:
    sign()
    job = queue.enqueue(add, 1, meta={'a': 1})
    redis.hset(job.key, 'meta', pickle.dumps(Planted()))
    for read in (Job.fetch(job.id, connection=redis).get_meta, lambda: job.get_meta(refresh=True)):
        with pytest.raises(SignatureError):
            read()
    work(queue)
    assert job.return_value() == 2 and not mark.exists()  # nobody looked at it


# --- what follows an end


def test_user_code_and_webhooks_of_a_forged_job_are_not_run(
    redis: Redis, queue: Queue, sign: Sign, plant: Plant, mark: Path
) -> None:
    sign()
    hook = Webhook('http://127.0.0.1:9/', 'failed')
    from rq.webhook.model import to_text

    plant('evil', failure_callback_name='tests.security.jobs.boom', webhooks=to_text([hook]))
    work(queue)
    assert 'SignatureError' in reason(Job.fetch('evil', connection=redis))
    assert notes.due_in(redis, ['q']) is None  # the note was taken, and dropped
    job = Job.fetch('evil', connection=redis)
    job.send_webhooks('failed')
    with pytest.raises(SignatureError):
        job.execute_failure_callback(SimpleWorker.death_penalty_class, ValueError, ValueError(), None)
    assert not mark.exists()


def test_boom_would_leave_its_mark(mark: Path) -> None:
    # Else all the tests above would see nothing whatever happened.
    boom()
    pickle.loads(pickle.dumps(Planted()))
    assert mark.read_text() == 'boom\nboom\n'
