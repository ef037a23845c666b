"""Is what we count true? Counted commands are held against MONITOR, counted round trips against a proxy on the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.measure.monitor import monitored
from bench.measure.proxy import counted_wire
from bench.measure.traffic import measure_enqueue_traffic, measure_worker_traffic
from bench.server import Server, forget_everything
from bench.steps import SIMPLE
from bench.systems import System

__all__ = ['check_counts']

JOBS = {'ours': 640, 'rq': 40}
HEADINGS = (
    '',
    'sent by clients',
    'called by scripts',
    'both, as MONITOR saw',
    'counted',
    'turns on the wire',
    'counted',
)


@dataclass(frozen=True)
class Work:
    """A piece of work for n jobs: what comes before, and what is counted, through the server or the proxy at a URL."""

    before: Callable[[int], object]
    counted: Callable[[str, int], object]


def check_counts(server: Server, systems: Sequence[System]) -> list[str]:
    """A Markdown table: commands and round trips per job, as the benchmark counts them and as a witness saw them."""
    lines = [_row(HEADINGS), _row(['---'] * len(HEADINGS))]
    for system in systems:
        jobs = JOBS[system.key]
        for name, options in (('`rq worker`', ()), ('`SimpleWorker`', SIMPLE)):
            counted = measure_worker_traffic(server, system, jobs, *options)
            seen = _witness(server, jobs, _working_off(server, system, options))
            lines.append(_line(f'{system.name}: {name}', counted, seen))
        counted = measure_enqueue_traffic(server, system, jobs)
        lines.append(_line(f'{system.name}: `enqueue`', counted, _witness(server, jobs, _enqueueing(system))))
    return lines


def _working_off(server: Server, system: System, options: tuple[str, ...]) -> Work:
    return Work(
        before=lambda n: system.ask(server.url, 'preload', jobs=n, function='noop'),
        counted=lambda url, n: system.run_burst(url, *options, 'default'),
    )


def _enqueueing(system: System) -> Work:
    return Work(before=lambda n: None, counted=lambda url, n: system.ask(url, 'enqueue_single', jobs=n))


def _witness(server: Server, jobs: int, work: Work) -> tuple[float, float, float]:
    """Per job, as MONITOR and the proxy see it: commands sent, commands called by scripts, round trips."""

    def witnessed(n: int) -> tuple[int, int, int]:
        with server.connect() as redis, counted_wire(server.url) as wire:
            forget_everything(redis)
            work.before(n)
            with monitored(redis) as recording:
                work.counted(wire.url, n)
            return len(recording.sent), len(recording.called), wire.round_trips

    many, one = witnessed(jobs), witnessed(1)
    sent, called, turns = ((m - o) / (jobs - 1) for m, o in zip(many, one, strict=True))
    return sent, called, turns


def _line(title: str, counted: dict[str, float], seen: tuple[float, float, float]) -> str:
    sent, called, turns = seen
    figures = [sent, called, sent + called, counted['commands'], turns, counted['round_trips']]
    return _row([title, *(f'{figure:.3g}' for figure in figures)])


def _row(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'
