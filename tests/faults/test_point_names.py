"""Fault points: all named in one place, each in the code, none of any cost where nobody has armed it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rq import _faultpoints
from rq._faultpoints import ACTIONS, POINTS
from rq.store.script import FOLDER
from tests.faults.test_points import CHOSEN

CODE = Path(_faultpoints.__file__).parent
SCRIPTS = {path.stem for path in FOLDER.glob('*.lua')}
# They call `reach` for what others have guarded.
ARMED_ONLY = {CODE / '_faultpoints.py', CODE / 'store' / 'faults.py'}


def guarded(tree: ast.Module) -> set[ast.AST]:
    """What is run only where points are armed: below `if ARMED`, and in a function that is made there."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        below_if = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == 'ARMED'
        if below_if or (isinstance(node, ast.FunctionDef) and node.name == '_reached'):
            found.update(ast.walk(node))
    return found


def calls(path: Path) -> list[tuple[ast.Call, bool]]:
    """Each call of `reach` in a file, and whether it is guarded."""
    tree = ast.parse(path.read_text())
    safe = guarded(tree)
    return [
        (node, node in safe)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'reach'
    ]


ALL_CALLS = [(path, *call) for path in sorted(CODE.rglob('*.py')) if path not in ARMED_ONLY for call in calls(path)]


def test_every_call_of_a_point_is_guarded_so_that_an_unarmed_one_calls_nothing() -> None:
    assert len(ALL_CALLS) > 15
    assert [(path.name, call.lineno) for path, call, safe in ALL_CALLS if not safe] == []


def test_the_points_in_the_code_and_around_the_scripts_are_those_of_the_list() -> None:
    texts = {
        node.value
        for _, call, _ in ALL_CALLS
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    around = {f'{when}.{script}' for script in SCRIPTS for when in ('before', 'after')}
    assert texts <= set(POINTS)
    assert set(POINTS) <= texts | around
    assert not texts & around, 'one name, one place'


def test_the_part_that_runs_with_all_tests_has_every_point_and_every_action() -> None:
    assert {point for point, _, _ in CHOSEN} == set(POINTS)
    assert {action for _, action, _ in CHOSEN} == {*ACTIONS} - {'sleep'}
    assert {queues for _, _, queues in CHOSEN} == {1, 3}


def test_unarmed_nothing_of_it_is_loaded_and_nothing_struck() -> None:
    code = (
        'import sys, rq.worker.horse as horse, rq.store.script as script\n'
        'assert not horse.ARMED and "rq.store.faults" not in sys.modules\n'
        'assert script.Script.__call__.__module__ == "rq.store.script"\n'
    )
    env = {name: value for name, value in os.environ.items() if name != 'RQ_FAULTPOINTS'}
    subprocess.run([sys.executable, '-c', code], check=True, cwd=CODE.parent, env=env)


@pytest.mark.parametrize('plan', ['x:no.such.point=kill', 'x:before.begin=explode', 'x:before.begin'])
def test_a_plan_that_names_no_point_or_no_action_is_refused(plan: str) -> None:
    with pytest.raises(ValueError, match='no such point or action'):
        _faultpoints.arm(plan)
    _faultpoints.arm(':')
