"""The small functions answer as RQ 3.0.0's do, whose answers `rq3_behaviour.json` holds (see snapshot_rq3.py)."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from rq import utils

ROWS: list[list[str]] = json.loads(Path(__file__).with_name('rq3_behaviour.json').read_text())


def answer(function: str, arguments: str) -> str:
    try:
        result: Any = getattr(utils, function)(*ast.literal_eval(arguments))
        return repr(list(result) if function == 'split_list' else result)
    except Exception as error:
        return f'raises {type(error).__name__}'


@pytest.mark.parametrize('function', sorted({row[0] for row in ROWS}))
def test_a_function_answers_as_in_rq(function: str) -> None:
    rows = [row for row in ROWS if row[0] == function]
    for _, arguments, outcome, expected in rows:
        assert (f'raises {expected}' if outcome == 'raises' else expected) == answer(function, arguments), arguments


def test_the_table_has_every_kind_of_duration() -> None:
    outcomes = [(row[1], row[2]) for row in ROWS if row[0] == 'parse_timeout']
    assert len(outcomes) > 500
    assert {outcome for _, outcome in outcomes} == {'returns', 'raises'}
    assert all(any(f"{unit}'," in arguments for arguments, _ in outcomes) for unit in 'smhdD')
