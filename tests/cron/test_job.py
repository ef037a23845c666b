"""CronJob: what is accepted, what it says of itself, and what tells two of one name apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from rq import Queue
from rq.cron import CronJob, get_cron_job_ids
from rq.job import Job
from rq.utils import NOT_JSON_SERIALIZABLE
from rq.webhook import Webhook
from tests.cron.work import note


def test_a_cron_job_has_rqs_attributes() -> None:
    job = CronJob('q', note, args=(1,), kwargs={'a': 2}, interval=5, job_timeout=7, meta={'m': 1})
    assert (
        vars(job).items()
        >= {
            'func': note,
            'func_name': 'tests.cron.work.note',
            'name': 'tests.cron.work.note',
            'args': (1,),
            'kwargs': {'a': 2},
            'interval': 5,
            'cron': None,
            'queue_name': 'q',
            'next_enqueue_time': None,
            'latest_enqueue_time': None,
            'job_options': {'job_timeout': 7, 'result_ttl': 500, 'meta': {'m': 1}},
        }.items()
    )
    assert job.job_history_key == 'rq:cron_job:tests.cron.work.note:jobs'
    assert job.should_run()
    assert CronJob('q', 'os.getcwd', cron='0 3 * * *').func_name == 'os.getcwd'  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({}, 'Must specify either interval or cron'),
        ({'interval': 0}, 'Must specify either interval or cron'),
        ({'cron': ''}, 'Must specify either interval or cron'),
        ({'interval': 1, 'cron': '* * * * *'}, 'Cannot specify both'),
        ({'interval': -1}, 'interval=-1: give a number of seconds'),
        ({'interval': '5'}, "interval='5'"),
        ({'interval': True}, 'interval=True'),
        ({'interval': float('nan')}, 'interval=nan'),
        ({'cron': 'x'}, "cron='x': 1 fields"),
        ({'cron': '0 0 30 2 *'}, 'never comes'),
        ({'cron': '* * * * *', 'tz': 'Mars/Olympus'}, "tz='Mars/Olympus': this machine knows no such"),
        ({'interval': 5, 'misfire': 'twice'}, "misfire='twice': give one of 'skip', 'once', 'all'"),
        ({'interval': 5, 'jitter': -1}, 'jitter=-1'),
        ({'interval': 5, 'jitter': 5}, r'jitter=5: give seconds, fewer than two slots are apart \(5\)'),
        ({'cron': '0,1 3 * * *', 'jitter': 60}, r'fewer than two slots are apart \(60\)'),
        ({'interval': 5, 'jitter': 'x'}, "jitter='x'"),
        ({'interval': 5, 'func': None}, 'Either func or func_name'),
        ({'interval': 5, 'func': 7}, 'func=7: give a function'),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CronJob('q', **{'func': note, **options})


def test_its_times_follow_from_the_latest_one() -> None:
    job = CronJob('q', note, cron='30 2 * * *', tz='Europe/Prague')
    job.set_enqueue_time(datetime(2027, 3, 27, 23, 30, tzinfo=UTC))
    assert job.next_enqueue_time == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    every = CronJob('q', note, interval=90)
    assert every.get_next_enqueue_time().year == 9999
    at = datetime(2026, 1, 1, tzinfo=UTC)
    every.set_enqueue_time(at)
    assert (every.latest_enqueue_time, every.next_enqueue_time) == (at, at + timedelta(seconds=90))
    assert every.should_run()
    every.set_enqueue_time(datetime.now(UTC))
    assert not every.should_run()


def test_what_is_kept_of_it_reads_back() -> None:
    options: dict[str, Any] = {'job_timeout': 10, 'result_ttl': 1, 'ttl': 2, 'failure_ttl': 3, 'meta': {'x': 1}}
    job = CronJob('q', note, args=(1, 'a'), kwargs={'b': [2]}, cron='0 3 * * *', name='nightly', **options)
    job.set_enqueue_time(datetime(2026, 1, 1, tzinfo=UTC))
    told = job.to_dict()
    assert {name: told[name] for name in ('func_name', 'args', 'kwargs', 'latest_enqueue_time', 'meta')} == {
        'func_name': 'tests.cron.work.note',
        'args': '[1, "a"]',
        'kwargs': '{"b": [2]}',
        'latest_enqueue_time': '2026-01-01T00:00:00.000000Z',
        'meta': '{"x": 1}',
    }
    assert not {'tz', 'misfire', 'jitter'} & told.keys()
    again = CronJob.from_dict(told)
    same = ('name', 'args', 'kwargs', 'cron', 'job_options', 'latest_enqueue_time', 'next_enqueue_time', 'definition')
    assert [getattr(again, name) for name in same] == [getattr(job, name) for name in same]
    hook = Webhook('http://localhost/done', 'finished')
    assert CronJob.from_dict(CronJob('q', note, interval=5, webhooks=[hook]).to_dict()).job_options['webhooks'] == [
        hook
    ]
    ours = CronJob('q', note, interval=5, tz=ZoneInfo('Europe/Prague'), misfire='all', jitter=2)
    again = CronJob.from_dict(ours.to_dict())
    assert (again.tz, again.misfire, again.jitter) == ('Europe/Prague', 'all', 2)
    assert again.definition == ours.definition


def test_what_another_rq_or_another_machine_wrote_can_be_shown() -> None:
    base = {'func_name': 'a.b', 'queue_name': 'q'}
    job = CronJob.from_dict({**base, 'cron': '0 0 15W * *', 'next_enqueue_time': '2026-11-24T20:46:00.000000Z'})
    assert (job.cron, job.name) == ('0 0 15W * *', 'a.b')
    assert job.next_enqueue_time == datetime(2026, 11, 24, 20, 46, tzinfo=UTC)
    assert CronJob.from_dict({**base, 'interval': -5}).interval == -5
    assert CronJob.from_dict({**base, 'cron': '* * * * *', 'tz': 'Mars/Olympus'}).cron == '* * * * *'
    assert (
        CronJob.from_dict({**base, 'interval': 3, 'args': NOT_JSON_SERIALIZABLE, 'new': 1}).args
        == NOT_JSON_SERIALIZABLE
    )  # type: ignore[comparison-overlap]
    fixed = CronJob('q', note, cron='* * * * *', tz=timezone(timedelta(hours=5)))
    assert CronJob.from_dict(fixed.to_dict()).cron == '* * * * *'
    with pytest.raises(ValueError, match='Must specify'):
        CronJob.from_dict(base)


def test_jobs_of_one_name_are_told_apart_by_what_they_do() -> None:
    base: dict[str, Any] = {'func': note, 'interval': 5}
    kinds = [
        base,
        {**base, 'args': (1,)},
        {**base, 'kwargs': {'a': 1}},
        {**base, 'interval': 6},
        {**base, 'args': (2,)},
    ]
    kinds += [{'func': note, 'cron': '* * * * *'}, {'func': note, 'cron': '* * * * *', 'tz': 'UTC'}]
    definitions = {CronJob('q', **kind).definition for kind in kinds} | {CronJob('other', **base).definition}
    assert len(definitions) == len(kinds) + 1
    assert CronJob('q', **base, meta={'a': 1}, job_timeout=5).definition == CronJob('q', **base).definition


def test_it_can_be_enqueued_at_any_time_with_arguments_that_look_like_options(redis: Redis) -> None:
    kwargs = {'timeout': 1, 'job_id': 'x', 'a': 2}
    job = CronJob('q', note, args=(1,), kwargs=kwargs, interval=5, job_timeout=77, ttl=600, meta={'m': 1}, name='n')
    made = job.enqueue(redis)
    read = Job.fetch(made.id, redis)
    assert (read.args, read.kwargs, read.timeout, read.ttl, read.meta) == ((1,), kwargs, 77, 600, {'m': 1})
    assert Queue('q', connection=redis).job_ids == [made.id]
    assert job.get_job_ids(redis) == get_cron_job_ids('n', redis) == [made.id]
    made.meta['m'] = 2
    assert job.job_options['meta'] == {'m': 1}


def test_one_that_was_read_has_no_function_to_enqueue(redis: Redis) -> None:
    job = CronJob.from_dict(CronJob('q', note, interval=5).to_dict())
    with pytest.raises(ValueError, match='CronJob has no function to enqueue'):
        job.enqueue(redis)


def test_what_becomes_of_its_jobs_when_their_process_dies_can_be_said(redis: Redis) -> None:
    told = CronJob('q', note, interval=60, on_lost='fail')
    assert told.enqueue(redis).on_lost == 'fail'
    assert CronJob.from_dict(told.to_dict()).job_options['on_lost'] == 'fail'
    with pytest.raises(ValueError, match="on_lost='never'"):
        CronJob('q', note, interval=60, on_lost='never')
    with pytest.raises(ValueError, match="durable='quick'"):
        CronJob('q', note, interval=60, durable='quick')
