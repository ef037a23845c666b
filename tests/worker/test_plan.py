"""What the supervisor decides, as functions of what it sees."""

from __future__ import annotations

import pytest

from rq.worker import settings
from rq.worker.board import Phase
from rq.worker.plan import NS, Rhythm, Watched, after_end, grace, on_signal, watch


def seen(watched: Watched, begun: float, now: float, timeout: int = 180, place: int = 0) -> list[str]:
    """What is done at `now` about a job that began at `begun` (seconds)."""
    return watch(watched, (int(begun * NS), place), timeout, int(now * NS))


def test_a_short_job_is_left_alone() -> None:
    watched = Watched()
    assert seen(watched, 10, 10) == seen(watched, 10, 10 + settings.ANNOUNCE_AFTER * 0.9) == []
    assert watch(watched, None, -1, 11 * NS) == []


def test_a_job_that_runs_for_100_ms_is_shown_once_and_then_renewed() -> None:
    watched = Watched()
    assert seen(watched, 10, 10.11) == ['show']
    assert seen(watched, 10, 10.15) == seen(watched, 10, 39) == []
    assert seen(watched, 10, 10.11 + settings.ANNOUNCE_TTL / 3) == ['renew']
    assert seen(watched, 10, 41) == []


def test_the_next_job_is_looked_at_anew() -> None:
    watched = Watched()
    seen(watched, 10, 10.2)
    assert seen(watched, 10.2, 10.21, place=1) == []
    assert seen(watched, 10.2, 10.4, place=1) == ['show']


def test_two_jobs_that_began_in_the_same_nanosecond_are_two() -> None:
    watched = Watched()
    assert seen(watched, 10, 10.2, place=0) == ['show']
    assert seen(watched, 10, 10.2, place=1) == ['show']


def test_a_job_is_killed_once_five_seconds_after_its_timeout() -> None:
    watched = Watched()
    seen(watched, 10, 10.2, timeout=3)
    assert seen(watched, 10, 17.99, timeout=3) == []
    assert seen(watched, 10, 18.01, timeout=3) == ['kill']
    assert seen(watched, 10, 18.02, timeout=3) == []


@pytest.mark.parametrize('timeout', [-1, 0])
def test_a_job_without_timeout_is_never_killed(timeout: int) -> None:
    assert 'kill' not in seen(Watched(), 10, 1e9, timeout=timeout)


def test_a_supervisor_that_slept_through_everything_does_all_of_it_at_once() -> None:
    assert seen(Watched(), 10, 1000, timeout=3) == ['show', 'kill']


def test_the_first_signal_is_warm_a_second_one_after_a_second_is_cold() -> None:
    assert on_signal(None, 5.0) == 'warm'
    assert on_signal(5.0, 5.0) == on_signal(5.0, 5.999) == ''
    assert on_signal(5.0, 6.0) == on_signal(5.0, 900.0) == 'cold'


@pytest.mark.parametrize('reason', [Phase.BURST_DONE, Phase.MAX_JOBS, Phase.MAX_IDLE, Phase.SUSPENDED])
def test_a_horse_that_has_reached_a_limit_ends_the_worker(reason: int) -> None:
    assert after_end(reason, clean=True, stopping=False) == 'end'


@pytest.mark.parametrize('reason', [Phase.RECYCLE, Phase.STOPPED, Phase.ALIVE])
def test_a_horse_that_ended_otherwise_is_followed_by_another(reason: int) -> None:
    assert after_end(reason, clean=True, stopping=False) == 'start'
    assert after_end(reason, clean=False, stopping=False) == 'later'


@pytest.mark.parametrize('clean', [True, False])
def test_no_horse_follows_once_the_worker_was_told_to_stop(clean: bool) -> None:
    assert after_end(Phase.STOPPED, clean=clean, stopping=True) == 'end'


def test_tasks_are_due_in_their_order_and_then_again_after_their_time() -> None:
    rhythm = Rhythm({'renew': 5.0, 'promote': 0.5})
    assert rhythm.next() == 0.0
    assert rhythm.due(100.0) == ['renew', 'promote']
    assert rhythm.due(100.4) == []
    assert rhythm.next() == 100.5
    assert rhythm.due(100.6) == ['promote']
    assert rhythm.due(105.1) == ['renew', 'promote']


def test_a_task_that_is_put_off_leaves_the_others_alone() -> None:
    rhythm = Rhythm({'renew': 5.0, 'promote': 0.5})
    rhythm.due(100.0)
    rhythm.delay('promote', 103.0)
    assert rhythm.due(102.0) == []
    assert rhythm.due(103.0) == ['promote']


@pytest.mark.parametrize(
    ('waited', 'seconds', 'what'),
    [
        (100.0, None, ''),  # without a limit RQ's warm stop
        (0.0, 10.0, ''),
        (8.9, 10.0, ''),
        (9.1, 10.0, 'kill'),
        (10.0, 10.0, 'leave'),
        (0.7, 1.0, ''),
        (0.8, 1.0, 'kill'),  # a short one keeps a quarter for what is to be said
        (0.0, 0.0, 'leave'),
    ],
)
def test_grace_ends_a_job_in_time_to_say_what_became_of_it(waited: float, seconds: float | None, what: str) -> None:
    """I17."""
    assert grace(1000.0, seconds, 1000.0 + waited) == what
    assert grace(None, seconds, 1000.0 + waited) == ''
