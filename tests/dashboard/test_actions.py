"""Actions, asked by POST: what they do in Redis, what they say, who may do them, and what is left of them in the audit."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from rq import Queue, Retry, SimpleWorker
from rq.cron import control
from rq.dashboard import create_app
from rq.dashboard.actions import scope
from rq.job import Job
from rq.rate_limit import RateLimit
from rq.store import admin, audit, bulk, keys
from tests.dashboard.doing import do, do_to_all, fail, form, invariants, newest, put, statuses

__all__ = ['invariants']


# --- jobs that are chosen ---------------------------------------------------------------------------------------------


def test_failed_jobs_that_are_chosen_are_requeued(redis: Redis, client: FlaskClient) -> None:
    ids = fail(redis, 3)
    assert do(client, 'requeue', job=ids[:2], state='failed') == '2 jobs requeued.'
    assert statuses(redis, ids) == ['queued', 'queued', 'failed']


def test_what_changed_meanwhile_is_left_alone_and_counted(redis: Redis, client: FlaskClient) -> None:
    ids = fail(redis, 4)
    Job.fetch(ids[0], redis).requeue()
    Job.fetch(ids[1], redis).delete()
    assert do(client, 'requeue', job=[*ids, 'none'], state='failed') == (
        '2 jobs requeued. Left alone: 2 are not there any more, 1 waits on its queue.'
    )


def test_jobs_that_have_started_are_not_deleted(redis: Redis, client: FlaskClient) -> None:
    from tests.store.hands import Horse

    ids = put(redis, 3)
    horse = Horse(redis, queues=['q'])
    horse.ask(room=1)
    assert do(client, 'delete', job=ids, state='queued') == '2 jobs deleted. Left alone: 1 had already started.'
    assert (
        do(client, 'cancel', job=ids) == '0 jobs canceled. Left alone: 2 are not there any more, 1 had already started.'
    )
    horse.wire.close()


def test_one_running_job_is_canceled_where_it_alone_is_meant(redis: Redis, client: FlaskClient) -> None:
    from tests.store.hands import Horse

    (job_id,) = put(redis, 1)
    horse = Horse(redis, queues=['q'])
    claimed = horse.one()
    assert do(client, 'cancel', job=job_id, state='queued') == '0 jobs canceled. Left alone: 1 had already started.'
    assert do(client, 'cancel', job=job_id) == '1 job canceled.'
    assert horse.ask(room=0, outcomes=[horse.outcome(claimed)]).became == [b'KEPT']
    horse.wire.close()


def test_deferred_and_scheduled_jobs_are_enqueued_now(redis: Redis, client: FlaskClient) -> None:
    queue = Queue('q', connection=redis)
    first = queue.enqueue('nothing.here')
    ids = [queue.enqueue('nothing.here', depends_on=first).id, queue.enqueue_in(timedelta(hours=1), 'nothing.here').id]
    assert do(client, 'enqueue-now', job=ids) == '2 jobs enqueued.'
    assert queue.job_ids == [first.id, *ids]


def test_jobs_are_moved_to_another_queue(redis: Redis, client: FlaskClient) -> None:
    ids = put(redis, 3)
    assert do(client, 'move', job=ids[:2], state='queued', to=' other ') == '2 jobs moved.'
    assert (Queue('q', connection=redis).job_ids, Queue('other', connection=redis).job_ids) == (ids[2:], ids[:2])
    worker = SimpleWorker(['other'], connection=redis)
    worker.work(burst=True, logging_level='CRITICAL')
    assert statuses(redis, ids) == ['failed', 'failed', 'queued']


@pytest.mark.parametrize('to', ['', ' ', 'a\nb'])
def test_a_queue_that_cannot_be_is_refused(redis: Redis, client: FlaskClient, to: str) -> None:
    ids = put(redis, 1)
    assert 'queue' in do(client, 'move', job=ids, to=to).lower()
    assert Queue('q', connection=redis).job_ids == ids


def test_a_copy_is_asked_for_first_and_made_once(redis: Redis, client: FlaskClient) -> None:
    ids = fail(redis, 2, retry=Retry(1), meta={'a': 1}, description='told')
    Queue('q', connection=redis).empty()
    asked = form(client.post('/do/again', data={'job': ids[0]}))
    assert do(client, 'again', **asked) == '1 job copied and enqueued.'
    do(client, 'again', **asked)  # a double click
    (copy,) = Queue('q', connection=redis).jobs
    old = Job.fetch(ids[0], redis)
    assert (copy.id != old.id, copy.args, copy.meta, copy.description, copy.retries_left) == (
        True, (0,), {'a': 1}, 'told', 1,
    )  # fmt: skip
    assert old.get_status() in ('failed', 'queued')


def test_a_copy_asks_for_a_slot_of_its_limit(redis: Redis, client: FlaskClient) -> None:
    ids = put(redis, 1, rate_limit=RateLimit('k', 1))
    do_to_all(client, 'again', job=ids)
    assert sorted(statuses(redis, [key.decode()[7:] for key in redis.scan_iter('rq:job:*')])) == [
        'queued',
        'rate_limited',
    ]


def test_a_double_submit_does_no_harm(redis: Redis, client: FlaskClient) -> None:
    ids = fail(redis, 2)
    fields = form(client.post('/do/delete', data={'queue': 'q', 'state': 'failed'}))
    assert do(client, 'delete', **fields) == do(client, 'delete', **fields) == '2 jobs deleted.'
    assert len(audit.newest(redis, 10)) == 1
    assert do(client, 'undo', on=fields['bulk'], bulk='0' * 16) == '2 jobs brought back.'
    assert do(client, 'undo', on=fields['bulk'], bulk='0' * 16) == '2 jobs brought back.'
    assert statuses(redis, ids) == ['failed', 'failed']


# --- all that a filter finds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('name', 'left'), [('requeue', {'queued'}), ('delete', {'-'}), ('again', {'failed'}), ('move', {'failed'})]
)
def test_all_failed_jobs_of_a_queue(redis: Redis, client: FlaskClient, name: str, left: set[str]) -> None:
    ids = fail(redis, 130)
    answer = client.post(f'/do/{name}', data={'queue': 'q', 'state': 'failed', 'to': 'other'})
    assert '130 jobs: all that are failed in queue q' in answer.get_data(as_text=True)
    assert set(statuses(redis, ids)) == {'failed'}  # nothing is done before it is confirmed
    assert do(client, name, **form(answer)).startswith('130 jobs')
    assert set(statuses(redis, ids)) == left
    assert redis.zcard(keys.failed('other')) == (130 if name == 'move' else 0)


def test_all_that_wait_are_canceled_moved_and_emptied(redis: Redis, client: FlaskClient) -> None:
    ids = put(redis, 230)
    assert do_to_all(client, 'move', queue='q', state='queued', to='other') == '230 jobs moved.'
    assert Queue('other', connection=redis).job_ids == ids
    assert do_to_all(client, 'cancel', queue='other', state='queued') == '230 jobs canceled.'
    assert do_to_all(client, 'delete', queue='other', state='canceled') == '230 jobs deleted.'
    assert redis.keys(keys.job('*')) == []


def test_what_came_after_the_count_is_left_alone(redis: Redis, client: FlaskClient) -> None:
    put(redis, 2)
    fields = form(client.post('/do/delete', data={'queue': 'q', 'state': 'queued'}))
    late = Queue('q', connection=redis).enqueue('nothing.here', at_front=True)
    assert do(client, 'delete', **fields) == '2 jobs deleted. Left alone: 1 changed after you looked.'
    assert Queue('q', connection=redis).job_ids == [late.id]


def test_jobs_that_fail_again_at_once_are_not_requeued_for_ever(redis: Redis, client: FlaskClient) -> None:
    fail(redis, 5)
    fields = form(client.post('/do/requeue', data={'queue': 'q', 'state': 'failed'}))
    assert do(client, 'requeue', **fields) == '5 jobs requeued.'
    SimpleWorker(['q'], connection=redis).work(burst=True, logging_level='CRITICAL')
    fields['bulk'] = '1' * 16
    assert do(client, 'requeue', **fields) == '0 jobs requeued. Left alone: 5 changed after you looked.'


def test_a_form_that_does_not_say_when_its_jobs_were_counted_is_refused(redis: Redis, client: FlaskClient) -> None:
    ids = fail(redis, 1)
    said = do(client, 'delete', queue='q', state='failed', sure='yes')
    assert said == 'The form does not say when its jobs were counted: look again'
    assert statuses(redis, ids) == ['failed']


def test_nothing_to_do_is_said(redis: Redis, client: FlaskClient) -> None:
    page = client.post('/do/delete', data={'queue': 'none', 'state': 'failed'}).get_data(as_text=True)
    assert 'There is nothing to do' in page


# --- undo -------------------------------------------------------------------------------------------------------------


def test_what_was_deleted_comes_back(redis: Redis, client: FlaskClient) -> None:
    failed, waiting = fail(redis, 3), put(redis, 2, 'other')
    do(client, 'delete', job=[*failed, *waiting])
    assert statuses(redis, failed + waiting) == ['-'] * 5
    page = client.get('/audit').get_data(as_text=True)
    (on,), (own,) = (
        set(re.findall(r'name="on" value="(\w+)"', page)),
        set(re.findall(r'name="bulk" value="(\w+)"', page)),
    )
    assert do(client, 'undo', on=on, bulk=own) == '5 jobs brought back.'
    assert statuses(redis, failed + waiting) == ['failed'] * 3 + ['queued'] * 2
    assert Job.fetch(failed[0], redis).latest_result() is not None
    assert 'Undo' not in client.get('/audit').get_data(as_text=True)


def test_an_id_that_was_used_again_stays_and_is_counted(redis: Redis, client: FlaskClient) -> None:
    queue = Queue('q', connection=redis)
    ids = [queue.enqueue('nothing.here', n, job_id=f'j{n}').id for n in range(2)]
    do(client, 'delete', job=ids)
    queue.enqueue('something.else', job_id='j0')
    (on,) = bulk.kept(redis)
    assert do(client, 'undo', on=on) == '1 job brought back. Left alone: 1 has its id in use again.'
    assert Job.fetch('j0', redis).func_name == 'something.else'


def test_what_the_trash_cannot_hold_is_said_before_and_after(redis: Redis) -> None:
    client = create_app(redis, auth='none', trash_bytes=10_000).test_client()
    client.environ_base['HTTP_ORIGIN'] = 'http://localhost'
    fail(redis, 30)
    answer = client.post('/do/delete', data={'queue': 'q', 'state': 'failed'})
    assert 'can be brought back. The others are gone for good' in ' '.join(answer.get_data(as_text=True).split())
    said = do(client, 'delete', **form(answer))
    kept = bulk.trashed_count(redis, bulk.kept(redis))[0]
    assert 0 < kept < 30
    assert said == f'30 jobs deleted. {kept} of them can be brought back.'


def test_deleted_for_good_is_deleted_for_good(redis: Redis, client: FlaskClient) -> None:
    fail(redis, 3)
    fields = form(client.post('/do/delete', data={'queue': 'q', 'state': 'failed'}))
    do(client, 'delete', **{**fields, 'keep': 'no'})
    assert bulk.kept(redis) == []
    assert redis.keys('rq:trash*') == []


# --- queues, workers, cron jobs, limits -------------------------------------------------------------------------------


def test_a_queue_and_all_queues_are_paused_and_resumed(redis: Redis, client: FlaskClient) -> None:
    assert do(client, 'suspend', queue='q') == 'Queue q is paused: no job is begun until you resume'
    assert admin.is_suspended(redis, 'q') and not admin.is_suspended(redis)
    assert do(client, 'suspend', queue='q') == 'Queue q is paused already'
    do(client, 'suspend', all='yes')
    assert admin.is_suspended(redis)
    assert do(client, 'resume', queue='q') == 'Queue q is resumed, but all queues are paused: resume them too'
    assert do(client, 'resume', all='yes') == 'All queues are resumed'
    assert do(client, 'suspend') == 'Say which queue'
    assert newest(redis)['action'] == 'resume'


def test_a_cron_job_is_paused_resumed_and_run(redis: Redis, client: FlaskClient) -> None:
    assert do(client, 'cron-pause', cron='nightly') == 'Cron job nightly is paused'
    assert control.get_paused(['nightly'], redis) == ['nightly']
    assert do(client, 'cron-resume', cron='nightly') == 'Cron job nightly goes on with its next time'
    fields = form(client.post('/do/cron-run', data={'cron': 'nightly'}))
    do(client, 'cron-run', **fields)
    first = redis.hget(keys.cron_state('nightly'), 'run')
    do(client, 'cron-run', **fields)
    assert first is not None and redis.hget(keys.cron_state('nightly'), 'run') == first  # a double click


def test_a_slot_that_is_held_for_nothing_is_released(redis: Redis, client: FlaskClient) -> None:
    ids = put(redis, 2, rate_limit=RateLimit('k', 1))
    redis.lpop(keys.queue('q'))  # somebody has lost it
    redis.hset(keys.job(ids[0]), 'status', 'created')
    said = do_to_all(client, 'release', limit='k', holder=ids[0])
    assert said == 'The slot is free again; 1 job got one'
    assert statuses(redis, ids) == ['created', 'queued']
    assert 'does not hold' in do_to_all(client, 'release', limit='k', holder=ids[0])


def test_a_worker_that_is_gone_cannot_be_shut_down(client: FlaskClient) -> None:
    assert 'There is no worker w any more' in do_to_all(client, 'shutdown', worker='w')


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('name', 'fields', 'told'),
    [
        ('requeue', {}, 'No job is chosen'),
        ('requeue', {'queue': 'q', 'state': 'nonsense'}, 'There is no state'),
        ('requeue', {'job': [str(number) for number in range(201)]}, 'At most 200 jobs'),
        ('undo', {'on': '../etc'}, 'Say which deleted jobs'),
        ('requeue', {'error': 'xyz'}, 'is no error group'),
        ('mute', {'error': 'abcdef012345'}, 'There is no error group'),
        ('halt', {'on': 'none'}, 'There is no such action'),
        ('go-on', {'on': ''}, 'Say which action'),
    ],
)
def test_what_makes_no_sense_is_refused(client: FlaskClient, name: str, fields: dict[str, Any], told: str) -> None:
    assert told in do(client, name, **fields)


@pytest.mark.parametrize(
    'back', ['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', '/a\r\nX: y', '']
)
def test_nobody_is_sent_to_another_site(client: FlaskClient, back: str) -> None:
    answer = client.post('/do/requeue', data={'job': 'none', 'back': back})
    assert answer.headers['Location'] == '/'
    assert 'X' not in answer.headers


def test_one_goes_back_to_where_one_was(client: FlaskClient) -> None:
    answer = client.post('/do/requeue', data={'job': 'none', 'back': '/queue/q?state=failed&page=2'})
    assert answer.headers['Location'] == '/queue/q?state=failed&page=2'


def test_a_program_gets_json(redis: Redis, client: FlaskClient) -> None:
    ids = fail(redis, 1)
    headers = {'Accept': 'application/json'}
    assert client.post('/do/requeue', data={'job': ids}, headers=headers).get_json() == {
        'said': '1 job requeued.', 'kind': 'ok', 'count': 1,
    }  # fmt: skip
    refused = client.post('/do/requeue', headers=headers)
    assert (refused.status_code, refused.get_json()['said']) == (400, 'No job is chosen')


def test_a_program_that_is_refused_gets_json_too(redis: Redis) -> None:
    asks = {'headers': {'Accept': 'application/json', 'Origin': 'http://localhost'}, 'data': {'all': 'yes'}}
    read_only, away = create_app(redis, auth='none', read_only=True), create_app('redis://127.0.0.1:1', auth='none')
    for app, code in ((read_only, 403), (away, 503)):
        answer = app.test_client().post('/do/suspend', **asks)
        assert (answer.status_code, sorted(answer.get_json())) == (code, ['error'])


def test_a_job_id_that_no_text_can_hold_breaks_nothing(redis: Redis, client: FlaskClient) -> None:
    assert 'not there any more' in do(client, 'delete', job=['\0', 'é' * 900, '<script>', '%', ' '])


# --- filters ----------------------------------------------------------------------------------------------------------


def test_all_that_a_filter_finds(redis: Redis, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, others = fail(redis, 3), [Queue('q', connection=redis).enqueue('other.one').id for _ in range(3)]
    answer = client.post('/do/delete', data={'where': 'fn:other.* queue:q'})
    assert '3 jobs found by fn:other.* queue:q' in answer.get_data(as_text=True)
    assert do(client, 'delete', **form(answer)) == '3 jobs deleted.'
    assert statuses(redis, ids + others) == ['failed'] * 3 + ['-'] * 3
    assert do_to_all(client, 'requeue', where='state:failed') == '3 jobs requeued.'
    assert 'after' in do(client, 'requeue', where='after:nonsense').lower()
    monkeypatch.setattr(scope, 'LOOKED_AT', 2)
    page = client.post('/do/cancel', data={'where': 'fn:nothing.*'}).get_data(as_text=True)
    assert 'there are more' in page


def test_all_of_an_error_group(redis: Redis, client: FlaskClient) -> None:
    ids = fail(redis, 3)
    Job.fetch(ids[0], redis).requeue()
    redis.zadd(keys.error_jobs('abcdef012345'), dict.fromkeys(ids, 1.0))
    redis.expire(keys.error_jobs('abcdef012345'), 60)
    answer = client.post('/do/requeue', data={'error': 'abcdef012345'})
    assert '2 jobs: those that failed with error abcdef012345' in answer.get_data(as_text=True)
    assert do(client, 'requeue', **form(answer)) == '2 jobs requeued. Left alone: 1 waits on its queue.'
