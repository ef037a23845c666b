"""`rq info`: the article's lines, RQ 3.0's facts behind them, a constant number of round trips, and nothing written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from redis import Redis
from redis.connection import AbstractConnection

from rq.cli.chart import full_bar
from rq.store import keys
from tests.cli.conftest import AddJobs, Run
from tests.support.processes import Processes
from tests.support.terminal import on_terminal

UPDATED = r'Updated: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}'
FULL = '█' * 30
NOTHING = ', 0 executing, 0 finished, 0 failed'
READS = {
    'smembers',
    'llen',
    'zcard',
    'hgetall',
    'exists',
    'time',
    'zrangebyscore',
    'zcount',
    'hello',
    'client',
    'select',
}
COLOR = re.compile(r'\x1b\[[\d;]*m')


def test_an_empty_server_looks_as_in_the_article(run: Run) -> None:
    result = run('info')
    assert result.exit_code == 0
    assert re.fullmatch(f'0 queues, 0 jobs total\n\n0 workers, 0 queues\n\n{UPDATED}\n', result.stdout)


def test_eleven_jobs_are_a_full_bar_as_in_the_article(run: Run, add_jobs: AddJobs) -> None:
    add_jobs('default', 11)
    lines = run('info').stdout.splitlines()
    assert lines[:2] == [f'default      |{FULL} 11{NOTHING}', '1 queues, 11 jobs total']


def test_the_failed_jobs_of_all_queues_are_a_row_and_part_of_the_sum(run: Run, add_jobs: AddJobs) -> None:
    add_jobs('default', 10)
    add_jobs('low', failed=True)
    add_jobs('high', failed=True)
    assert run('info').stdout.splitlines()[:7] == [
        f'default      |{FULL} 10{NOTHING}',
        'high         | 0, 0 executing, 0 finished, 1 failed',
        'low          | 0, 0 executing, 0 finished, 1 failed',
        'failed       |██████ 2',
        '4 queues, 12 jobs total',
        '',
        '0 workers, 4 queues',
    ]


def test_a_bar_shrinks_to_nothing_with_its_queue(run: Run, add_jobs: AddJobs) -> None:
    lengths = []
    for number in (10, 3, 1, 0):
        run('empty', 'default')
        add_jobs('default', number)
        lengths.append(run('info').stdout.count('█'))
    assert lengths == [30, 9, 3, 0]
    assert run('info').stdout.startswith('default      | 0')


@pytest.mark.parametrize(
    ('most', 'full'), [(0, 10), (11, 10), (12, 20), (22, 20), (23, 50), (100, 100), (111, 200), (10**6, 10**6)]
)
def test_a_full_bar_stands_for_a_round_number(most: int, full: int) -> None:
    assert full_bar(most) == full


def test_one_job_among_many_has_a_block_of_its_own(run: Run, add_jobs: AddJobs) -> None:
    add_jobs('many', 1000)
    add_jobs('one', 1)
    assert 'one          |█ 1,' in run('info').stdout


def test_a_worker_is_a_line_with_host_and_pid_state_queues_and_name(run: Run, add_worker: Callable[..., None]) -> None:
    add_worker('w1', ['low', 'high'], state='busy', successful_job_count=3)
    add_worker('w2', ['low'], pid=7, failed_job_count=1)
    add_worker('nameless', ['other'], hostname='', pid='')
    assert run('info', '-W').stdout.splitlines() == [
        'nameless idle: other. jobs: 0 finished, 0 failed',
        'host.7 idle: low. jobs: 0 finished, 1 failed (w2)',
        'host.42 busy: low, high. jobs: 3 finished, 0 failed (w1)',
        '3 workers, 0 queues',
    ]


def test_dead_workers_and_those_without_a_record_are_not_shown(
    run: Run, redis: Redis, add_worker: Callable[..., None]
) -> None:
    add_worker('dead', ['low'], death='2026-01-01T00:00:00.000000Z')
    add_worker('expired', ['low'])
    redis.delete(keys.worker('expired'))
    assert run('info', '-W').stdout == '0 workers, 0 queues\n'


def test_the_raw_form_has_rqs_words(run: Run, add_jobs: AddJobs, add_worker: Callable[..., None]) -> None:
    add_jobs('low', 2)
    add_jobs('low', 1, failed=True)
    add_worker('w1', ['low', 'high'], state='busy')
    assert run('info', '--raw').stdout.splitlines() == [
        'queue low 2, 0 executing, 0 finished, 1 failed',
        'worker w1 (host 127.0.0.1:5 42) busy low, high. jobs: 0 finished, 0 failed',
    ]
    assert run('info', '-r', '-W', 'nobody').stdout == ''


def test_workers_are_listed_by_queue_with_their_names(
    run: Run, add_jobs: AddJobs, add_worker: Callable[..., None]
) -> None:
    add_jobs('default')
    add_jobs('low')
    add_worker('w1', ['low'], state='busy')
    add_worker('w2', ['low'])
    lines = run('info', '-R').stdout.splitlines()
    assert lines[4:7] == ['default: –', 'low:     w1 (busy), w2 (idle)', '2 workers, 2 queues']
    assert run('info', '-R', '-r', '-W').stdout.splitlines() == ['default: –', 'low:     w1 (busy), w2 (idle)']


def test_only_queues_and_only_workers_leave_the_other_out(run: Run, add_jobs: AddJobs) -> None:
    add_jobs('default')
    assert run('info', '-Q').stdout == f'default      |███ 1{NOTHING}\n1 queues, 1 jobs total\n'
    assert run('info', '-W').stdout == '0 workers, 1 queues\n'


def test_named_queues_are_shown_in_the_order_given_with_their_workers_alone(
    run: Run, add_jobs: AddJobs, add_worker: Callable[..., None]
) -> None:
    add_jobs('default', 5)
    add_jobs('low', 1, failed=True)
    add_jobs('high', 2)
    add_worker('w1', ['high', 'x'])
    add_worker('w2', ['default'])
    lines = run('info', 'low', 'high', 'low').stdout.splitlines()
    assert [line.split()[0] for line in lines if '|' in line] == ['low', 'high']
    assert lines[2] == '2 queues, 2 jobs total'
    assert lines[4:6] == ['host.42 idle: high, x. jobs: 0 finished, 0 failed (w1)', '1 workers, 2 queues']


def test_failed_asked_for_by_name_is_the_view_over_all_failed_jobs(run: Run, add_jobs: AddJobs) -> None:
    assert run('info', '-Q', 'failed').stdout == 'failed       | 0\n1 queues, 0 jobs total\n'
    add_jobs('low', 2, failed=True)
    assert run('info', '-Q', 'failed').stdout == 'failed       |██████ 2\n1 queues, 2 jobs total\n'


def test_a_queue_of_ones_own_with_the_name_failed_is_shown_as_a_queue(run: Run, add_jobs: AddJobs) -> None:
    add_jobs('failed', 1)
    add_jobs('low', 2, failed=True)
    assert run('info', '-Q').stdout.splitlines()[0] == f'failed       |███ 1{NOTHING}'


def test_an_unknown_queue_is_said_to_be_unknown_and_shown_as_empty(run: Run) -> None:
    result = run('info', '-Q', 'nosuch')
    assert result.exit_code == 0
    assert result.stdout == f'nosuch       | 0{NOTHING}\n1 queues, 0 jobs total\n'
    assert result.stderr == "No queue 'nosuch' is known yet: no job was put in it and no worker listens on it\n"


def test_a_suspension_is_shown(run: Run) -> None:
    run('suspend')
    assert 'Suspended: no worker takes a job until `rq resume`' in run('info').stdout


def test_names_cannot_command_the_terminal(run: Run, redis: Redis, add_worker: Callable[..., None]) -> None:
    redis.sadd(keys.queues(), keys.queue('a\x1b[2Jb'), keys.queue('\xff'), b'rq:queue:\xff\xfe')
    add_worker('w\x1b[31m', ['q\x07'])
    for form in ('-Q', '-W', '-R', '-r'):
        assert not set('\x1b\x07') & set(run('info', form).stdout)
    assert not set('\x1b') & set(run('empty', '--all').stdout)


def test_the_json_form_has_everything(run: Run, add_jobs: AddJobs, add_worker: Callable[..., None]) -> None:
    add_jobs('low', 2)
    add_worker('w1', ['low'])
    found = json.loads(run('info', '--json').stdout)
    assert found['queues'] == [{'name': 'low', 'waiting': 2, 'executing': 0, 'finished': 0, 'failed': 0}]
    assert found['workers'][0]['name'] == 'w1' and found['workers'][0]['queues'] == ['low']
    assert found['suspended'] is False and found['failed'] is None


def test_the_number_of_round_trips_does_not_grow(
    run: Run, add_jobs: AddJobs, add_worker: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    send = AbstractConnection.send_packed_command
    monkeypatch.setattr(
        AbstractConnection, 'send_packed_command', lambda *args, **options: [sent.append(1), send(*args, **options)][1]
    )

    def trips() -> int:
        sent.clear()
        assert run('info').exit_code == 0
        return len(sent)

    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            add_jobs(f'queue{number}', 2)
            add_worker(f'worker{number}', [f'queue{number}'])

    fill(0, 1)
    few = trips()
    fill(1, 40)
    assert trips() == few <= 12  # some of them are redis-py's greetings


@pytest.mark.parametrize('form', [[], ['-r'], ['-R'], ['-Q'], ['-W'], ['low', 'failed', 'nosuch']])
def test_looking_changes_nothing(
    run: Run, redis: Redis, add_jobs: AddJobs, add_worker: Callable[..., None], form: list[str]
) -> None:
    add_jobs('low', 2)
    add_jobs('low', 1, failed=True)
    add_worker('w1', ['low'])
    redis.zadd(keys.finished('low'), {'long-gone': 1})
    redis.zadd(keys.wip('low'), {'abandoned:x': 1})
    redis.config_resetstat()
    before = redis.info('persistence')['rdb_changes_since_last_save']
    assert run('info', *form).exit_code == 0
    assert redis.info('persistence')['rdb_changes_since_last_save'] == before
    commands = {name.removeprefix('cmdstat_').partition('|')[0] for name in redis.info('commandstats')}
    assert commands - {'info', 'config'} <= READS


def test_bars_are_coloured_on_a_terminal_and_not_where_colours_are_unwanted(
    processes: Processes, redis_url: str, add_jobs: AddJobs
) -> None:
    add_jobs('default', 5)
    add_jobs('low', 1, failed=True)
    command = on_terminal(sys.executable, '-P', '-m', 'rq.cli', 'info', '-u', redis_url)
    coloured = processes.start(*command, env={'NO_COLOR': None, 'TERM': 'xterm'})
    plain = processes.start(*command, env={'NO_COLOR': '1', 'TERM': 'xterm'})
    piped = processes.rq('info', url=redis_url, env={'NO_COLOR': None})
    assert [process.wait() for process in (coloured, plain, piped)] == [0, 0, 0]
    assert '|\x1b[32m█' in coloured.stdout and '|\x1b[31m█' in coloured.stdout
    assert '\x1b' not in plain.stdout + piped.stdout
    assert COLOR.sub('', coloured.stdout).splitlines()[:3] == plain.stdout.splitlines()[:3]


@pytest.mark.parametrize('columns', [60, 80, 200])
def test_lines_fit_the_terminal(processes: Processes, redis_url: str, add_jobs: AddJobs, columns: int) -> None:
    add_jobs('default', 11)
    command = on_terminal(sys.executable, '-P', '-m', 'rq.cli', 'info', '-Q', '-u', redis_url)
    process = processes.start(*command, env={'NO_COLOR': '1', 'COLUMNS': str(columns)})
    assert process.wait() == 0
    line = process.stdout.splitlines()[0]
    assert len(line) <= columns
    assert line.count('█') == min(30, columns - 52)


def test_with_an_interval_it_is_shown_again_until_ctrl_c(processes: Processes, redis_url: str) -> None:
    process = processes.rq('info', '-i', '0.05', url=redis_url)
    processes.wait_for(lambda: process.stdout.count('Updated:') >= 3)
    process.interrupt()
    assert process.wait() == 0
    assert process.stderr == '' and '\x1b' not in process.stdout


def test_on_a_terminal_it_is_drawn_over_itself(processes: Processes, redis_url: str) -> None:
    command = on_terminal(sys.executable, '-P', '-m', 'rq.cli', 'info', '-i', '0.05', '-u', redis_url)
    process = processes.start(*command, stdin=subprocess.PIPE)
    processes.wait_for(lambda: process.stdout.count('\x1b[H') >= 3)
    assert process.popen.stdin is not None
    process.popen.stdin.write(b'\x03')
    process.popen.stdin.flush()
    assert process.wait() == 0
    assert process.stdout.count('\x1b[2J') == 1, 'cleared once, then drawn over: it does not flicker'
    assert 'Traceback' not in process.stdout


def test_what_does_not_fit_the_height_of_the_terminal_is_counted(
    processes: Processes, redis_url: str, add_jobs: AddJobs
) -> None:
    for number in range(10):
        add_jobs(f'queue{number}')
    command = on_terminal(sys.executable, '-P', '-m', 'rq.cli', 'info', '-Q', '-i', '9', '-u', redis_url)
    process = processes.start(*command, stdin=subprocess.PIPE, env={'LINES': '6'})
    process.wait_for_output('... and 7 more lines')
    assert process.stdout.count('queue') == 4


def test_watching_survives_a_restart_of_the_server(processes: Processes, other_server: Callable[..., object]) -> None:
    server = other_server()
    process = processes.rq('info', '-i', '0.05', url=server.url)  # type: ignore[attr-defined]
    process.wait_for_output('Updated:')
    server.kill()  # type: ignore[attr-defined]
    process.wait_for_output('Connection refused')
    server.start()  # type: ignore[attr-defined]
    seen = process.stdout.count('Updated:')
    processes.wait_for(lambda: process.stdout.count('Updated:') > seen)
    process.interrupt()
    assert process.wait() == 0
    assert process.stderr == ''


def test_a_reader_that_goes_away_is_no_error(processes: Processes, redis_url: str) -> None:
    command = f'{sys.executable} -P -m rq.cli info -i 0.01 -u {redis_url} | head -n 1'
    process = processes.start('/bin/sh', '-c', command)
    assert process.wait() == 0
    assert process.stderr == ''
