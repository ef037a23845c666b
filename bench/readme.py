"""The README's table: a few rows of the page about the last full run, written by that run."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bench.metrics import METRICS, Samples
from bench.report import Setting, number

__all__ = ['README', 'put', 'section']

README = Path(__file__).resolve().parents[1] / 'README.md'
BEGIN, END = '<!-- the table below is written by `make bench` -->', '<!-- end of the table -->'

# What a user asks first; all else is on the page.
SHOWN = (
    'worker.jobs_per_s',
    'worker.worker_cpu_ms',
    'worker.round_trips',
    'single.per_s',
    'bulk.per_s',
    'pickup.p50_ms',
    'memory.waiting_bytes',
    'memory.finished_bytes',
)


def section(setting: Setting, samples: Samples) -> str:
    """The table with its caption: medians of both systems, and how many times better ours is."""
    rows = ['| | Packhorse | RQ 3.0.0 | times better |', '|---|---|---|---|']
    for metric in METRICS:
        ours, rq = samples.get(metric.key, {}).get('ours'), samples.get(metric.rqs, {}).get('rq')
        ratio = metric.ratio(samples)
        if metric.key in SHOWN and ours and rq and ratio:
            shown = [f'{number(median(values))} {metric.unit}'.strip().replace(' /s', '/s') for values in (ours, rq)]
            rows.append(f'| {metric.title} | {shown[0]} | {shown[1]} | {number(ratio)} |')
    caption = (
        f'Medians of {setting.rounds} interleaved rounds on {setting.cores} cores, {setting.server}, no persistence, '
        f'{setting.date[:10]}. Method, spread, floors and what is not reached yet: [docs/benchmarks.md](docs/benchmarks.md).'
    )
    return '\n'.join([*rows, '', caption])


def put(text: str, setting: Setting, samples: Samples) -> str:
    """The README with the table of this run. Raises ValueError when it has no place for it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f'{README.name} has no {BEGIN!r} ... {END!r}')
    return f'{before}{begin}\n{section(setting, samples)}\n{end}{after}'
