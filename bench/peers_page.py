"""The page about a run of all queues: a row for each, the fastest first; figures as they are, also those that hurt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from pathlib import Path
from statistics import median

from bench.chart import STYLE
from bench.peers import PEERS
from bench.report import Setting, number, setting_lines

__all__ = ['chart', 'page', 'table']

Samples = Mapping[str, Mapping[str, Sequence[float]]]

METHOD = Path(__file__).with_name('method-peers.md')
NAMES = {peer.key: peer.name for peer in PEERS}
COLUMNS = (
    ('jobs_per_s', 'jobs/s', ''),
    ('worker_cpu_ms', 'CPU of the worker a job', ' ms'),
    ('server_cpu_ms', 'of the server', ' ms'),
    ('round_trips', 'round trips', ''),
    ('commands', 'commands', ''),
    ('finished_bytes', 'memory of a finished job', ' B'),
    ('enqueue_per_s', 'enqueue one by one', '/s'),
    ('bulk_per_s', 'many', '/s'),
    ('p50_ms', 'idle pickup p50', ' ms'),
    ('p99_ms', 'p99', ' ms'),
)


def table(samples: Samples, troubles: Mapping[str, str]) -> str:
    """A row per queue, by jobs/s; those that could not be measured last, with the reason."""
    rows = [
        f'| | {" | ".join(title for _, title, _ in COLUMNS)} | jobs/s, times fewer |',
        f'|---{"|---" * (len(COLUMNS) + 1)}|',
    ]
    for key in _ranked(samples):
        cells = [_figure(samples, metric, key, unit) for metric, _, unit in COLUMNS]
        rows.append(f'| {NAMES[key]} | {" | ".join(cells)} | {_times(samples, key)} |')
    rows += [
        f'| {NAMES[key]} | not measured: {why.splitlines()[0]} |{" |" * len(COLUMNS)}' for key, why in troubles.items()
    ]
    return '\n'.join(rows)


def _ranked(samples: Samples) -> list[str]:
    rates = samples.get('jobs_per_s', {})
    return sorted(rates, key=lambda key: -median(rates[key]))


def _figure(samples: Samples, metric: str, key: str, unit: str) -> str:
    values = samples.get(metric, {}).get(key)
    if not values:
        return ''
    low, high = number(min(values)), number(max(values))
    return f'{number(median(values))}{unit}' + (f' ({low} to {high})' if low != high else '')


def _times(samples: Samples, key: str) -> str:
    rates = samples['jobs_per_s']
    return number(median(rates['ours']) / median(rates[key])) if 'ours' in rates else ''


def page(setting: Setting, samples: Samples, troubles: Mapping[str, str], picture: str) -> str:
    """The whole of `benchmarks-peers.md`."""
    parts = [
        '# Benchmarks: all queues',
        'Job queues for Python that live in Redis, side by side on one machine. This page is written by the run; do not edit it.',
        setting_lines(setting),
        f'![No-op jobs a second of one worker]({picture})',
        table(samples, troubles),
        METHOD.read_text().strip(),
    ]
    return '\n\n'.join(parts) + '\n'


WIDTH, LEFT, RIGHT, ROW, TOP = 760, 170, 130, 26, 44


def chart(samples: Samples) -> str:
    """Jobs a second as bars on a logarithmic scale; an SVG that follows the reader's light or dark scheme."""
    rates = {key: median(samples['jobs_per_s'][key]) for key in _ranked(samples)}
    height = TOP + ROW * len(rates) + 10
    most = max([10.0, *rates.values()])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        '<title id="title">No-op jobs a second of one worker, logarithmic scale</title>',
        f'<style>{STYLE}</style>',
        f'<text class="quiet" x="{LEFT}" y="22">no-op jobs a second of one worker, logarithmic scale</text>',
    ]
    for place, (key, rate) in enumerate(rates.items()):
        length = max(2.0, log10(max(rate, 1.1)) / log10(most) * (WIDTH - LEFT - RIGHT))
        y, kind = TOP + ROW * place, 'better' if key == 'ours' else 'worse'
        parts += [
            f'<text x="{LEFT - 10}" y="{y + ROW * 0.62:.1f}" text-anchor="end">{escape(NAMES[key])}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y + 5}" width="{length:.1f}" height="{ROW - 10}" rx="2"/>',
            f'<text x="{LEFT + length + 8:.1f}" y="{y + ROW * 0.62:.1f}">{number(rate)}</text>',
        ]
    return '\n'.join([*parts, '</svg>']) + '\n'
