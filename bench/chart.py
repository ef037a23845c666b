"""The chart: how many times better than RQ, one bar per row of the table, on a logarithmic scale."""

from __future__ import annotations

from html import escape
from math import log10
from statistics import median

from bench.metrics import METRICS, Metric, Samples
from bench.report import number

__all__ = ['chart']

WIDTH, LEFT, RIGHT, ROW, TOP = 940, 370, 210, 26, 44
# Both colour pairs keep 4.5:1 against white and against GitHub's dark grey.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f } .quiet { fill: #57606a } .grid { stroke: #d0d7de }
.one { stroke: #57606a } .better { fill: #1a7f37 } .worse { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9da7b3 } .grid { stroke: #3d444d } .one { stroke: #9da7b3 }
  .better { fill: #3fb950 } .worse { fill: #f0883e }
}"""


def chart(samples: Samples) -> str:
    """An SVG that follows the reader's light or dark scheme."""
    bars = [(metric, ratio) for metric in METRICS if (ratio := metric.ratio(samples))]
    decades = max([1, *(log10(ratio) for _, ratio in bars)])
    below = max([0.0, *(-log10(ratio) for _, ratio in bars)])
    scale = (WIDTH - LEFT - RIGHT) / (decades + below)
    origin = LEFT + below * scale
    height = TOP + ROW * len(bars) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        '<title id="title">How many times better than RQ Packhorse is, logarithmic scale</title>',
        f'<style>{STYLE}</style>',
        *_grid(origin, scale, decades, height),
    ]
    for place, (metric, ratio) in enumerate(bars):
        parts += _bar(metric, ratio, samples, TOP + ROW * place, origin, scale)
    return '\n'.join([*parts, '</svg>']) + '\n'


def _grid(origin: float, scale: float, decades: float, height: int) -> list[str]:
    lines = [f'<text class="quiet" x="{LEFT - 10}" y="22" text-anchor="end">times better than RQ</text>']
    lines.append(f'<text class="quiet" x="{WIDTH - 8}" y="22" text-anchor="end">Packhorse : RQ</text>')
    for power in range(int(decades) + 1):
        x = origin + power * scale
        kind = 'grid' if power else 'one'
        lines.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{height - 6}"/>')
        lines.append(f'<text class="quiet" x="{x:.1f}" y="22" text-anchor="middle">{10**power}</text>')
    return lines


def _bar(metric: Metric, ratio: float, samples: Samples, y: int, origin: float, scale: float) -> list[str]:
    length = log10(ratio) * scale
    start, kind = (origin, 'better') if length >= 0 else (origin + length, 'worse')
    ours, rq = median(samples[metric.key]['ours']), median(samples[metric.rqs]['rq'])
    end = max(origin, origin + length) + 8
    middle = y + ROW * 0.62
    figures = f'{number(ours)} : {number(rq)} {metric.unit}'.replace(' /', '/').rstrip()
    detail = f'<tspan class="quiet" dx="8">{escape(figures)}</tspan>'
    place = f'x="{start:.1f}" y="{y + 5}" width="{max(abs(length), 1.5):.1f}" height="{ROW - 10}"'
    return [
        f'<text x="{LEFT - 10}" y="{middle:.1f}" text-anchor="end">{escape(metric.title.replace("`", ""))}</text>',
        f'<rect class="{kind}" {place} rx="2"/>',
        f'<text x="{end:.1f}" y="{middle:.1f}">{number(ratio)} × {detail}</text>',
    ]
