"""@job: a function that knows its queue."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry
from rq.decorators import job
from rq.exceptions import InvalidFunction
from rq.job import Job
from tests.domain import work


@pytest.fixture
def decorated(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`work.add`, decorated as its own module would do it: the decorator answers the function itself."""

    def decorate(*args: Any, **options: Any) -> Any:
        func = job(*args, **options)(work.add)
        assert func is work.add
        return func

    yield decorate
    for name in ('delay', 'enqueue'):
        work.add.__dict__.pop(name, None)


def test_a_decorated_function_is_called_as_ever_and_enqueued_by_delay(redis: Redis, decorated: Any) -> None:
    func = decorated('low', connection=redis)
    assert func(1, b=2) == 3
    made = func.delay(1, b=2)
    found = Job.fetch(made.id, connection=redis)
    assert (found.func, found.args, found.kwargs, found.origin) == (work.add, (1,), {'b': 2}, 'low')
    assert Queue('low', connection=redis).job_ids == [made.id]
    assert func.enqueue(5).args == (5,)
    assert func.delay.__name__ == 'add'


def test_options_are_given_once_for_all_calls(redis: Redis, decorated: Any) -> None:
    options: dict[str, Any] = {
        'timeout': '5m', 'result_ttl': 3, 'ttl': 300, 'failure_ttl': 7, 'meta': {'a': 1}, 'description': 'text',
        'retry': Retry(2),
    }  # fmt: skip
    made = decorated('low', connection=redis, **options).delay(1)
    assert (made.timeout, made.result_ttl, made.ttl, made.failure_ttl) == (300, 3, 300, 7)
    assert (made.meta, made.description, made.retries_left) == ({'a': 1}, 'text', 2)
    assert decorated('low', connection=redis, on_lost='fail').delay(1).on_lost == 'fail'
    with pytest.raises(ValueError, match="on_lost='never'"):
        decorated('low', connection=redis, on_lost='never')


def test_some_options_are_taken_out_of_a_calls_keywords(redis: Redis, decorated: Any) -> None:
    func = decorated('low', connection=redis)
    first = func.delay(1)
    second = func.delay(2, job_id='mine', at_front=True, depends_on=None)
    assert (second.id, second.kwargs) == ('mine', {})
    assert Queue('low', connection=redis).job_ids == ['mine', first.id]
    in_front = decorated('low', connection=redis, at_front=True).delay(3)
    assert Queue('low', connection=redis).job_ids[0] == in_front.id


def test_a_queue_or_its_class_may_be_given(redis: Redis, decorated: Any) -> None:
    queue = Queue('mine', connection=redis, default_timeout=9)
    assert decorated(queue, connection=redis).delay(1).timeout == 9
    assert decorated(queue, connection=None).delay(1).origin == 'mine'

    class Special(Queue):
        DEFAULT_TIMEOUT = 5

    assert decorated('low', connection=redis, queue_class=Special).delay(1).timeout == 5
    assert decorated('low', connection=redis, queue_class='rq.Queue').delay(1).timeout == 180


def test_decorating_asks_no_server_and_needs_a_connection_at_the_call(redis: Redis, decorated: Any) -> None:
    with pytest.raises(TypeError, match='connection'):
        job('low')  # type: ignore[call-arg]
    func = decorated('low', connection=None)
    with pytest.raises(TypeError, match='connection'):
        func.delay(1)
    assert redis.dbsize() == 0


def test_a_local_function_is_refused_at_the_call(redis: Redis) -> None:
    @job('low', connection=redis)
    def local() -> None: ...

    with pytest.raises(InvalidFunction, match='cannot be imported by a worker'):
        local.delay()  # type: ignore[attr-defined]
    assert redis.dbsize() == 0


def test_every_option_of_the_decorator_is_one_of_enqueue_call() -> None:
    ours = set(inspect.signature(job.__init__).parameters) - {'self', 'queue', 'connection', 'queue_class'}
    assert ours <= set(inspect.signature(Queue.enqueue_call).parameters)
