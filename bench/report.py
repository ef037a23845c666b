"""The page about a run: machine, versions, table, method; written by the run itself, unflattering figures included."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.metrics import METRICS, SHARED, Bound, Metric, Samples
from bench.systems import REPOSITORY

__all__ = ['WITH_AOF', 'Setting', 'look_around', 'number', 'page', 'setting_lines', 'table']

WITH_AOF = 'append-only file, synced once a second'
METHOD = Path(__file__).with_name('method.md')


@dataclass(frozen=True)
class Setting:
    """Where, when, with what and by which command a run was made."""

    date: str
    command: str
    machine: str
    cores: int
    load: float
    server: str
    rounds: int
    commit: str
    versions: Mapping[str, Mapping[str, str | None]]
    persistence: str = 'no persistence'


def look_around(command: str, server: str, rounds: int, versions: Mapping[str, Mapping[str, str | None]]) -> Setting:
    """The setting of a run that starts now; `load` tells how busy the machine already is."""
    return Setting(
        date=datetime.now(UTC).strftime('%Y-%m-%d %H:%M UTC'),
        command=command,
        machine=f'{_processor()}, {platform.system()} {platform.release()}',
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0],
        server=server,
        rounds=rounds,
        commit=_commit(),
        versions=versions,
    )


def page(setting: Setting, samples: Samples, chart: str) -> str:
    """The whole of `docs/benchmarks.md`."""
    parts = [
        '# Benchmarks',
        'Packhorse and released RQ, side by side on one machine. This page is written by the run; do not edit it.',
        setting_lines(setting),
        f'![How many times better than RQ]({chart})',
        table(samples),
        _falls_short(samples),
        _floors(samples),
        METHOD.read_text().strip(),
    ]
    return '\n\n'.join(part for part in parts if part) + '\n'


def table(samples: Samples) -> str:
    """One row per metric: median (min to max) of each system, times better than RQ, what is promised and aimed at."""
    rows = [
        '| | Packhorse | RQ | times better | promised | reached | aimed at | reached | step |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    return '\n'.join(rows + [_row(metric, samples) for metric in METRICS if _is_measured(metric, samples)])


def _is_measured(metric: Metric, samples: Samples) -> bool:
    """Whether its step was run; a row of one that was and that has no figure says so."""
    return any(key.partition('.')[0] == metric.step for key in samples)


def _row(metric: Metric, samples: Samples) -> str:
    ratio = metric.ratio(samples)
    cells = [
        metric.title,
        _figures(samples.get(metric.key, {}).get('ours'), metric.unit),
        '' if metric.ours_only else _figures(samples.get(metric.rqs, {}).get('rq'), metric.unit),
        f'**{number(ratio)}**' if ratio is not None else '',
        _bound(metric, metric.promised, samples),
        _verdict(metric.reached(metric.promised, samples)),
        _bound(metric, metric.aimed, samples),
        _verdict(metric.reached(metric.aimed, samples)),
        f'`{metric.step}`',
    ]
    return f'| {" | ".join(cells)} |'


def _figures(values: Sequence[float] | None, unit: str) -> str:
    if not values:
        return 'not measured'
    spread = f' ({number(min(values))} to {number(max(values))})' if number(min(values)) != number(max(values)) else ''
    return f'{number(median(values))}{unit if unit.startswith(("/", "%")) else f" {unit}".rstrip()}{spread}'


def number(value: float) -> str:
    """Three digits that matter, thousands with commas; never 1e+03."""
    if abs(value) >= 100:
        return f'{value:,.0f}'
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    text = f'{value:.{digits}f}'
    return text.rstrip('0').rstrip('.')


def _bound(metric: Metric, bound: Bound | None, samples: Samples) -> str:
    if bound is None:
        return ''
    sign = '≥' if metric.better == 'higher' else '≤'
    if bound.of is None:
        return f'{sign} {number(bound.factor)} {bound.name}'.rstrip()
    limit = bound.value(samples, metric.rqs)
    plain = f' = {number(limit)}' if limit is not None else ''
    return f'{sign} {number(bound.factor)} × {bound.name}{plain}'


def _verdict(reached: bool | None) -> str:
    return '' if reached is None else 'yes' if reached else '**no**'


def _falls_short(samples: Samples) -> str:
    short = [m.title for m in METRICS if m.reached(m.promised, samples) is False]
    if not short:
        return ''
    return 'Promised and not reached in this run: ' + '; '.join(short) + '.'


def _floors(samples: Samples) -> str:
    titles = {
        'floor.ping_ms': ('PING through redis-py', 'ms'),
        'floor.empty_per_s': ("bare `evalsha` with one enqueue's words, empty script", '/s'),
        'floor.storing_per_s': ('the same, which only stores the words in a hash and a list', '/s'),
        'loops.one_per_s': ("bare loop of the worker's script, 64 jobs a request, which runs nothing", '/s'),
        'loops.ahead_per_s': ('the same, one request ahead', '/s'),
        'loops.two_per_s': ('two of these at once', '/s'),
    }
    measured = [(titles[key], samples[key][SHARED]) for key in titles if key in samples]
    if not measured:
        return ''
    rows = [f'| {title} | {_figures(values, unit)} |' for (title, unit), values in measured]
    return '\n'.join(['The floors in the same run:', '', '| | |', '|---|---|', *rows])


def setting_lines(setting: Setting) -> str:
    """Where, when, with what and by which command, as a list."""
    lines = [
        f'- Run on {setting.date} by `{setting.command}`, {setting.rounds} rounds, commit {setting.commit}',
        f'- {setting.machine}, {setting.cores} cores, load {setting.load:.1f} when it began',
        f'- {setting.server} on loopback, {setting.persistence}',
    ]
    for name, versions in setting.versions.items():
        packages = ', '.join(f'{package} {version or "none"}' for package, version in versions.items())
        lines.append(f'- {name}: {packages}')
    return '\n'.join(lines)


def _commit() -> str:
    command = ['git', 'describe', '--always', '--dirty']
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() or 'unknown'


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()
