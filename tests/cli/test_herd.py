"""The workers of `rq up` as processes: kept at their number, given up when they cannot start."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import pytest

from rq import respawn
from rq.cli.herd import Herd, HerdFailed
from tests.support.waiting import wait_for


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Herd]]:
    monkeypatch.setattr(respawn, 'FIRST_PAUSE', 0.01)
    herds: list[Herd] = []

    def make_herd(code: str, number: int = 1) -> Herd:
        herds.append(Herd([sys.executable, '-S', '-c', code], {}, number))
        return herds[-1]

    yield make_herd
    for herd in herds:
        herd.kill()


def end_of_one(herd: Herd) -> None:
    before = herd.alive
    herd.start_missing()

    def ended() -> bool:
        herd.reap()
        return herd.alive < max(before, 1)

    wait_for(ended, 10)


def test_a_worker_that_dies_is_replaced_at_once(make: Callable[..., Herd]) -> None:
    herd = make('import os, signal, time; os.kill(os.getpid(), signal.SIGKILL)')
    end_of_one(herd)
    assert herd.pause() == 0.0
    assert not herd.done


def test_one_that_dies_again_and_again_is_given_up(make: Callable[..., Herd]) -> None:
    herd = make('raise SystemExit(1)')
    pauses = []
    for _ in range(4):
        end_of_one(herd)
        pauses.append(herd.pause() or 0.0)
        wait_for(lambda: herd.pause() == 0.0)
    with pytest.raises(HerdFailed, match='again and again') as failed:
        end_of_one(herd)
    assert failed.value.code == 1
    assert pauses[0] == 0.0 and pauses[-1] > 0.015


def test_wrong_options_are_not_tried_again(make: Callable[..., Herd]) -> None:
    herd = make('raise SystemExit(2)')
    with pytest.raises(HerdFailed) as failed:
        end_of_one(herd)
    assert failed.value.code == 2


def test_one_that_was_told_to_end_is_not_replaced(make: Callable[..., Herd]) -> None:
    herd = make('pass')
    end_of_one(herd)
    assert herd.done and herd.pause() is None


def test_all_are_ended_by_kill_whatever_they_do(make: Callable[..., Herd]) -> None:
    herd = make('import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)', number=3)
    herd.start_missing()
    assert herd.alive == 3
    herd.stop()
    began = time.monotonic()
    herd.kill()
    assert herd.alive == 0 and herd.done
    assert time.monotonic() - began < 10
