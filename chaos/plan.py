"""A seed is a plan: which fault comes when, to whom, for how long. The same seed is the same plan on any system."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ['FAULTS', 'STORM', 'Kind', 'Step', 'build']


@dataclass(frozen=True)
class Kind:
    """One kind of fault. `row` is its row in the fault matrix (guarantees.md, section 5)."""

    title: str
    expected: str
    row: str
    weight: int = 3
    apart: float = 0.2  # seconds between two of this kind, at least
    lasts: tuple[float, float] = (0.0, 0.0)
    long: bool = False  # not in a run of 90 seconds


# Faults by name; faults.py has a function of each name.
FAULTS: dict[str, Kind] = {
    'horse_killed': Kind('kill -9 of a work-horse', 'its job by its policy within 1 s, the rest of its pack back', '1', 6),
    'worker_killed': Kind('kill -9 of a worker, its horse lives', 'the horse ends its job validly; nothing lost', '2', 4),
    'host_killed': Kind('kill -9 of a worker with all its processes', 'others take its jobs within 40 s', '3', 2, 4.0),
    'worker_terminated': Kind('SIGTERM to a worker', 'unbegun jobs back at once, the running one ends, exit 0', '7', 3),
    'worker_paused': Kind('SIGSTOP, SIGCONT of a worker', 'it goes on; no outcome twice', '5', 3, 0.2, (0.05, 2.0)),
    'horse_paused': Kind('SIGSTOP, SIGCONT of a work-horse', 'the job takes longer', '6', 3, 0.2, (0.05, 1.0)),
    'host_paused': Kind(
        'SIGSTOP of a worker with all its processes for longer than its lease, SIGCONT',
        'others take its jobs; what it says when it wakes is refused',
        '5',
        2,
        8.0,
        (33.0, 36.0),
        True,
    ),
    'server_killed': Kind('kill -9 of the server, AOF always', 'all reconnect; nothing lost, nobody reaped', '8', 3, 6.0, (0.0, 2.0)),
    'server_paused': Kind('SIGSTOP, SIGCONT of the server', 'as above', '9', 2, 1.0, (0.1, 2.5)),
    'scripts_flushed': Kind('SCRIPT FLUSH', 'nobody notices', '20', 3),
    'connections_cut': Kind('RST on every connection', 'reconnect; every request may be sent again', '10', 4),
    'reply_lost': Kind('request applied, reply lost', 'sent again, applied once', '11', 6),
    'request_lost': Kind('request lost, connection cut', 'sent again', '11', 3),
    'black_hole': Kind('silence on all connections', 'time-outs, then as above', '12', 3, 1.0, (0.2, 3.0)),
    'one_silent': Kind('silence on one connection of a worker', 'its other half goes on; one outcome', '14', 3, 0.5, (0.5, 4.0)),
    'slow': Kind('+20 to 100 ms on every message', 'slower, nobody reaped', '13', 2, 1.0, (0.5, 2.0)),
    'trickle': Kind('20 KB/s in packets of 3 bytes', 'slower, nobody reaped', '13', 2, 1.0, (0.5, 2.0)),
    'errors': Kind('error replies: LOADING, READONLY, BUSY, MASTERDOWN, OOM, MISCONF', 'tried again; no worker ends', '23, 24, 31', 4),
    'races': Kind('cancel, delete, stop, requeue at any moment', 'every job in one lawful place', '38', 0),
}  # fmt: skip
# The random storms of kill -9.
STORM = ['horse_killed', 'worker_killed', 'host_killed', 'server_killed']
CALM = 2.0  # seconds before the first fault: what the throughput is compared with


@dataclass(frozen=True)
class Step:
    """One fault: `who` and `k` choose among those that are there when it comes."""

    at: float  # seconds since the start
    fault: str
    who: int
    k: int
    lasts: float

    def __str__(self) -> str:
        return f'{self.at:6.2f} s  {self.fault} who={self.who} k={self.k} lasts={self.lasts:.2f}'


def build(seed: int, seconds: float, names: Sequence[str], a_second: float = 1.0) -> list[Step]:
    """The plan of a seed: faults of these kinds, so many a second on average."""
    chance = random.Random(seed)
    active = [name for name in names if FAULTS[name].weight]
    last = dict.fromkeys(active, -100.0)
    steps = []
    at = CALM
    while active:
        at += chance.expovariate(a_second)
        name = chance.choices(active, [FAULTS[name].weight for name in active])[0]
        step = Step(
            round(at, 3),
            name,
            chance.randrange(1000),
            chance.randrange(1, 6),
            round(chance.uniform(*FAULTS[name].lasts), 3),
        )
        if at >= seconds:
            break
        if at - last[name] >= FAULTS[name].apart:
            last[name] = at
            steps.append(step)
    return steps
