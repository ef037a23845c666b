"""docs/chaos.md, from docs/chaos.json."""

from __future__ import annotations

from collections import Counter
from typing import Any

from chaos.plan import FAULTS

__all__ = ['render']

OURS, THEIRS = 'packhorse', 'rq==3.0.0'
TOP = """# What happened under faults

Written by `make chaos-long`; not to be edited. Each row: a server of its own (Valkey, AOF always), three workers on three
queues, a proxy between them and the server, and a producer whose jobs use retries, callbacks, dependencies, schedules,
rate limits and repeats. For twelve seconds one kind of fault comes again and again, planned by a seed; then all has to
come to its end. What really ran is known from a file outside of Redis. RQ runs the same plan with its own `rq worker`,
and is given {patience} s after the last fault, or as long as it goes on working; workers that end by themselves are started again.

*Not as promised* counts jobs: **lost** (in no structure), **stuck** (no end by then), **twice** (began again without a
retry or policy that says so), **failed falsely** (its run ended well, or nobody killed it), **callback** (never ran),
and so on; **exit** counts workers that ended by themselves, **leak** processes that stayed. Most of RQ's stuck jobs were
scheduled ones (or retries with a wait) that nobody had moved by then; it also begins them up to a second early.
"""


def render(known: dict[str, Any]) -> str:
    """The whole page."""
    ours, theirs = known.get(OURS), known.get(THEIRS)
    mine, others = ((seen or {'rows': {}})['rows'] for seen in (ours, theirs))
    patience = (theirs or {}).get('patience', 60)
    lines = [TOP.format(patience=f'{patience:.0f}'), _when(ours, theirs)]
    lines += [
        '## Each fault alone',
        '',
        '| fault (row of the matrix) | expected | done | jobs | not as promised | measured | RQ 3.0.0, same plan |',
    ]
    lines += ['|---|---|---|---|---|---|---|']
    for name, kind in FAULTS.items():
        if name in mine:
            lines.append(_row(f'{kind.title} ({kind.row})', kind.expected, mine[name], others.get(name)))
    lines += ['', '## Storms of kill -9', '', STORMS]
    lines += [
        '| seed | kills | jobs | began | again by policy | not as promised | recovery | RQ 3.0.0, same plan |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for name in sorted(name for name in mine if name.startswith('seed ')):
        lines.append(_storm(name, mine[name], others.get(name)))
    return '\n'.join(lines) + '\n'


STORMS = """60 seconds of `kill -9` of work-horses, workers, workers with all their processes, and the server, in any order;
40 jobs a second and 300 at once every five seconds, some of them with `on_lost=`. RQ gets the same faults, and 12 jobs a
second, which it can do.
"""


BUSY = ' (the machine was busy: times are too long)'


def _when(ours: Any, theirs: Any) -> str:
    told = [f'{key}: {seen["when"]}, {seen["machine"]}.' for key, seen in ((OURS, ours), (THEIRS, theirs)) if seen]
    return ' '.join(told) + '\n'


def _row(title: str, expected: str, mine: dict[str, Any], other: dict[str, Any] | None) -> str:
    numbers = mine['numbers']
    done = sum(mine['times'].values())
    cells = [
        title,
        expected,
        f'{done} x' if done else 'all the time',
        f'{numbers["enqueued"] - numbers["unknown"]:.0f}',
        _broken(mine),
        _measured(numbers) + BUSY * mine['void'],
        _theirs(other),
    ]
    return '| ' + ' | '.join(cells) + ' |'


def _storm(name: str, storm: dict[str, Any], other: dict[str, Any] | None) -> str:
    numbers = storm['numbers']
    kills = ', '.join(f'{count} {name.removesuffix("_killed")}' for name, count in sorted(storm['times'].items()))
    again = f'{numbers["twice by policy"]:.0f}'
    if numbers['twice as a host vanished']:
        again += f', and {numbers["twice as a host vanished"]:.0f} as their host vanished within 100 ms'
    cells = [
        name.removeprefix('seed '),
        kills,
        f'{numbers["enqueued"] - numbers["unknown"]:.0f}',
        f'{numbers["began"]:.0f}',
        again,
        _broken(storm),
        _measured(numbers) + BUSY * storm['void'],
        _theirs(other),
    ]
    return '| ' + ' | '.join(cells) + ' |'


def _broken(seen: dict[str, Any] | None) -> str:
    """What was not as promised, or that nothing was."""
    if seen is None:
        return 'not run'
    return ', '.join(f'{count} {kind}' for kind, count in Counter(seen['breaches']).most_common()) or '0'


def _theirs(seen: dict[str, Any] | None) -> str:
    """The same of RQ, and of how many jobs."""
    told = _broken(seen)
    if seen is None or not seen['breaches']:
        return told
    return f'{told} (of {seen["numbers"]["enqueued"] - seen["numbers"]["unknown"]:.0f})'


def _measured(numbers: dict[str, float]) -> str:
    told = []
    for key, name in (
        ('recovery horse', "a horse's job"),
        ('recovery host', "a host's jobs"),
        ('recovery host, Redis away meanwhile', 'with Redis away meanwhile'),
        ('resume', 'next begin after the outage'),
    ):
        if f'{key} n' in numbers:
            told.append(
                f'{name}: p50 {numbers[f"{key} p50"]:.2f} s, max {numbers[f"{key} max"]:.2f} s ({numbers[f"{key} n"]:.0f})'
            )
    if not told:
        told.append(f'longest time without a begin: {numbers["longest gap"]:.2f} s')
    return '; '.join(told)
