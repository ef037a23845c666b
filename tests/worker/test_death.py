"""Jobs whose process dies: what becomes of them, what is known of the death, and how long a stop may take."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Callback, Queue, Retry
from rq.job import Job
from rq.server import EmbeddedServer
from rq.store import keys
from rq.worker.report import Memory, Stacks
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker


def told(job: Job) -> str:
    """The text of a job's end."""
    result = job.latest_result()
    assert result is not None
    return str(result.exc_string)


# --- policies and the poison rule


def test_i11_a_job_that_kills_its_process_three_times_fails_with_the_evidence_and_others_flow(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    bad = queue.enqueue(jobs.die, signal.SIGKILL, on_lost='requeue')
    good = [queue.enqueue(jobs.note, 'good', number) for number in range(20)]
    process = burst('--name', 'w1')
    assert bad.get_status() == 'failed'
    assert sorted(line.split()[1] for line in journal.lines if line.startswith('good')) == sorted(
        str(number) for number in range(20)
    )
    assert all(job.get_status() == 'finished' for job in good)
    lines = told(bad).splitlines()
    assert lines[0] == (
        'rq.exceptions.AbandonedJobError: the process of this job died 3 times, so it is not run again:'
    )
    for line in lines[1:4]:
        assert 'worker w1: Work-horse terminated unexpectedly; waitpid returned 9 (signal 9, SIGKILL); peak mem' in line
    assert process.output.count('(signal 9, SIGKILL)') == 3


def test_i11_retries_do_not_outlive_three_deaths_and_a_person_who_requeues_gives_three_more(
    queue: Queue, burst: WorkerMaker, redis: Redis
) -> None:
    job = queue.enqueue(jobs.die, signal.SIGKILL, retry=Retry(max=10))
    burst()
    assert (job.get_status(), redis.hget(job.key, 'losses')) == ('failed', b'3')
    job.requeue()
    assert redis.hmget(job.key, 'losses', 'deaths') == [None, None]
    burst('--max-deaths', '1')
    assert redis.hget(job.key, 'losses') == b'1'


def test_how_many_deaths_a_job_has_can_be_said(queue: Queue, burst: WorkerMaker, redis: Redis) -> None:
    job = queue.enqueue(jobs.die, signal.SIGKILL, on_lost='requeue')
    burst('--max-deaths', '5')
    assert (job.get_status(), redis.hget(job.key, 'losses')) == ('failed', b'5')


@pytest.mark.parametrize(
    ('of_job', 'of_worker', 'retry', 'deaths'),
    [
        (None, None, None, 1),  # RQ's way
        (None, None, Retry(max=1), 2),
        (None, 'requeue', None, 3),
        ('requeue', None, None, 3),
        ('fail', 'requeue', None, 1),
        ('fail', None, Retry(max=5), 1),
        (None, 'fail', Retry(max=5), 1),
    ],
)
def test_a_dead_job_follows_its_own_policy_else_its_workers(
    redis: Redis, burst: WorkerMaker, of_job: str | None, of_worker: str | None, retry: Retry | None, deaths: int
) -> None:
    queue = Queue(connection=redis, on_lost=of_job)
    job = queue.enqueue(jobs.die, signal.SIGKILL, retry=retry)
    burst(*(['--on-lost', of_worker] if of_worker else []))
    assert (job.get_status(), redis.hget(job.key, 'losses')) == ('failed', b'%d' % deaths)


# --- what is known of a death


def test_a_crash_leaves_its_stack_in_the_result_and_one_line_in_the_log(queue: Queue, burst: WorkerMaker) -> None:
    job = queue.enqueue(jobs.segfault)
    process = burst()
    text = told(job)
    assert 'signal 11, SIGSEGV' in text.splitlines()[0]
    assert 'Segmentation fault' in text
    assert 'in segfault' in text
    assert 'Fatal Python error' not in process.output
    assert len([line for line in process.output.splitlines() if 'SIGSEGV' in line]) == 1


def test_the_crash_of_a_child_is_not_taken_for_the_end_of_the_horse(queue: Queue, burst: WorkerMaker) -> None:
    job = queue.enqueue(jobs.die_after_a_child_crashed)
    burst()
    [line] = told(job).splitlines()
    assert '(signal 9, SIGKILL)' in line


@pytest.mark.serial
def test_i18_a_job_that_sits_in_c_code_leaves_its_stack_when_its_time_is_up(queue: Queue, burst: WorkerMaker) -> None:
    """The interpreter's lock is held all the time: no signal handler of Python's would run."""
    job = queue.enqueue(jobs.c_loop, job_timeout=1)
    process = burst(settings={'HARD_GRACE': 0.5})
    text = told(job)
    assert text.startswith('rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (1 seconds)')
    assert 'peak memory' in text.splitlines()[0]
    assert 'in c_loop' in text
    assert 'in c_loop' not in process.output


# Every way to have a process of its own: the warm horse, one a job, and RQ's classes.
WAYS = {
    'warm': [],
    'fork per job': ['--fork-per-job'],
    'classic': ['-w', 'tests.worker.kinds.Classic'],
    'spawned': ['-w', 'rq.worker.SpawnWorker'],
}


@pytest.mark.parametrize('way', WAYS)
def test_whatever_the_way_a_death_is_told_with_signal_memory_and_stack_and_in_one_line_of_the_log(
    queue: Queue, burst: WorkerMaker, way: str
) -> None:
    crashes, exits, hangs = (
        queue.enqueue(jobs.segfault),
        queue.enqueue('os._exit', 7),
        queue.enqueue(jobs.c_loop, job_timeout=1),
    )
    after = queue.enqueue(jobs.say)
    process = burst(*WAYS[way], settings={'HARD_GRACE': 0.5})
    assert after.get_status() == 'finished'
    for job, words, stack in (
        (crashes, '(signal 11, SIGSEGV)', 'in segfault'),
        (exits, '(exit code 7)', ''),
        (hangs, 'Task exceeded maximum timeout value (1 seconds)', 'in c_loop'),
    ):
        assert job.get_status() == 'failed'
        first, _, rest = told(job).partition('\n')
        assert words in first, told(job)
        assert int(first.partition('peak memory ')[2].split()[0]) > 5, first
        assert stack in rest, told(job)
        [line] = [line for line in process.output.splitlines() if words in line and job.id in line]
        assert first.partition(': ')[2] in line
    assert 'in c_loop' not in process.output


@pytest.mark.parametrize('way', ['warm', 'classic'])
def test_whatever_the_way_the_kernels_words_about_memory_are_told(
    queue: Queue, burst: WorkerMaker, tmp_path: Path, way: str
) -> None:
    """A control group as the kernel shows it, in a folder: to make one takes rights that tests do not have."""
    (tmp_path / 'memory.max').write_text(str(512 * 2**20))
    (tmp_path / 'memory.events').write_text('oom 0\noom_kill 0\n')
    (tmp_path / 'cgroup').write_text('0::/\n')
    job = queue.enqueue(jobs.is_killed_for_memory, str(tmp_path / 'memory.events'))
    process = burst(*WAYS[way], settings={'CGROUPS': [str(tmp_path / 'cgroup'), str(tmp_path)]})
    [line] = told(job).splitlines()
    assert line.endswith('; memory limit of its cgroup 512 MB; killed there for want of memory: 1')
    assert any(line.partition(': ')[2] in said for said in process.output.splitlines())


def test_a_callback_has_its_own_time_in_the_classic_way_too(queue: Queue, burst: WorkerMaker) -> None:
    good = queue.enqueue(jobs.sleep, 0.9, job_timeout=1, on_success=Callback('tests.worker.ends.wait_and_note'))
    loop = Callback('tests.worker.ends.loop_in_c', timeout=1)
    bad = queue.enqueue(jobs.sleep, 0.1, job_timeout=30, on_success=loop)
    burst(*WAYS['classic'], settings={'HARD_GRACE': 0.5})
    assert (good.get_status(), bad.get_status()) == ('finished', 'failed')
    assert 'Callback exceeded its timeout (1 seconds) and did not end within' in told(bad).splitlines()[0]


def test_a_horse_killed_by_command_leaves_its_stack(queue: Queue, worker: WorkerMaker, redis: Redis) -> None:
    from rq.command import send_kill_horse_command

    job = queue.enqueue(jobs.sleep, 60)
    process = worker('--name', 'w1')
    wait_for(job.get_executions)
    send_kill_horse_command(redis, 'w1')
    wait_for(lambda: job.get_status() == 'failed')
    assert 'in sleep' in told(job)
    assert process.running


def test_a_process_that_is_halted_tells_nothing_and_holds_nobody_up() -> None:
    stacks = Stacks()
    pid = os.fork()
    if pid == 0:
        stacks.answer()
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.waitpid(pid, os.WUNTRACED)
    before = time.monotonic()
    assert stacks.ask(pid) == ''
    assert time.monotonic() - before < 1.0
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    stacks.close()


@pytest.mark.parametrize(
    ('group', 'files', 'limit'),
    [
        ('0::/a/b', {'a/b/memory.max': '1048576\n', 'a/b/memory.events': 'low 0\noom 3\noom_kill 2\n'}, 1 << 20),
        ('0::/of/the/host', {'memory.max': 'max\n', 'memory.events': 'oom_kill 2\n'}, None),
        (
            '4:memory:/a',
            {'memory/a/memory.limit_in_bytes': '2097152\n', 'memory/a/memory.oom_control': 'under_oom 0\noom_kill 2\n'},
            2 << 20,
        ),
        ('4:cpu,memory:/a', {'memory/memory.limit_in_bytes': '9223372036854771712\n'}, None),
        ('nonsense', {}, None),
    ],
)
def test_the_kernel_is_asked_for_the_limit_and_whom_it_has_killed(
    tmp_path: object, group: str, files: dict[str, str], limit: int | None
) -> None:
    root = tmp_path / 'cgroup'  # type: ignore[operator]
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / 'self').write_text(f'9:name=systemd:/\n{group}\n' if group != 'nonsense' else 'x:y:z\n')  # type: ignore[operator]
    memory = Memory(str(tmp_path / 'self'), str(root))  # type: ignore[operator]
    assert memory.limit() == limit
    before = memory.told()
    assert ('cgroup' in before) == (limit is not None)
    for name, text in files.items():
        (root / name).write_text(text.replace('oom_kill 2', 'oom_kill 3'))
    assert ('killed there for want of memory: 1' in memory.told()) == any('oom_kill' in text for text in files.values())
    assert 'killed' not in memory.told()


# --- a stop with a time limit


def stop(process: object, seconds: float = 10.0) -> float:
    """Seconds that a worker takes to end when told to."""
    began = time.monotonic()
    process.terminate()  # type: ignore[attr-defined]
    assert process.wait(seconds) == 0, process.report()  # type: ignore[attr-defined]
    return time.monotonic() - began


@pytest.mark.serial
@pytest.mark.parametrize(
    ('policy', 'retry', 'status'),
    [
        ('requeue', None, 'queued'),
        (None, Retry(max=1), 'queued'),
        ('fail', Retry(max=1), 'failed'),
        (None, None, 'failed'),
    ],
)
def test_i17_with_grace_a_worker_ends_in_time_and_its_job_follows_its_policy(
    queue: Queue,
    worker: WorkerMaker,
    journal: Journal,
    redis: Redis,
    policy: str | None,
    retry: Retry | None,
    status: str,
) -> None:
    job = queue.enqueue(jobs.sleeps_with_child, on_lost=policy, retry=retry)
    behind = queue.enqueue(jobs.note, 'behind')
    process = worker('--grace', '2')
    wait_for(lambda: journal.lines and job.get_executions())
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    took = stop(process)
    assert 1.0 < took < 2.3
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert job.get_status() == status
    assert redis.hget(job.key, 'losses') is None  # a stop is not the job's fault
    waiting = [job_id.decode() for job_id in redis.lrange(keys.queue('default'), 0, -1)]
    assert waiting == (
        [job.id, behind.id]
        if policy == 'requeue'
        else [behind.id, job.id]
        if retry and status == 'queued'
        else [behind.id]
    )
    if status == 'failed':
        assert told(job).startswith(
            'rq.exceptions.AbandonedJobError: its worker had to stop, and the job did not end within the grace of 2 seconds'
        )
        assert 'in sleeps_with_child' in told(job)
    assert 'in sleeps_with_child' not in process.output


@pytest.mark.serial
def test_i17_what_has_not_begun_goes_back_at_once_and_what_ends_in_time_is_kept(
    queue: Queue, worker: WorkerMaker, redis: Redis
) -> None:
    many = queue.enqueue_many([Queue.prepare_data(jobs.note, ('first',)) for _ in range(3)])
    process = worker('--grace', '20', '--name', 'w1')
    wait_for(lambda: all(job.get_status() == 'finished' for job in many))
    job = queue.enqueue(jobs.sleep, 1.5)
    wait_for(lambda: job.get_status() == 'started')
    behind = [queue.enqueue(jobs.note, number) for number in range(5)]
    process.terminate()
    wait_for(lambda: queue.job_ids == [one.id for one in behind], 1.0)
    assert process.wait(10) == 0
    assert job.get_status() == 'finished'
    assert redis.zcard(keys.wip('default')) == 0


def test_a_job_can_see_that_its_worker_was_told_to_stop(queue: Queue, worker: WorkerMaker) -> None:
    job = queue.enqueue(jobs.winds_up)
    assert not job.stopping
    process = worker('--grace', '15')
    wait_for(job.get_executions)
    took = stop(process)
    assert job.get_status() == 'finished'
    assert job.return_value() == 'wound up'
    assert took < 5


@pytest.mark.serial
@pytest.mark.parametrize('kind', ['rq.worker.SimpleWorker', 'tests.worker.kinds.All'])
@pytest.mark.parametrize(('policy', 'status'), [('requeue', 'queued'), (None, 'failed')])
def test_i17_other_workers_end_in_time_as_well(
    queue: Queue, worker: WorkerMaker, redis: Redis, kind: str, policy: str | None, status: str
) -> None:
    job = queue.enqueue(jobs.sleep, 60, on_lost=policy)
    process = worker('--grace', '2', '-w', kind)
    wait_for(job.get_executions)
    began = time.monotonic()
    process.terminate()
    process.wait(10)
    assert 1.0 < time.monotonic() - began < 2.5
    assert (job.get_status(), redis.hget(job.key, 'losses')) == (status, None)
    if status == 'failed':
        assert 'the job did not end within the grace of 2 seconds' in told(job)


@pytest.mark.parametrize('kind', ['rq.worker.SimpleWorker', 'tests.worker.kinds.All'])
def test_jobs_of_other_workers_see_that_they_should_wind_up(
    queue: Queue, worker: WorkerMaker, journal: Journal, kind: str
) -> None:
    job = queue.enqueue(jobs.winds_up)
    process = worker('-w', kind)
    wait_for(lambda: 'works' in journal.lines)
    assert stop(process) < 5
    assert job.return_value() == 'wound up'


@pytest.mark.serial
def test_i17_grace_ends_also_while_redis_is_away_and_what_is_left_is_named(
    worker: WorkerMaker, other_server: Callable[..., EmbeddedServer], disorder: None
) -> None:
    server = other_server()
    queue = Queue(connection=Redis.from_url(server.url))
    job = queue.enqueue(jobs.sleep, 2)
    process = worker('--grace', '3', env={'RQ_REDIS_URL': server.url})
    wait_for(job.get_executions)
    server.kill()
    began = time.monotonic()
    process.terminate()
    assert process.wait(12) == 1
    assert time.monotonic() - began < 4.5
    assert f'left behind for other workers: {job.id} (' in process.output
