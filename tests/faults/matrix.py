"""The fault matrix: what is expected of each row, which tests hold it, and the table of it in docs/guarantees.md.

`python -m tests.faults.matrix --tests` prints the tests, but for the fault points, which may run side by side;
`python -m tests.faults.matrix <junit.xml> ...` writes the table with what runs of them have seen. `make faults` does it all.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

__all__ = ['PAGE', 'ROWS', 'TEN', 'Row', 'written']

ROOT = Path(__file__).parents[2]
PAGE = ROOT / 'docs' / 'guarantees.md'
F = 'tests/faults/test_'
POINTS = f'{F}points.py'


class Row(NamedTuple):
    """One fault."""

    number: int
    fault: str
    expected: str
    tests: tuple[str, ...]


def row(number: int, fault: str, expected: str, *tests: str) -> Row:
    return Row(number, fault, expected, tests)


ROWS = [
    row(1, 'kill -9 of a horse, at any moment', 'what ran follows its policy, the rest runs once; seen within 1 s',
        f'{F}killed_horse.py', 'tests/worker/test_supervisor.py::test_a_dead_horse_is_reported_within_a_second_with_signal_and_memory'),
    row(2, 'kill -9 of a supervisor alone', 'its horse ends its job validly and gives back the rest',
        f'{F}killed_supervisor.py::test_a_horse_without_supervisor_ends_its_job_validly_and_gives_back_the_rest',
        f'{F}killed_supervisor.py::test_a_supervisor_may_die_before_any_line_of_its_own_code', POINTS),
    row(3, 'kill -9 of both', 'others take its jobs within lease + tick + grace: 40 s',
        f'{F}killed_supervisor.py::test_what_a_dead_worker_had_announced_follows_its_policy_and_the_rest_goes_back',
        f'{F}killed_supervisor.py::test_ten_10_the_jobs_of_a_dead_host_are_back_within_forty_seconds'),
    row(4, 'kill -9 of the supervisor of a pool', 'its workers finish their jobs and end; none is left',
        'tests/pool/test_command.py::test_killed_outright_its_workers_finish_their_jobs_and_end'),
    row(5, 'SIGSTOP of a worker for longer than its lease', 'a late outcome is taken only if nobody else has the job',
        f'{F}matrix_processes.py::test_row_05_I4_of_a_worker_stopped_for_longer_than_its_lease_no_late_outcome_is_taken'),
    row(6, 'SIGSTOP of a horse past its timeout', 'killed at timeout + grace',
        f'{F}matrix_processes.py::test_row_06_I18_a_horse_that_is_stopped_past_its_timeout_is_killed'),
    row(7, 'SIGTERM, SIGINT: once, twice, both, a storm', 'no new claim, unbegun jobs back within 1 s, no process left',
        f'{F}stopped.py::test_told_to_stop_at_any_moment_a_worker_gives_back_what_it_has_not_begun',
        'tests/worker/test_signals.py::test_a_storm_of_signals_is_one'),
    row(8, 'kill -9 of the server, started again with its AOF', 'each outcome is stored once; nobody is taken for dead',
        f'{F}outage.py::test_ten_03_a_server_killed_and_started_again_gets_each_outcome_once'),
    row(9, 'SIGSTOP of the server for longer than a lease', 'as 8',
        f'{F}outage.py::test_a_server_that_stands_still_for_three_seconds_costs_nothing'),
    row(10, 'connections cut again and again', 'nothing lost, nothing twice',
        f'{F}outage.py::test_connections_cut_again_and_again_lose_nothing_and_run_nothing_twice'),
    row(11, 'a request or its reply lost, for every request', 'the same keyspace in the end',
        f'{F}lost_replies.py::test_ten_02_whatever_is_lost_every_job_runs_once_and_the_keyspace_ends_the_same',
        f'{F}lost_replies.py::test_ten_02_whatever_an_enqueue_loses_its_job_is_there_once',
        f'{F}lost_transitions.py'),
    row(12, 'silence: connections that stay open', 'no wait beyond the time limits; it works again',
        f'{F}matrix_network.py::test_row_12_I12_a_silent_network_holds_a_worker_up_no_longer_than_its_patience'),
    row(13, 'a slow network', 'less throughput, no false alarm',
        f'{F}matrix_network.py::test_row_13_I10_a_slow_network_costs_throughput_and_raises_no_alarm'),
    row(14, 'only the horse is cut off, or only its supervisor', 'one outcome',
        f'{F}matrix_network.py::test_row_14_I3_where_one_of_two_processes_is_cut_off_each_job_has_one_outcome'),
    row(15, 'a job out of memory: a limit, or the kernel', 'MemoryError fails it; a kill is told with signal and peak memory',
        'tests/worker/test_start.py::test_a_job_over_its_memory_limit_fails_as_any_other',
        'tests/worker/test_start.py::test_a_death_is_reported_within_a_second_and_with_the_peak_memory',
        'tests/worker/test_death.py::test_whatever_the_way_the_kernels_words_about_memory_are_told'),
    row(16, 'processes that a job forks without end, or that leave its group (setsid)',
        'gone with the timeout, kill or death of the job; the next job starts',
        f'{F}matrix_processes.py::test_row_16_I17_what_a_job_forks_without_end_harms_no_other_job_and_is_gone_with_its_timeout',
        'tests/worker/test_deadline.py::test_what_a_job_had_started_does_not_outlive_its_timeout',
        'tests/worker/test_strays.py'),
    row(17, 'huge payloads and results, bombs', 'refused with a clear error; never a dead worker',
        'tests/security/test_limits.py', 'tests/worker/test_runner.py::test_a_payload_of_64_mb_runs_and_a_bomb_of_a_gigabyte_fails'),
    row(18, 'jobs that end their process or their worker', 'told with the evidence; others flow',
        f'{F}matrix_processes.py::test_row_18_I11_jobs_that_end_their_process_or_their_worker_hold_up_no_other'),
    row(19, "one host's clock jumps by an hour, or leaps", 'leases and the times of jobs are by Redis time: no false alarm',
        f'{F}matrix_processes.py::test_row_19_I10_a_worker_whose_clock_jumps_takes_no_job_from_the_living_and_loses_none',
        f'{F}matrix_host.py::test_row_19_I10_a_leap_second_and_times_of_a_wrong_clock',
        f'{F}matrix_host.py::test_row_19_the_times_of_a_job_are_redis_s_whatever_the_clock_of_its_worker_says'),
    row(20, 'SCRIPT FLUSH all the time', 'no error, pipelines included',
        f'{F}matrix_network.py::test_row_20_I6_a_server_that_forgets_its_scripts_all_the_time_is_told_again'),
    row(23, 'READONLY, LOADING, MASTERDOWN, BUSY, NOPERM, NOAUTH, CLUSTERDOWN ...', 'workers wait and say so once',
        f'{F}matrix_network.py::test_row_23_I12_whatever_redis_answers_a_worker_lives_and_its_jobs_run_once'),
    row(24, 'maxmemory with noeviction', 'enqueue is refused whole; what is there is worked off',
        f'{F}outage.py::test_ten_07_a_full_server_is_drained'),
    row(25, 'a server that evicts', 'worker and `rq doctor` say so; an id without a job is dropped and told',
        f'{F}matrix_server.py::test_row_25_I12_where_the_server_evicts_jobs_their_ids_are_dropped_and_said_and_the_rest_runs',
        f'{F}matrix_server.py::test_row_25_I12_a_worker_says_as_it_starts_that_its_server_may_forget_jobs',
        'tests/cli/test_doctor.py::test_what_a_server_says_of_itself_is_judged'),
    row(26, 'anything in any field or key, anything on a channel', 'good jobs are done, workers live',
        f'{F}matrix_data.py', f'{F}first_ten.py::test_ten_04_a_hash_with_a_bad_timeout_fails_alone'),
    row(27, 'unknown function, error or hang at import, SystemExit and its like', 'failed with the cause',
        'tests/worker/test_runner.py::test_whatever_a_job_raises_it_fails_with_the_cause_and_the_next_one_runs',
        'tests/worker/test_runner.py::test_what_cannot_be_imported_fails_with_the_reason',
        'tests/worker/test_deadline.py::test_a_module_that_hangs_at_its_import_is_ended_by_the_timeout'),
    row(28, 'a result that cannot be pickled, an exception that cannot be printed', 'as RQ; the text is kept',
        'tests/worker/test_runner.py::test_what_cannot_be_stored_is_a_success_without_its_value_and_pickling_that_ends_the_process_is_a_failure'),
    row(29, 'callbacks that raise, hang or kill; webhooks that do not answer', 'the outcome stands; bounded',
        'tests/worker/test_aftermath.py::test_a_callback_that_nothing_ends_is_killed',
        'tests/worker/test_ends.py::test_a_callback_that_ends_the_process_fails_the_job', 'tests/webhook/test_delivery.py'),
    row(30, "another client's script runs for seconds", 'workers wait; no false alarm',
        f'{F}matrix_network.py::test_row_30_I10_a_script_of_somebody_that_runs_for_seconds_raises_no_alarm'),
    row(31, 'the server cannot write its disk (MISCONF), or it is full', 'jobs wait, none is lost; an enqueue is refused whole',
        f'{F}matrix_server.py::test_row_31_I12_while_the_server_cannot_write_its_disk_jobs_wait_and_none_is_lost',
        f'{F}matrix_host.py::test_row_31_I12_a_disk_without_room_for_the_append_only_file_stops_nobody_for_longer_than_it_is_full'),
    row(32, "a worker's output goes to a full disk or a closed pipe", 'results unaffected',
        f'{F}matrix_server.py::test_row_32_I12_a_worker_whose_output_goes_nowhere_does_its_jobs'),
    row(33, 'too many connections', 'workers wait; no file is leaked',
        f'{F}matrix_network.py::test_row_33_I12_where_there_are_too_many_connections_workers_wait_and_leak_none'),
    row(34, 'a second worker of a name; a process number used again; another host name; a full /dev/shm',
        'refused, and takes nothing; nothing but leases says who lives; no room there is needed',
        f'{F}matrix_server.py::test_row_34_I3_a_second_worker_of_a_name_is_refused_and_takes_nothing_from_the_first',
        f'{F}matrix_host.py::test_row_34_I9_a_dead_worker_whose_process_number_is_somebody_elses_is_dead',
        f'{F}matrix_host.py::test_row_34_I3_workers_with_one_process_number_and_host_name_are_told_apart',
        f'{F}matrix_host.py::test_row_34_I3_a_host_that_gets_another_name_keeps_its_leases_and_hears_commands',
        f'{F}matrix_host.py::test_row_34_a_worker_needs_no_room_in_dev_shm'),
    row(35, 'RQ 3.0.0 and 2.12 on the same data', 'each job runs once, whoever takes it', 'tests/compat/test_fleet_together.py'),
    row(36, 'two promoters, two cron schedulers, one stopped in its tick', 'nothing twice, nothing early',
        f'{F}matrix_server.py::test_row_36_I13_ten_06_a_promoter_that_is_stopped_in_its_tick_lets_nothing_start_twice',
        'tests/cron/test_processes.py::test_two_schedulers_enqueue_each_slot_once_though_one_is_stopped_and_one_killed'),
    row(37, 'FLUSHALL, or DEL of any key, under load', 'workers live, new jobs run',
        f'{F}matrix_server.py::test_row_37_I12_workers_outlive_flushall_and_the_loss_of_any_key'),
    row(38, 'cancel, delete, requeue and stop race with every phase', 'no job in between two states',
        f'{F}matrix_server.py::test_row_38_I1_cancel_delete_requeue_and_stop_race_with_every_phase_and_leave_nothing_in_between',
        'tests/store/test_lives.py'),
]  # fmt: skip

# Of the plan, in its order: what RQ 3.0.0 fails at.
TEN = {
    1: (f'{F}first_ten.py', 'who dies around the claim of a job of three queues loses none'),
    2: (f'{F}lost_replies.py', 'lost replies of claims, enqueues and outcomes'),
    3: (f'{F}outage.py', 'an outage while a job ends'),
    4: (f'{F}first_ten.py', 'a bad hash'),
    5: (f'{F}first_ten.py', 'a requeue that is cut'),
    6: (f'{F}matrix_server.py', 'a promoter that is stopped'),
    7: (f'{F}outage.py', 'a full server'),
    8: (f'{F}first_ten.py', 'an id twice on its list'),
    9: (f'{F}first_ten.py', 'a timeout that is swallowed, or meets C code'),
    10: (f'{F}killed_supervisor.py', 'a dead host, seen within 40 s'),
}


def seen(page: str) -> dict[int, tuple[str, str]]:
    """What the table says now: what was seen, and RQ's column, by row."""
    found = re.findall(r'^\| (\d+) \|[^|\n]*\|[^|\n]*\|([^|\n]*)\|([^|\n]*)\|', page, re.MULTILINE)
    return {int(number): (ours.strip(), theirs.strip()) for number, ours, theirs in found}


def table(told: dict[int, tuple[str, str]]) -> str:
    """The table, with what was seen."""
    lines = ['| # | fault | expected | seen | RQ 3.0.0 | held by |', '|---|---|---|---|---|---|']
    for fault in ROWS:
        ours, theirs = told.get(fault.number, ('', ''))
        files = dict.fromkeys(test.partition('::')[0] for test in fault.tests)
        held = ', '.join(f'[{Path(file).stem.removeprefix("test_")}](../{file})' for file in files)
        lines.append(f'| {fault.number} | {fault.fault} | {fault.expected} | {ours} | {theirs} | {held} |')
    return '\n'.join(lines)


def written(page: str, told: dict[int, tuple[str, str]] | None = None) -> str:
    """The page with its table as it should be."""
    made = table(seen(page) | (told or {}))
    text, count = re.subn(
        r'(<!-- faults -->\n).*?(<!-- /faults -->)', lambda m: f'{m[1]}{made}\n{m[2]}', page, flags=re.DOTALL
    )
    assert count == 1
    return text


def of_run(reports: Iterable[Path], page: str) -> dict[int, tuple[str, str]]:
    """What runs have seen, by row, from pytest's reports (--junitxml)."""
    cases = [case for report in reports for case in ElementTree.parse(report).iter('testcase')]
    before, found = seen(page), {}
    for fault in ROWS:
        of_row = [case for case in cases if any(_is(case, test) for test in fault.tests)]
        bad = [case for case in of_row if case.find('failure') is not None or case.find('error') is not None]
        told = {
            p.get('value'): None for c in of_row for p in c.iter('property') if p.get('name') == f'row {fault.number}'
        }
        if of_row:
            text = (
                '; '.join(str(what) for what in told) or f'held in {len(of_row)} test{"s" if len(of_row) > 1 else ""}'
            )
            found[fault.number] = (f'{len(bad)} TESTS FAILED' if bad else text, before.get(fault.number, ('', ''))[1])
    return found


def _is(case: ElementTree.Element, test: str) -> bool:
    file, _, function = test.partition('::')
    name = str(case.get('name')).partition('[')[0]
    return case.get('classname') == file.removesuffix('.py').replace('/', '.') and function in ('', name)


def main(arguments: Iterable[str]) -> None:
    """The command."""
    told = list(arguments)
    if told == ['--tests']:
        tests = dict.fromkeys(test for fault in ROWS for test in fault.tests if test != POINTS)
        print('\n'.join(tests))
    else:
        page = PAGE.read_text()
        PAGE.write_text(written(page, of_run(map(Path, told), page)))


if __name__ == '__main__':
    main(sys.argv[1:])
