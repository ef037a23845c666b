"""Imports point one way: cli -> worker -> queue, registry, results -> job -> store -> redis-py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.layers import LINKS, ROOMS, cycles, edges, wrong_arrows
from tests.architecture.tree import ROOT, exists


def test_no_module_imports_a_room_above_it() -> None:
    assert wrong_arrows(edges(ROOT)) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycles(edges(ROOT)) == []


def test_the_floor_plan_itself_has_no_circle() -> None:
    # executions and registry are one room in two files: an execution's registry is a registry.
    plan = {room: {below for below in allowed if below != room} for room, allowed in ROOMS.items()}
    for leaf in ROOMS['version']:
        plan[leaf] = set()
    plan['executions'].discard('registry')
    order: list[str] = []
    while plan:
        free = sorted(room for room, allowed in plan.items() if not allowed & plan.keys())
        assert free, f'a circle among {sorted(plan)}'
        order += free
        plan = {room: allowed for room, allowed in plan.items() if room not in free}
    assert order.index('store') < order.index('job') < order.index('queue') < order.index('worker') < order.index('cli')


def test_the_files_with_permitted_lazy_imports_are_there() -> None:
    assert [module for module in LINKS if exists('rq.worker') and not exists(module)] == []


# --- The rules bite: trees that break them ----------------------------------------------------------------------------


def tree(folder: Path, **files: str) -> Path:
    for name, text in {'rq/__init__': '', **files}.items():
        path = folder / f'{name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ('file', 'text'),
    [
        ('rq/store/keys', 'from rq.job import Job'),
        ('rq/store/keys', 'from ..job import Job'),
        ('rq/store/keys', 'from .. import job'),
        ('rq/store/keys', 'import rq.job'),
        ('rq/store/keys', 'from rq import Queue'),
        ('rq/store/keys', 'from rq.serializers import PickleSerializer'),
        ('rq/store/keys', 'def f():\n    from rq.job import Job'),
        ('rq/utils', 'from .store import keys'),
        ('rq/utils', 'def f():\n    from .store import keys'),
        ('rq/job/model', 'def f():\n    from rq.queue import Queue'),
        ('rq/job/model', 'class C:\n    def f(self):\n        if self:\n            from rq.registry import X'),
        ('rq/job/links', 'from rq.queue import Queue'),
        ('rq/queue/model', 'from rq.worker import Worker'),
        ('rq/worker/loop', 'from rq.cli import main'),
        ('rq/helpers', 'import os'),
        ('rq/helpers', 'from rq.job import Job'),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path: Path, file: str, text: str) -> None:
    files = {'rq/job/__init__': '', 'rq/queue/__init__': '', 'rq/store/__init__': '', 'rq/cli/__init__': ''}
    root = tree(tmp_path, **{**files, file: text})
    found = wrong_arrows(edges(root))
    if text == 'import os':  # a module of no room does no harm until it is part of the graph
        assert found == []
    else:
        assert len(found) == 1, found


@pytest.mark.parametrize(
    ('file', 'text'),
    [
        ('rq/job/links', 'def f():\n    from rq.queue import Queue'),
        ('rq/store/keys', 'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rq.job import Job'),
        ('rq/queue/model', 'def f():\n    from rq.job import Job'),
        ('rq/queue/model', 'from rq.store import keys\nfrom . import enqueue'),
        ('rq/__init__', 'from .worker import Worker'),
    ],
)
def test_an_import_that_points_down_is_fine(tmp_path: Path, file: str, text: str) -> None:
    assert wrong_arrows(edges(tree(tmp_path, **{file: text}))) == []


def test_a_circle_is_found_inside_a_room_too_and_names_only_its_members(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        **{
            'rq/job/__init__': 'from .model import Job',
            'rq/job/model': 'from . import call',
            'rq/job/call': 'def f():\n    from .lifecycle import g\nfrom rq.utils import now',
            'rq/job/lifecycle': 'from .model import Job',
            'rq/utils': '',
        },
    )
    assert cycles(edges(root)) == [
        'rq.job.call -> rq.job.lifecycle',
        'rq.job.lifecycle -> rq.job.model',
        'rq.job.model -> rq.job.call',
    ]
