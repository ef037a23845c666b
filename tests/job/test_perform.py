"""Running a job's function here, and who runs now."""

from __future__ import annotations

from contextvars import copy_context
from threading import Thread
from typing import Any

import pytest
from redis import Redis

from rq import get_current_job
from rq.job import Job
from tests.domain import work


def test_a_job_is_the_current_one_while_it_runs_and_no_longer(redis: Redis) -> None:
    job = Job.create(work.who, connection=redis)
    assert get_current_job() is None
    assert job.perform() == job.id
    assert get_current_job() is None


def test_what_the_function_raises_comes_through_and_the_job_is_current_no_more(redis: Redis) -> None:
    for func, error in ((work.fail, ValueError), (work.leave, SystemExit)):
        with pytest.raises(error):
            Job.create(func, connection=redis).perform()
        assert get_current_job() is None


def test_a_job_within_a_job(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Job.create(work.who, connection=redis)
    seen: list[str | None] = []

    def outer_function() -> None:
        seen.append(getattr(get_current_job(), 'id', None))
        seen.append(inner.perform())
        seen.append(getattr(get_current_job(), 'id', None))

    monkeypatch.setattr(work, 'outer_function', outer_function, raising=False)
    outer = Job.create('tests.domain.work.outer_function', connection=redis)
    outer.perform()
    assert seen == [outer.id, inner.id, outer.id]


def test_a_thread_or_context_of_its_own_knows_no_job_of_others(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def elsewhere() -> None:
        thread = Thread(target=lambda: seen.append(get_current_job()))
        thread.start()
        thread.join()
        seen.append(copy_context().run(get_current_job))

    monkeypatch.setattr(work, 'elsewhere', elsewhere, raising=False)
    job = Job.create('tests.domain.work.elsewhere', connection=redis)
    job.perform()
    assert seen == [None, job]


def test_a_coroutine_function_has_an_event_loop_of_its_own(redis: Redis) -> None:
    assert Job.create(work.later, (21,), connection=redis).perform() == 42


def test_a_subclass_may_run_its_function_in_its_own_way(redis: Redis) -> None:
    class Loud(Job):
        def _execute(self) -> Any:
            return str(super()._execute()).upper()

    assert Loud.create(work.give, ('quiet',), connection=redis).perform() == 'QUIET'
