"""Functions and objects that the tests of the domain enqueue."""

from __future__ import annotations

import os
import time
from typing import Any

from rq import Retry, get_current_job


def add(a: Any, b: Any = 1) -> Any:
    return a + b


def give(value: Any = None) -> Any:
    return value


def fail(text: str = 'no') -> None:
    raise ValueError(text)


def fail_at(value: int, number: int) -> int:
    if value == number:
        raise ValueError(value)
    return value


def sleep_and_give(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def fail_first(value: Any) -> Any:
    """With two retries: the value, at the second try."""
    job = get_current_job()
    if job is None or job.retries_left == 2:
        raise ValueError('not yet')
    return value


def until_there(path: str) -> str:
    """Waits for a file; not for none."""
    while path and not os.path.exists(path):
        time.sleep(0.01)
    return path


def ask_twice(value: Any) -> Any:
    job = get_current_job()
    return value if job and job.number_of_retries else Retry(max=2, interval=0)


def leave(code: int = 3) -> None:
    raise SystemExit(code)


def interrupt() -> None:
    raise KeyboardInterrupt


def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def spin() -> None:
    """Never ends, in Python code all the time, and swallows what it can."""
    while True:
        try:
            for _ in range(1000):
                pass
        except Exception:
            continue


def unpicklable() -> Any:
    return lambda: None


def who() -> str:
    job = get_current_job()
    assert job is not None
    return job.id


def progress() -> None:
    job = get_current_job()
    assert job is not None
    job.meta['half'] = True
    job.save_meta()


async def later(value: Any) -> Any:
    return value * 2


def cancel_me(_: Any = None) -> str:
    job = get_current_job()
    assert job is not None
    job.cancel()
    return 'nobody will know'


class Calculator:
    """Something with methods, that can be pickled."""

    def __init__(self, base: int = 0) -> None:
        self.base = base

    def plus(self, n: int) -> int:
        return self.base + n

    def __call__(self, n: int) -> int:
        return self.base * n

    @staticmethod
    def twice(n: int) -> int:
        return 2 * n

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calculator) and self.base == other.base

    __hash__ = None  # type: ignore[assignment]


class Unprintable:
    """Its repr() fails, which must not keep a job from being enqueued."""

    def __repr__(self) -> str:
        raise RuntimeError('no repr')


class Unreadable:
    """Pickles well and cannot be read back."""

    def __reduce__(self) -> Any:
        return os.listdir, ('/no/such/folder/anywhere',)
