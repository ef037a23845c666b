"""A reason: the sentence, and what is known beside it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['Fact', 'Why']

Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Why:
    """What holds a job. Names in the sentence stand between backticks."""

    sentence: str  # with what to do about it, if anything is wrong
    kind: str  # of the reason, for programs: no-worker, waiting, suspended ...
    level: str  # ok: it runs or has ended; waits: it goes on by itself; fault: somebody must do something
    facts: tuple[Fact, ...] = ()  # name, value: what is worth knowing besides
    jobs: tuple[str, ...] = ()  # other jobs that the sentence names
    odd: bool = False  # what is stored contradicts itself
