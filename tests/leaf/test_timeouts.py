"""Time limits. The bodies run until they are stopped; no test passes because something was slow."""

from __future__ import annotations

import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rq import timeouts
from rq.timeouts import (
    BaseDeathPenalty,
    BaseTimeoutException,
    HorseMonitorTimeoutException,
    JobTimeoutException,
    TimerDeathPenalty,
    UnixSignalDeathPenalty,
    get_default_death_penalty_class,
)

BOTH = pytest.mark.parametrize('penalty', [UnixSignalDeathPenalty, TimerDeathPenalty])
LONG = 30.0  # what no body below may take; only a broken limit lets one run so long
SHORT = 0.05


def spin(seconds: float = LONG) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def own_handler(signum: int, frame: Any) -> None:
    raise AssertionError('the outer handler was called')


@pytest.fixture(autouse=True)
def the_alarm_is_as_it_was() -> Iterator[None]:
    """Every test must leave no timer and no handler behind."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    left = signal.setitimer(signal.ITIMER_REAL, 0)
    after = signal.signal(signal.SIGALRM, before)
    assert left == (0.0, 0.0)
    assert after is before or after == before


@BOTH
def test_a_body_that_takes_too_long_is_ended_in_rqs_words(penalty: type[BaseDeathPenalty]) -> None:
    begun = time.monotonic()
    with (
        pytest.raises(JobTimeoutException, match=r'^Task exceeded maximum timeout value \(0\.05 seconds\)$') as caught,
        penalty(SHORT, JobTimeoutException, job_id='a'),
    ):
        spin()
    assert SHORT <= time.monotonic() - begun < LONG
    assert type(caught.value).__name__ == 'JobTimeoutException'


@BOTH
def test_a_body_that_catches_every_ordinary_error_is_ended_all_the_same(penalty: type[BaseDeathPenalty]) -> None:
    def stubborn() -> None:
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            try:
                spin(0.01)
                raise RuntimeError('one of many')
            except Exception:
                continue

    with pytest.raises(JobTimeoutException), penalty(SHORT, JobTimeoutException):
        stubborn()


@BOTH
def test_a_body_may_clean_up_at_its_timeout(penalty: type[BaseDeathPenalty]) -> None:
    seen = []

    def careful() -> None:
        try:
            spin()
        except JobTimeoutException as error:
            seen.append(str(error))
            raise

    with pytest.raises(JobTimeoutException), penalty(SHORT, JobTimeoutException):
        careful()
    assert seen == ['Task exceeded maximum timeout value (0.05 seconds)']


@BOTH
def test_a_body_in_time_is_left_alone(penalty: type[BaseDeathPenalty]) -> None:
    with penalty(LONG, JobTimeoutException):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@BOTH
def test_a_body_that_fails_in_time_fails_with_its_own_error(penalty: type[BaseDeathPenalty]) -> None:
    with pytest.raises(ZeroDivisionError), penalty(LONG, JobTimeoutException):
        _ = 1 / 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@BOTH
@pytest.mark.parametrize('none', [None, 0, -1, float('nan')])
def test_no_limit_is_no_limit(penalty: type[BaseDeathPenalty], none: float | None) -> None:
    with penalty(none, JobTimeoutException):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@BOTH
@pytest.mark.parametrize('endless', [10**20, float('inf'), 2**31])
def test_a_limit_beyond_what_a_timer_takes_is_as_good_as_none(penalty: type[BaseDeathPenalty], endless: float) -> None:
    with penalty(endless, JobTimeoutException):
        pass


def test_the_exception_is_the_one_asked_for_or_rqs_default() -> None:
    with pytest.raises(HorseMonitorTimeoutException), UnixSignalDeathPenalty(SHORT, HorseMonitorTimeoutException):
        spin()
    with pytest.raises(BaseTimeoutException) as by_signal, UnixSignalDeathPenalty(SHORT):
        spin()
    assert type(by_signal.value) is BaseTimeoutException
    with pytest.raises(JobTimeoutException), TimerDeathPenalty(SHORT):
        spin()


def test_a_sleep_is_ended_by_signal() -> None:
    with pytest.raises(JobTimeoutException), UnixSignalDeathPenalty(SHORT, JobTimeoutException):
        time.sleep(LONG)


def test_the_handler_that_was_there_is_put_back() -> None:
    before = signal.signal(signal.SIGALRM, own_handler)
    try:
        with UnixSignalDeathPenalty(LONG, JobTimeoutException):
            assert signal.getsignal(signal.SIGALRM) != own_handler
        assert signal.getsignal(signal.SIGALRM) is own_handler
        with pytest.raises(JobTimeoutException), UnixSignalDeathPenalty(SHORT, JobTimeoutException):
            spin()
        assert signal.getsignal(signal.SIGALRM) is own_handler
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_timer_that_was_running_goes_on_with_what_is_left() -> None:
    with UnixSignalDeathPenalty(LONG, JobTimeoutException):
        with UnixSignalDeathPenalty(SHORT / 2, BaseTimeoutException), pytest.raises(BaseTimeoutException):
            spin()
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert LONG - 10 < left <= LONG - SHORT / 2


def test_an_outer_limit_that_passed_inside_an_inner_one_strikes_at_its_end() -> None:
    reached = []

    def body() -> None:
        with UnixSignalDeathPenalty(LONG, JobTimeoutException):
            spin(0.3)
            reached.append('end of the inner body')
        spin()

    with pytest.raises(HorseMonitorTimeoutException), UnixSignalDeathPenalty(0.25, HorseMonitorTimeoutException):
        body()
    assert reached == ['end of the inner body']


def test_a_repeating_timer_goes_on_repeating() -> None:
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        signal.setitimer(signal.ITIMER_REAL, LONG, 7.5)
        with UnixSignalDeathPenalty(LONG, JobTimeoutException):
            pass
        assert signal.setitimer(signal.ITIMER_REAL, 0)[1] == 7.5
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_signal_that_strikes_on_the_way_out_leaves_nothing_behind() -> None:
    # The alarm is brought to every place in __exit__ where Python looks for signals, by a trace function.
    before = signal.signal(signal.SIGALRM, own_handler)
    code = {UnixSignalDeathPenalty.__exit__.__code__, UnixSignalDeathPenalty.cancel_death_penalty.__code__}
    try:
        for line in range(12):
            steps = [0]

            def tracer(frame: Any, event: str, argument: Any, steps: list[int] = steps, line: int = line) -> Any:
                if frame.f_code not in code:
                    return None
                steps[0] += 1
                if steps[0] == line + 1 and signal.getsignal(signal.SIGALRM) != own_handler:
                    sys.settrace(None)
                    signal.raise_signal(signal.SIGALRM)
                return tracer

            try:
                with UnixSignalDeathPenalty(LONG, JobTimeoutException):
                    sys.settrace(tracer)
            except JobTimeoutException:
                pass
            finally:
                sys.settrace(None)
            assert signal.getsignal(signal.SIGALRM) is own_handler, line
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), line
    finally:
        signal.signal(signal.SIGALRM, before)


def in_a_thread(function: Callable[[], Any]) -> list[BaseException]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive()
    return errors


def test_a_limit_by_signal_is_refused_in_a_thread() -> None:
    def run() -> None:
        with UnixSignalDeathPenalty(SHORT, JobTimeoutException):
            spin()

    (error,) = in_a_thread(run)
    assert isinstance(error, ValueError)


def test_a_limit_by_timer_ends_the_thread_that_set_it() -> None:
    def run() -> None:
        with TimerDeathPenalty(SHORT):
            spin()

    (error,) = in_a_thread(run)
    assert isinstance(error, JobTimeoutException)


def test_a_timer_that_goes_off_at_the_last_moment_raises_nothing_later() -> None:
    penalty = TimerDeathPenalty(LONG)
    penalty.setup_death_penalty()
    begun = threading.Event()

    def go_off() -> None:
        begun.set()
        penalty.handle_death_penalty()

    # The lock holds the timer's thread back until the body has ended.
    with penalty._lock:
        late = threading.Thread(target=go_off)
        late.start()
        begun.wait(LONG)
        timer, penalty._timer = penalty._timer, None
    late.join(LONG)
    assert timer is not None
    timer.cancel()
    spin(SHORT)


def test_an_exception_on_its_way_is_called_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(timeouts, '_raise_in_thread', lambda thread, exception: sent.append(exception))
    with TimerDeathPenalty(LONG) as _:
        pass
    assert sent == []
    penalty = TimerDeathPenalty(LONG)
    with penalty:
        penalty.handle_death_penalty()
    assert [exception is None for exception in sent] == [False, True]
    sent.clear()
    penalty = TimerDeathPenalty(LONG)

    def delivered() -> None:
        penalty.handle_death_penalty()
        raise sent[0]

    with pytest.raises(JobTimeoutException), penalty:
        delivered()
    assert len(sent) == 1  # it arrived: there was nothing to call back


def test_a_timeout_by_timer_survives_a_pickle() -> None:
    with pytest.raises(JobTimeoutException) as caught, TimerDeathPenalty(SHORT):
        spin()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is JobTimeoutException
    assert str(copy) == str(caught.value)


def test_no_timer_thread_outlives_its_body() -> None:
    with TimerDeathPenalty(LONG) as _:
        assert any(isinstance(thread, threading.Timer) for thread in threading.enumerate())
    deadline = time.monotonic() + LONG
    while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_base_class_has_no_clock_of_its_own() -> None:
    with pytest.raises(NotImplementedError), BaseDeathPenalty(1):
        pass


def test_the_default_is_by_signal_where_there_are_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_default_death_penalty_class() is UnixSignalDeathPenalty
    monkeypatch.delattr(signal, 'SIGALRM')
    assert get_default_death_penalty_class() is TimerDeathPenalty
    monkeypatch.undo()
