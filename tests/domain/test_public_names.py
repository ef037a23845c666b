"""`import rq`: what it offers at once and at its first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rq
from tests.support.processes import ROOT

SUBMODULES = [
    'connections', 'decorators', 'defaults', 'exceptions', 'executions', 'job', 'logutils', 'queue', 'registry', 'results',
    'serializers', 'suspension', 'timeouts', 'utils', 'version', 'worker', 'worker_registration',
]  # fmt: skip


def fresh(code: str) -> list[str]:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_names_of_rq() -> None:
    assert set(rq.__all__) <= set(dir(rq))
    for name in rq.__all__:
        assert getattr(rq, name) is not None
    assert rq.__version__ == rq.VERSION == '3.0.0'
    with pytest.raises(AttributeError, match="module 'rq' has no attribute 'nothing'"):
        _ = rq.nothing


def test_the_workers_half_is_imported_at_its_first_use() -> None:
    half = "sorted(name for name in sys.modules if name.startswith(('rq.worker', 'rq.registry', 'rq.cli')))"
    assert fresh(f'import sys, rq; print(*{half})') == []
    assert 'rq.worker' in fresh(f'import sys, rq; rq.Worker; print(*{half})')
    assert fresh('from rq import *; print(Worker.__name__, SimpleWorker.__name__, Queue.__name__)') == [
        'Worker', 'SimpleWorker', 'Queue',
    ]  # fmt: skip


@pytest.mark.parametrize('name', SUBMODULES)
def test_a_module_of_rqs_is_reached_by_import_rq_alone(name: str) -> None:
    assert fresh(f'import rq; print(rq.{name}.__name__)') == [f'rq.{name}']
