"""The whole public API, called by one script against RQ 3.0.0 and against ours: answers and data are the same.

What differs is in differences.py with its reason; one that no longer occurs has to go from there.
"""

from __future__ import annotations

import pytest

from rq.server import EmbeddedServer
from tests.compat.compare import Difference, Run, differences, run, same, superfluous, unexplained
from tests.compat.differences import DIFFERENCES


@pytest.fixture(scope='module')
def both(redis_server: EmbeddedServer) -> tuple[Run, Run]:
    """RQ's run and ours, on databases of their own."""
    base = redis_server.url.rsplit('/', 1)[0]
    return run(f'{base}/8', '3.0.0'), run(f'{base}/9', None)


@pytest.fixture(scope='module')
def found(both: tuple[Run, Run]) -> dict[str, tuple[str, str]]:
    return differences(*both)


def test_the_script_calls_the_whole_api(both: tuple[Run, Run]) -> None:
    theirs, ours = both
    assert theirs.calls >= 1000
    assert not [place for place in (*theirs.told, *ours.told) if 'THE SECTION ENDED' in place]


def test_every_difference_from_rq_has_its_reason(found: dict[str, tuple[str, str]]) -> None:
    lines = unexplained(found, DIFFERENCES)
    assert not lines, '\n'.join([f'{len(lines)} differences from RQ 3.0.0 without a reason:', *lines])


def test_every_reason_has_its_difference(found: dict[str, tuple[str, str]]) -> None:
    assert superfluous(found, DIFFERENCES) == []


@pytest.mark.parametrize(
    ('theirs', 'ours', 'equal'),
    [
        ('3', '3', True),
        ('3', '4', False),
        ('0', 'False', True),
        ('1', 'False', False),
        ('raises ValueError Exception', 'raises OurError ValueError Exception', True),
        ('raises ValueError Exception', 'raises TypeError Exception', False),
        ('raises ValueError Exception', '3', False),
    ],
)
def test_what_a_caller_cannot_tell_apart_is_the_same(theirs: str, ours: str, equal: bool) -> None:
    assert same(theirs, ours) is equal


def test_a_difference_that_is_not_known_and_one_that_is_not_there_are_found() -> None:
    pair = (Run(1, {'s | a': '1', 's | b': 'x', 's | c': '1'}), Run(1, {'s | a': '2', 's | b': 'y', 's | d': '1'}))
    known = (Difference(r's \| a', '1', '2', 'known'), Difference('s . e', '.*', '.*', 'gone'))
    there = differences(*pair)
    assert [line.split('\n')[0] for line in unexplained(there, known)] == ['s | b', 's | c', 's | d']
    assert superfluous(there, known) == ['s . e: gone']
