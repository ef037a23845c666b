"""What the model knows of one job, and of one rate limit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ['Job', 'Limit', 'Told']


@dataclass(frozen=True, repr=False)
class Told:
    """What an enqueue says about its job."""

    id: str
    queue: str
    call: str = ''
    ttl: int = 0
    front: bool = False  # where this enqueue puts it
    later_front: bool = False  # where it goes when it need not wait any more (field enqueue_at_front)
    unique: bool = False
    retries: int | None = None
    retry_intervals: tuple[int, ...] = ()
    retry_front: bool = False
    repeats: int | None = None
    repeat_intervals: tuple[int, ...] = ()
    failure_ttl: int | None = None
    others: tuple[str, ...] = ()  # the jobs that it waits for
    allow: bool = False  # their failure will do
    limit: str = ''
    most: int = 0
    on_lost: str = ''  # what becomes of it when its process dies: 'fail', 'requeue' or RQ's way
    callbacks: bool = False  # for the lost and the stopped
    webhooks: bool = False

    def __repr__(self) -> str:
        said = {name: value for name, value in vars(self).items() if value != getattr(Told, name, None)}
        return f'Told({", ".join(f"{name}={value!r}" for name, value in said.items())})'


@dataclass
class Job:
    """A job's hash."""

    told: Told
    status: str
    retries: int | None
    repeats: int | None
    tries: int = 0
    runs: int = 0
    losses: int = 0
    execution: str = ''
    announced: str = ''
    has_run: bool = False  # it was claimed, and neither given back nor requeued
    forget: bool = False  # only its notes keep it
    expires: float = math.inf
    expires_again: float = math.inf  # while it runs: what its ttl was

    @property
    def queue(self) -> str:
        return self.told.queue


@dataclass
class Limit:
    """A rate limit: who holds a slot, who waits for one and since when."""

    most: int = 0
    holders: set[str] = field(default_factory=set)
    waiters: list[str] = field(default_factory=list)
