from __future__ import annotations

import signal

import pytest

from tests.support.processes import Processes
from tests.support.waiting import wait_for

# A child in a session of its own, which no signal to its parent's group reaches.
RUNAWAY = 'import subprocess, sys; subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)'


def test_the_output_of_a_process_can_be_read_while_it_runs_and_afterwards(processes):
    process = processes.python('-c', 'import sys; print("ready", flush=True); input(); print("no", file=sys.stderr)')
    assert process.wait() == 1  # its standard input is empty
    assert process.stdout == 'ready\n'
    assert 'EOFError' in process.stderr


def test_waiting_for_output_fails_at_once_when_the_process_ends_without_it(processes):
    process = processes.python('-c', 'print("something else")')
    with pytest.raises(AssertionError, match=r'(?s)Ended without.*something else'):
        process.wait_for_output('ready', timeout=60)


def test_a_deadline_that_passes_is_reported_with_what_the_processes_printed(processes):
    process = processes.python('-c', 'import time; print("here I am", flush=True); time.sleep(60)')
    process.wait_for_output('here')
    with pytest.raises(AssertionError, match=r'(?s)the moon.*here I am'):
        processes.wait_for(lambda: False, timeout=0.05, message='the moon')
    process.interrupt()
    assert process.wait() == -signal.SIGINT or 'KeyboardInterrupt' in process.stderr


def test_a_variable_can_be_set_and_removed(processes, monkeypatch):
    monkeypatch.setenv('GIVEN', 'x')
    code = 'import os; print(os.environ.get("GIVEN"), os.environ.get("MINE"), os.environ.get("PYTEST_CURRENT_TEST"))'
    process = processes.python('-c', code, env={'GIVEN': None, 'MINE': 'y'})
    process.wait()
    assert process.stdout == 'None y None\n'


def test_what_a_test_leaves_running_is_found_killed_and_reported(tmp_path):
    processes = Processes(tmp_path)
    processes.python('-c', RUNAWAY).wait()
    (runaway,) = processes.left()
    with pytest.raises(AssertionError, match=f'(?s)Left running by the test.*{runaway.pid}'):
        processes.end(patience=0.2)
    wait_for(lambda: not processes.left(), message='the end of the runaway')


def test_a_process_that_still_runs_is_ended_with_the_test(tmp_path):
    processes = Processes(tmp_path)
    process = processes.python('-c', 'import time; time.sleep(60)')
    processes.end()
    assert process.returncode == -signal.SIGKILL
    assert processes.left() == []
