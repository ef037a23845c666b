"""Functions for the jobs of these tests, and what must never be called."""

from __future__ import annotations

import os
from os import system
from subprocess import run
from typing import Any

__all__ = ['Mailer', 'add', 'boom', 'huge', 'look_at_meta', 'note_call', 'run', 'speak', 'system', 'told']

# Calls of what is planted are written here.
MARK = 'RQ_TEST_MARK'


def add(a: int, b: int = 1) -> int:
    return a + b


def boom(*args: Any) -> None:
    """Planted: whoever calls it has run what he should not have."""
    with open(os.environ[MARK], 'a') as file:
        file.write('boom\n')


def note_call(*args: Any) -> None:
    """A callback."""
    with open(os.environ[MARK], 'a') as file:
        file.write('callback\n')


def told(value: Any) -> None:
    raise ValueError(value)


def huge(size: int) -> bytes:
    return b'x' * size


def look_at_meta() -> None:
    """Looks at what its own job has as meta data."""
    from rq import get_current_job

    job = get_current_job()
    assert job is not None and job.meta is not None


def speak(text: str) -> str:
    """A path that ends well."""
    return text


class Mailer:
    """Methods as jobs."""

    def send(self, to: str) -> str:
        return to

    @staticmethod
    def count() -> int:
        return 1


class Planted:
    """Its pickle calls `boom` as it is loaded."""

    def __reduce__(self) -> Any:
        return boom, ()
