"""Chapters 2 and 3: the commands, and `rq info` without a server and with an empty one."""

from __future__ import annotations

import errno
import re
import socket

import pytest

from tests.article.reader import Reader, in_order, rq
from tests.support.processes import Processes

UPDATED = r'^Updated: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+$'


def test_the_help_lists_the_commands_with_a_line_each(reader: Reader) -> None:
    text = reader.rq('--help')
    assert text.startswith('Usage: rq [OPTIONS] COMMAND [ARGS]...')
    commands = in_order(
        text, *(rf'^  ({name}) +\S' for name in ('empty', 'info', 'requeue', 'resume', 'suspend', 'worker'))
    )
    assert len(commands) == 6


@pytest.mark.parametrize('command', [[*rq(), 'info'], rq('rqinfo')], ids=['rq info', 'rqinfo'])
def test_without_a_server_the_reader_is_told_so_in_one_line(processes: Processes, command: list[str]) -> None:
    with socket.socket() as bound_but_deaf:
        bound_but_deaf.bind(('127.0.0.1', 0))
        process = Reader(processes, bound_but_deaf.getsockname()[1]).start(*command)
        assert process.wait() not in (0, None)
    assert process.stdout == f'Error {errno.ECONNREFUSED} connecting to localhost:6379. Connection refused.\n'


@pytest.mark.parametrize('command', [[*rq(), 'info'], rq('rqinfo')], ids=['rq info', 'rqinfo'])
def test_an_empty_server_has_no_queues_no_jobs_and_no_workers(reader: Reader, command: list[str]) -> None:
    text = reader.run(*command)
    in_order(text, r'\A0 queues, 0 jobs total\n\n0 workers, 0 queues\n\n', UPDATED)
    assert len(re.findall(r'^.+$', text, re.MULTILINE)) == 3
