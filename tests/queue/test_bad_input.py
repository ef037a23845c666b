"""What cannot be enqueued: refused with words that say what, with what, and what to do; and Redis is as it was."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, RateLimit, Retry
from rq.exceptions import InvalidFunction, InvalidJobId, NotAFunctionError, PayloadTooLarge, TimeoutFormatError
from rq.job import Job
from tests.domain.work import Calculator, give


def local() -> Callable[[], None]:
    def inner() -> None: ...

    return inner


FUNCTIONS = {
    'a lambda': (
        lambda: None,
        InvalidFunction,
        r'<lambda> cannot be imported by a worker: enqueue a function that has a name',
    ),
    'a local function': (local(), InvalidFunction, r'<locals>\.inner cannot be imported by a worker'),
    'a class': (Calculator, NotAFunctionError, 'Expected a callable or a string, but got: .*Calculator'),
    'a number': (5, NotAFunctionError, 'but got: 5'),
    'nothing': (None, NotAFunctionError, 'but got: None'),
    'a module': (sys, NotAFunctionError, "but got: <module 'sys'"),
    'bytes': (b'os.getcwd', NotAFunctionError, "but got: b'os.getcwd'"),
    'an empty path': ('', InvalidFunction, "'' is not the path of a function: give it as"),
    'a broken path': ('os..getcwd', InvalidFunction, r"'os\.\.getcwd' is not the path of a function"),
    'a path into main': ('__main__.f', InvalidFunction, r'move f\(\) to a module that a worker can import'),
}

OPTIONS = {
    'a timeout that is no time': ({'job_timeout': 'soon'}, TimeoutFormatError, r"timeout='soon': .*such as"),
    'a timeout of nothing': ({'job_timeout': 0}, ValueError, '0 timeout is not allowed. Use -1 for infinite'),
    'a timeout below a second': ({'job_timeout': 0.4}, ValueError, '0 timeout is not allowed'),
    'a timeout of a wrong type': ({'job_timeout': [5]}, TypeError, r'timeout=\[5\]: give seconds'),
    'a timeout that is no number': ({'job_timeout': float('nan')}, TimeoutFormatError, 'timeout=nan'),
    'a ttl that is no time': ({'ttl': 'x'}, TimeoutFormatError, "ttl='x'"),
    'a ttl of nothing': ({'ttl': 0}, ValueError, 'ttl must be greater than 0'),
    'a ttl below nothing': ({'ttl': -1}, ValueError, 'ttl must be greater than 0'),
    'a ttl past the end of time': ({'ttl': 10**18}, ValueError, 'more than 10000000000 seconds'),
    'a result_ttl that is no time': ({'result_ttl': '5 parsecs'}, TimeoutFormatError, "result_ttl='5 parsecs'"),
    'a result_ttl past the end of time': ({'result_ttl': 10**18}, ValueError, 'result_ttl=.*or give -1'),
    'a failure_ttl that is no time': ({'failure_ttl': {}}, TypeError, r'failure_ttl=\{\}'),
    'an id with a colon': ({'job_id': 'a:b'}, InvalidJobId, "letters, numbers, underscores and dashes: 'a:b'"),
    'an id with a space': ({'job_id': 'a b'}, InvalidJobId, "'a b'"),
    'an id with a line break': ({'job_id': 'a\n'}, InvalidJobId, r"'a\\n'"),
    'an empty id': ({'job_id': ''}, InvalidJobId, "dashes: ''"),
    'an id that is a number': ({'job_id': 5}, TypeError, "must be a string, not <class 'int'>"),
    'a retry that is a number': ({'retry': 3}, TypeError, r'retry=3: give a rq\.job\.Retry, such as Retry\(max=3\)'),
    'meta that is a list': ({'meta': [1]}, TypeError, r'meta=\[1\]: give a dict'),
    'a unique job without an id': ({'unique': True}, ValueError, 'requires an explicit job_id'),
    'arguments that are none': ({'args': 5}, TypeError, 'args=5: give the arguments as a tuple or a list'),
    'keywords that are none': ({'kwargs': [1]}, TypeError, r'kwargs=\[1\]: give the keyword arguments as a dict'),
    'keywords without names': ({'kwargs': {1: 2}}, TypeError, r'kwargs=\{1: 2\}'),
    'a dependency': ({'depends_on': 5}, ValueError, 'depends_on items must be Job objects or string job IDs, got int'),
    'a nested dependency': ({'depends_on': [['a']]}, ValueError, 'depends_on items must be .* got list'),
    'a job that waits for itself': ({'depends_on': ['b', 'a'], 'job_id': 'a'}, ValueError, 'would wait for itself'),
    'very many dependencies': ({'depends_on': [str(n) for n in range(1001)]}, ValueError, 'up to 1000 jobs, not 1001'),
    'a callback': ({'on_success': 5}, ValueError, 'must be a string or function'),
    'a callback no worker finds': ({'on_failure': Callback(lambda: 1)}, ValueError, 'A worker could not import'),
    'a repeat': ({'repeat': 3}, TypeError, r'repeat=3: give a rq\.Repeat'),
    'a rate limit': ({'rate_limit': 'k'}, TypeError, "rate_limit='k': give a rq.RateLimit"),
    'webhooks': ({'webhooks': 'http://localhost'}, TypeError, 'webhooks must be a sequence of Webhook instances'),
    'one webhook': ({'webhooks': [5]}, TypeError, 'webhooks must be a sequence of Webhook instances'),
    'unique and dependent': ({'unique': True, 'job_id': 'a', 'depends_on': 'b'}, ValueError, 'with job dependencies'),
    'unique and limited': (
        {'unique': True, 'job_id': 'a', 'rate_limit': RateLimit('k', 1)},
        ValueError,
        'with rate-limited jobs',
    ),
}


@pytest.mark.parametrize('case', FUNCTIONS)
def test_what_no_worker_could_call_is_refused(queue: Queue, unchanged: Any, case: str) -> None:
    func, error, text = FUNCTIONS[case]
    with unchanged(), pytest.raises(error, match=text):
        queue.enqueue(func)
    with unchanged(), pytest.raises(error, match=text):
        queue.enqueue_many([Queue.prepare_data(func)])


@pytest.mark.parametrize('case', OPTIONS)
def test_options_that_make_no_sense_are_refused(queue: Queue, unchanged: Any, case: str) -> None:
    options, error, text = OPTIONS[case]
    with unchanged(), pytest.raises(error, match=text):
        queue.enqueue(give, **options)
    sync = Queue('q', connection=queue.connection, is_async=False)
    with unchanged(), pytest.raises(error, match=text):
        sync.enqueue(give, **options)


def test_arguments_twice_are_refused(queue: Queue, unchanged: Any) -> None:
    with unchanged(), pytest.raises(AssertionError, match='explicit args and kwargs'):
        queue.enqueue(give, 1, args=(2,))


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'max': 0}, ValueError, 'max: please enter a value greater than 0'),
        ({'max': '3'}, TypeError, "max: a whole number is needed, not '3'"),
        ({'max': 1, 'interval': -1}, ValueError, 'interval: negative'),
        ({'max': 1, 'interval': [1, -1]}, ValueError, 'interval: negative'),
        ({'max': 1, 'interval': 1.5}, TypeError, 'interval: a whole number is needed, not 1.5'),
        ({'max': 1, 'interval': 'ab'}, TypeError, "interval: a whole number is needed, not 'a'"),
    ],
)
def test_a_retry_that_makes_no_sense_is_refused(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Retry(**arguments)


@pytest.mark.parametrize(
    ('args', 'kwargs', 'told'),
    [
        ((1, lambda: None), {}, 'tests.domain.work.give(): argument 2 (of type function)'),
        ((), {'key': open(os.devnull)}, 'tests.domain.work.give(): argument key= (of type TextIOWrapper)'),  # noqa: SIM115
        (([[lambda: None]],), {}, 'argument 1 (of type list)'),
    ],
)
def test_an_argument_that_cannot_be_pickled_is_named(
    queue: Queue, unchanged: Any, args: Any, kwargs: Any, told: str
) -> None:
    with unchanged(), pytest.raises(Exception, match='pickle') as caught:
        queue.enqueue(give, *args, **kwargs)
    (note,) = caught.value.__notes__
    assert told in note
    assert 'pass plain data, such as an id or a path' in note


def test_a_method_of_what_cannot_be_pickled_is_named(queue: Queue, unchanged: Any) -> None:
    calculator = Calculator()
    calculator.base = lambda: None  # type: ignore[assignment]
    with unchanged(), pytest.raises(Exception, match='pickle') as caught:
        queue.enqueue(calculator.plus, 1)
    assert 'plus(): the object it is a method of (of type Calculator)' in caught.value.__notes__[0]


def test_an_argument_nested_without_end_is_refused(queue: Queue, unchanged: Any) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with unchanged(), pytest.raises(RecursionError):
        queue.enqueue(give, deep)
    while deep:  # else its end would be recursive, too
        deep = deep[0]


def test_what_json_does_not_know_is_named(redis: Redis, unchanged: Any) -> None:
    queue = Queue('q', connection=redis, serializer='json')
    with unchanged(), pytest.raises(TypeError, match='not JSON serializable') as caught:
        queue.enqueue(give, 1, {2, 3})
    assert 'argument 2 (of type set)' in caught.value.__notes__[0]
    with unchanged(), pytest.raises(TypeError, match='not JSON serializable') as caught:
        queue.enqueue(Calculator(1).plus, 1)
    assert 'the object it is a method of' in caught.value.__notes__[0]


def test_meta_that_cannot_be_pickled_is_refused(queue: Queue, unchanged: Any) -> None:
    with unchanged(), pytest.raises(Exception, match='pickle') as caught:
        queue.enqueue(give, meta={'a': lambda: None})
    assert "in the job's meta cannot be stored" in caught.value.__notes__[0]


def test_more_than_redis_can_hold_is_refused(queue: Queue, unchanged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('rq.limits.LIMITS.stored', 1000)
    with (
        unchanged(),
        pytest.raises(PayloadTooLarge, match=r'give\(\) takes \d+ bytes, the limit is 1000 \(RQ_MAX_STORED\): put the'),
    ):
        queue.enqueue(give, 'x' * 1000)


@pytest.mark.parametrize('payload', [os.urandom(64 << 20), b'x' * (64 << 20)], ids=['random', 'compressible'])
def test_64_mb_are_carried(redis: Redis, queue: Queue, payload: bytes) -> None:
    job = queue.enqueue(give, payload)
    assert len(job.description or '') < 200
    assert Job.fetch(job.id, connection=redis).args[0] == payload


@pytest.mark.parametrize(
    ('name', 'error'),
    [('', ValueError), ('a\nb', ValueError), ('\ud800', ValueError), (5, TypeError), (None, TypeError)],
)
def test_a_name_that_is_none_is_refused(redis: Redis, name: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f'Queue name must be .*{re.escape(repr(name))}'):
        Queue(name, connection=redis)


def test_a_queue_needs_a_connection() -> None:
    with pytest.raises(TypeError, match='connection'):
        Queue('q')


def test_a_default_timeout_that_is_no_time_is_refused(redis: Redis) -> None:
    with pytest.raises(TimeoutFormatError, match="default_timeout='soon'"):
        Queue('q', connection=redis, default_timeout='soon')  # type: ignore[arg-type]


@pytest.mark.parametrize('serializer', ['nothing.there', object(), 5])
def test_a_serializer_that_is_none_is_refused(redis: Redis, serializer: Any) -> None:
    with pytest.raises((ValueError, NotImplementedError), match=r'nothing\.there|dumps, loads'):
        Queue('q', connection=redis, serializer=serializer)


MAIN = """
import json, sys
from redis import Redis
from rq import Queue

def work(): pass

class Tool:
    def use(self): pass
    @classmethod
    def kind(cls): pass
    def __call__(self): pass

queue = Queue('q', connection=Redis.from_url(sys.argv[1]))
said = {}
for name, func in dict(function=work, method=Tool().use, classmethod=Tool.kind, callable=Tool(), path='__main__.work').items():
    try:
        queue.enqueue(func)
        said[name] = 'enqueued'
    except ValueError as error:
        said[name] = str(error)
print(json.dumps(said))
"""


def test_what_is_defined_in_the_script_itself_is_refused(redis_url: str, tmp_path: Path, unchanged: Any) -> None:
    script = tmp_path / 'script.py'
    script.write_text(MAIN)
    root = Path(__file__).parents[2]
    with unchanged():
        done = subprocess.run(
            [sys.executable, str(script), redis_url],
            env={**os.environ, 'PYTHONPATH': str(root)},
            capture_output=True,
            text=True,
            check=True,
        )
    names = {'function': 'work', 'method': 'use', 'classmethod': 'kind', 'callable': '__call__', 'path': 'work'}
    assert json.loads(done.stdout) == {
        kind: 'Functions from the __main__ module cannot be processed by workers: '
        f'move {name}() to a module that a worker can import'
        for kind, name in names.items()
    }
