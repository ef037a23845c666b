from __future__ import annotations

import inspect
import pickle
import re

import pytest

from rq import exceptions, timeouts
from rq.exceptions import RQError, ShutDownImminentException

CLASSES = [getattr(exceptions, name) for name in exceptions.__all__]


def test_every_error_but_the_heroku_one_is_an_rq_error() -> None:
    assert [cls for cls in CLASSES if not issubclass(cls, RQError)] == [ShutDownImminentException]
    assert not issubclass(ShutDownImminentException, Exception)


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    tree = inspect.getdoc(exceptions) or ''
    depths: dict[int, str] = {}
    for indent, name, bases in re.findall(r'^    ([| `-]*)([A-Z]\w+)(?: \((\w+)\))?', tree, re.MULTILINE):
        depth = len(indent)
        depths = {d: n for d, n in depths.items() if d < depth} | {depth: name}
        cls = getattr(exceptions, name)
        parent = depths[max(d for d in depths if d < depth)] if len(depths) > 1 else ''
        named = [base for base in (parent, bases) if base]
        assert named == [base.__name__ for base in cls.__bases__], name
    printed = re.findall(r'^    [| `-]*([A-Z]\w+)', tree, re.MULTILINE)
    assert sorted(printed) == sorted(exceptions.__all__)


@pytest.mark.parametrize('cls', CLASSES)
def test_every_error_says_what_one_would_catch_it_for(cls: type[BaseException]) -> None:
    assert re.match(r'Catch |Expect |Raised inside a job', cls.__doc__ or ''), cls


@pytest.mark.parametrize('cls', [cls for cls in CLASSES if cls is not ShutDownImminentException])
def test_an_error_survives_a_pickle(cls: type[BaseException]) -> None:
    copy = pickle.loads(pickle.dumps(cls('why')))
    assert type(copy) is cls
    assert str(copy) == 'why'


def test_the_heroku_error_keeps_what_it_was_told() -> None:
    error = ShutDownImminentException('soon', {'frame': 1})
    assert (str(error), error.extra_info, error.args) == ('soon', {'frame': 1}, ('soon',))
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.extra_info) == ('soon', {'frame': 1})


@pytest.mark.parametrize(
    'cls', [timeouts.BaseTimeoutException, timeouts.JobTimeoutException, timeouts.HorseMonitorTimeoutException]
)
def test_no_clause_for_ordinary_errors_catches_a_timeout(cls: type[BaseException]) -> None:
    assert not issubclass(cls, Exception)
    assert issubclass(cls, timeouts.BaseTimeoutException)
