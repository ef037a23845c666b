"""The table of the fault matrix in docs/guarantees.md has every row, each with tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rq._faultpoints import POINTS
from tests.faults.matrix import PAGE, ROOT, ROWS, TEN, Row, seen, written
from tests.faults.test_points import COMBINATIONS

# Sentinel: not of this matrix.
ELSEWHERE = {21, 22}


def functions(file: str) -> set[str]:
    return set(re.findall(r'^(?:async )?def (test_\w+)', (ROOT / file).read_text(), re.MULTILINE))


def test_every_row_is_there_once() -> None:
    assert [fault.number for fault in ROWS] == [number for number in range(1, 39) if number not in ELSEWHERE]


@pytest.mark.parametrize('fault', ROWS, ids=lambda fault: fault.number)
def test_the_tests_of_a_row_exist(fault: Row) -> None:
    for test in fault.tests:
        file, _, function = test.partition('::')
        assert functions(file), file
        assert not function or function in functions(file), test


def test_a_test_that_has_a_row_in_its_name_is_of_that_row() -> None:
    named = {
        (int(found[1]), f'tests/faults/{path.name}', name)
        for path in Path(__file__).parent.glob('test_*.py')
        for name in functions(f'tests/faults/{path.name}')
        if (found := re.match(r'test_row_(\d+)_I\d+_', name))
    }
    of_rows = {(fault.number, *test.partition('::')[::2]) for fault in ROWS for test in fault.tests}
    assert len(named) > 15
    assert {entry for entry in named if entry not in of_rows and (*entry[:2], '') not in of_rows} == set()


def test_the_first_ten_exist_and_are_named_so() -> None:
    for number, (file, _) in TEN.items():
        assert any(f'ten_{number:02}_' in name for name in functions(file)), number


def test_the_page_has_the_table_and_says_of_each_row_what_was_seen() -> None:
    page = PAGE.read_text()
    assert page == written(page), 'run: make faults'
    told = seen(page)
    assert [number for number in (fault.number for fault in ROWS) if not told[number][0]] == []
    assert 'TESTS FAILED' not in page
    assert f'{len(POINTS)} **fault points**' in page
    assert f'{len(COMBINATIONS)} runs' in page
