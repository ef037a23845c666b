"""`rq` itself: its help, its versions, its other names, and what it imports."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

import rq.cli
from rq.version import PACKHORSE_VERSION, VERSION
from tests.cli.conftest import Run
from tests.support.processes import ROOT, Processes

COMMANDS = [
    'bench', 'cron', 'dashboard', 'doctor', 'empty', 'enqueue', 'info', 'requeue', 'resume', 'server', 'stack', 'suspend', 'up', 'why',
    'worker', 'worker-pool',
]  # fmt: skip
# What a command line needs only once it does something. (asyncio and others come with redis-py and `import rq`.)
HEAVY = {
    'redis',
    'rq.store',
    'rq.job',
    'rq.queue',
    'rq.worker',
    'rq.server',
    'rq.dashboard',
    'flask',
    'json',
    'uuid',
    'ctypes',
    'logging.config',
}


def test_the_help_has_a_line_for_each_command(run: Run) -> None:
    result = run('--help')
    assert result.exit_code == 0
    assert result.stdout.startswith('Usage: rq [OPTIONS] COMMAND [ARGS]...\n')
    assert re.findall(r'^  ([\w-]+) +\S.*$', result.stdout.partition('Commands:')[2], re.MULTILINE) == COMMANDS


@pytest.mark.parametrize('command', COMMANDS)
def test_each_command_explains_itself(run: Run, command: str) -> None:
    result = run(command, '--help')
    assert result.exit_code == 0
    assert result.stdout.startswith(f'Usage: rq {command} ')


def test_the_version_is_the_level_of_rqs_api_and_our_own(run: Run) -> None:
    assert run('--version').stdout == f'rq, version {VERSION} (Packhorse {PACKHORSE_VERSION})\n'


def test_rqs_names_are_commands() -> None:
    for name in ('main', 'info', 'worker'):
        assert isinstance(getattr(rq.cli, name), click.Command), name


@pytest.mark.parametrize(('name', 'command'), [('rqinfo', 'info'), ('rqworker', 'worker')])
def test_the_short_names_are_the_same_commands(processes: Processes, redis_url: str, name: str, command: str) -> None:
    words = ['-r'] if command == 'info' else ['--burst', '-q']
    short = processes.python('-c', f'from rq.cli import {name}; {name}()', *words, env={'RQ_REDIS_URL': redis_url})
    whole = processes.rq(command, *words, url=redis_url)
    help_text = processes.python('-c', f'from rq.cli import {name}; {name}()', '--help')
    assert [process.wait() for process in (short, whole, help_text)] == [0, 0, 0]
    assert short.output == whole.output
    assert help_text.stdout.startswith(f'Usage: {name} [OPTIONS] [QUEUES]...')


def imported(*words: str) -> set[str]:
    """The modules that a command imports, beyond those of `import rq, click`."""
    code = (
        'import sys, rq, click; before = set(sys.modules)\n'
        'from rq.cli import main\n'
        'try: main(sys.argv[1:])\n'
        'except SystemExit: print("modules:", *(set(sys.modules) - before))'
    )
    command = [sys.executable, '-c', code, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition('modules:')[2].split())


@pytest.mark.parametrize('words', [['--help'], ['--version'], ['worker', '--help'], ['up', '--help'], ['bogus']])
def test_what_only_explains_imports_nothing_heavy(words: list[str]) -> None:
    assert {name for name in imported(*words) if any(f'{name}.'.startswith(f'{heavy}.') for heavy in HEAVY)} == set()


def test_info_imports_no_worker_and_no_server(redis_url: str) -> None:
    new = imported('info', '-u', redis_url)
    assert 'rq.cli.survey' in new
    assert not {name for name in new if name.startswith(('rq.worker', 'rq.server', 'rq.registry', 'asyncio'))}
