"""The options of enqueue are listed once; every signature and tuple has them all, with RQ's names and defaults."""

from __future__ import annotations

import inspect
import pickle
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.job import Job
from rq.queue import EnqueueArgs, EnqueueData, EnqueueOptions
from rq.queue.options import OwnOptions, take_own

OPTIONS = {field.name: field.default for field in fields(EnqueueOptions)}
OWN = {field.name: field.default for field in fields(OwnOptions)}


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ('self', 'func', 'args', 'kwargs')
    }


def test_enqueue_call_takes_every_option() -> None:
    assert defaults(Queue.enqueue_call) == OPTIONS | OWN


def test_the_tuples_have_no_options_of_their_own() -> None:
    assert set(EnqueueArgs._fields) - {'func', 'args', 'kwargs'} <= OPTIONS.keys()
    assert set(EnqueueData._fields[:18]) - {'func', 'args', 'kwargs'} <= OPTIONS.keys()
    assert EnqueueData._fields[18:] == tuple(OWN)


def test_what_a_bulk_call_cannot_have_is_what_rqs_cannot() -> None:
    bulk = defaults(Queue.prepare_data)
    assert OPTIONS.keys() - bulk.keys() == {'rate_limit', 'pipeline', 'unique'}
    assert bulk == {name: (OPTIONS | OWN)[name] for name in bulk}
    assert set(EnqueueData._fields) == {'func', 'args', 'kwargs', *bulk}
    given = {name: name for name in bulk} | {'on_lost': 'fail', 'durable': 'fsync'}
    data = Queue.prepare_data('f', **given)
    assert {name: getattr(data, name) for name in bulk} == given


@pytest.mark.parametrize('option', OPTIONS)
def test_enqueue_takes_every_option_out_of_the_functions_keywords(option: str) -> None:
    keyword = 'job_timeout' if option == 'timeout' else option
    mark = object()
    call = Queue.parse_args('f', 1, **{keyword: mark, 'other': 2})
    assert getattr(call, option) is mark
    assert (call.args, call.kwargs) == ((1,), {'other': 2})
    assert Queue.parse_args('f')._asdict() == {'func': 'f', 'args': (), 'kwargs': {}, **OPTIONS}


def test_a_job_takes_the_options_that_are_stored_with_it() -> None:
    created = defaults(Job.create).keys()
    assert created - OPTIONS.keys() == {'connection', 'status', 'id', 'origin', 'serializer', 'group_id'}
    assert OPTIONS.keys() - created == {'job_id', 'at_front', 'repeat', 'rate_limit', 'pipeline', 'unique'}


def describes(description: str, *, meta: object = None) -> str:
    return description


def test_an_option_that_the_function_has_as_a_parameter_is_taken_by_the_queue_with_a_warning(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    with pytest.warns(UserWarning, match=r'description= is an option of enqueue\(\) and a parameter of describes\(\)'):
        job = queue.enqueue(describes, description='text')
    assert (job.description, job.kwargs) == ('text', {})
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        job = queue.enqueue(describes, kwargs={'description': 'for the function'}, job_timeout=5)
        queue.enqueue('builtins.len', 'x', description='text')
    assert job.kwargs == {'description': 'for the function'}


# --- our own


def plain(x: int = 0) -> None: ...


def open_to_all(**more: Any) -> None: ...


def durable_itself(durable: bool = False, *, on_lost: str = '') -> None: ...


@pytest.mark.parametrize('function', [plain, open_to_all, 'some.function', len])
def test_options_of_ours_are_taken_out_of_the_functions_keywords(function: Any) -> None:
    given = {'on_lost': 'fail', 'durable': 'fsync', 'other': 1}
    assert take_own(function, given) == {'on_lost': 'fail', 'durable': 'fsync'}
    assert given == {'other': 1}


def test_what_rqs_callers_give_to_a_function_under_these_names_it_gets() -> None:
    given = {'on_lost': 'fail', 'durable': True}
    assert take_own(durable_itself, given) == {}
    for function in (open_to_all, 'some.function'):
        mine = {'durable': True, 'on_lost': None}
        assert take_own(function, mine) == {}
        assert mine == {'durable': True, 'on_lost': None}


@pytest.mark.parametrize('option', ['on_lost', 'durable'])
def test_a_bad_value_of_an_option_of_ours_is_refused(redis: Redis, option: str) -> None:
    with pytest.raises(ValueError, match=f"{option}='never': give"):
        Queue(connection=redis).enqueue(plain, **{option: 'never'})
    with pytest.raises(ValueError, match=f"{option}='never': give"):
        Queue(connection=redis).enqueue_call('some.function', **{option: 'never'})  # type: ignore[arg-type]
    assert not redis.exists('rq:queue:default')


def test_a_jobs_policy_is_stored_with_it_and_its_queues_where_it_has_none(redis: Redis) -> None:
    queue = Queue(connection=redis, on_lost='requeue')
    assert queue.enqueue(plain).on_lost == 'requeue'
    job = queue.enqueue(plain, on_lost='fail')
    assert Job.fetch(job.id, connection=redis).on_lost == 'fail'
    [many] = queue.enqueue_many([Queue.prepare_data(plain)])
    assert Job.fetch(many.id, connection=redis).on_lost == 'requeue'
    assert Queue(connection=redis).enqueue(plain).on_lost is None
    with pytest.raises(ValueError, match="on_lost='never'"):
        Queue(connection=redis, on_lost='never')


def test_many_calls_have_our_options_as_well(redis: Redis) -> None:
    queue = Queue(connection=redis, on_lost='requeue')
    first, second = queue.enqueue_many(
        [Queue.prepare_data(len, ('a',), on_lost='fail'), Queue.prepare_data(len, ('b',))]
    )
    assert (first.on_lost, second.on_lost) == ('fail', 'requeue')
    assert redis.hget(first.key, 'on_lost') == b'fail'
    with pytest.raises(ValueError, match="on_lost='never'"):
        Queue.prepare_data(len, on_lost='never')
    with pytest.raises(ValueError, match="durable='quick'"):
        Queue.prepare_data(len, durable='quick')
    told = [Queue.prepare_data(len, ('c',), durable='replica')]
    with pytest.raises(ValueError, match='durable= waits for the server'):
        queue.enqueue_many(told, pipeline=redis.pipeline())
    with pytest.raises(ValueError, match='durable= waits for the server'):
        Queue(connection=redis, is_async=False).enqueue_many(told)
    assert queue.count == 2


def test_a_call_for_many_is_pickled_as_rqs_unless_it_says_what_rq_does_not_know() -> None:
    plain, ours = Queue.prepare_data(len, ('a',)), Queue.prepare_data(len, ('a',), on_lost='fail')
    assert len(plain.__reduce__()[1]) == 18
    for data in (plain, ours):
        assert pickle.loads(pickle.dumps(data)) == data
