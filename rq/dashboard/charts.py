"""Charts as inline SVG, made here: no script, no style attribute, sizes by viewBox, colours by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from markupsafe import Markup

from .filters import number

__all__ = ['bars', 'histogram', 'line', 'meter', 'spark', 'strip']

Points = Sequence[tuple[float, float | None]]
WIDTH = 600
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 20


def _svg(kind: str, width: float, height: float, label: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="chart {}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        kind, width, height, label, Markup('').join(parts)
    )


def _ceiling(value: float) -> float:
    """The round number above: 1, 2, 5, 10, 20 ..."""
    if value <= 0:
        return 1
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 1.0
    while power > value:
        power /= 10
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)


def _finite(value: float | None) -> float | None:
    """What can be drawn: below the ground is nothing, and beyond 10^15 no more than that."""
    return None if value is None or value != value else min(max(value, 0), 10**15)


def _clock(epoch: float, span: float) -> str:
    moment = datetime.fromtimestamp(epoch, UTC)
    return moment.strftime('%H:%M' if span <= 2 * 86_400 else '%d %b')


def line(
    series: Mapping[str, Points],
    *,
    label: str = '',
    height: int = 160,
    marks: Sequence[tuple[float, str]] = (),
    wide: bool = False,
) -> Markup:
    """Lines over time with a legend; `marks` are instants with a title. A value of None interrupts its line.

    `wide`: it has the whole width of the page, not half of it.
    """
    width = 2 * WIDTH if wide else WIDTH
    series = {name: [(when, _finite(value)) for when, value in points] for name, points in series.items()}
    times = [when for points in series.values() for when, _ in points]
    values = [value for points in series.values() for _, value in points if value is not None]
    if not times or not values:
        return Markup('<p class="empty">Nothing was recorded in this time.</p>')
    first, last, top = min(times), max(times), _ceiling(max(values))
    span = max(last - first, 1)

    def x(when: float) -> float:
        return LEFT + (when - first) / span * (width - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (1 - value / top) * (height - TOP - BOTTOM)

    parts = _grid(top, first, span, (width, height))
    # The step of now has begun before what happened in it.
    seen = [(x(min(when, last)), title) for when, title in marks if first <= when <= last + span / 20]
    parts += [_mark(at, title, height) for at, title in seen]
    for place, points in enumerate(series.values()):
        drawn = _path(points, x, y)
        if place == 0:
            parts.append(Markup('<path class="area" d="{}"/>').format(_filled(drawn, y(0))))
        parts.append(Markup('<path class="s{}" d="{}"/>').format(place % 6, drawn))
    parts += _titles(series, x, height)
    return _legend(series, label) + _svg(
        'line wide' if wide else 'line', width, height, label or ', '.join(series), parts
    )


def _mark(at: float, title: str, height: int) -> Markup:
    return Markup('<g class="mark"><line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/><title>{3}</title></g>').format(
        at, TOP, height - BOTTOM, title
    )


def _path(points: Points, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    steps, pen = [], 'M'
    for when, value in points:
        if value is None:
            pen = 'M'
            continue
        steps.append(f'{pen}{x(when):.1f} {y(value):.1f}')
        pen = 'L'
    return ''.join(steps)


def _filled(drawn: str, ground: float) -> str:
    """The same line, each piece of it closed along the ground."""
    pieces = []
    for piece in drawn.split('M')[1:]:
        spots = piece.split('L')
        first, last = spots[0].split()[0], spots[-1].split()[0]
        pieces.append(f'M{piece}L{last} {ground:.1f}L{first} {ground:.1f}Z')
    return ''.join(pieces)


def _titles(series: Mapping[str, Points], x: Callable[[float], float], height: int) -> list[Markup]:
    """What stands at each instant, for who points there: columns that are not seen."""
    moments: dict[float, list[str]] = {}
    for name, points in series.items():
        for when, value in points:
            if value is not None:
                moments.setdefault(when, []).append(f'{name} {number(round(value, 1))}')
    times = sorted(moments)
    if len(times) < 2:
        return []
    wide = x(times[1]) - x(times[0])
    return [
        Markup('<rect class="at" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}: {}</title></rect>').format(
            x(when) - wide / 2, TOP, wide, height - TOP - BOTTOM, _moment(when), ', '.join(moments[when])
        )
        for when in times
    ]


def _moment(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime('%d %b %H:%M UTC')


def _grid(top: float, first: float, span: float, size: tuple[int, int]) -> list[Markup]:
    width, height = size
    parts = []
    for share in (0, 0.5, 1):
        at = TOP + (1 - share) * (height - TOP - BOTTOM)
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, width - RIGHT, at, at)
        )
        parts.append(
            Markup('<text class="left" x="{}" y="{:.1f}">{}</text>').format(LEFT - 6, at + 4, number(top * share))
        )
    for step in range(5):
        at = LEFT + step / 4 * (width - LEFT - RIGHT)
        side = ('start', 'middle', 'middle', 'middle', 'end')[step]
        parts.append(
            Markup('<text class="at-{}" x="{:.1f}" y="{}">{}</text>').format(
                side, at, height - 5, _clock(first + span * step / 4, span)
            )
        )
    return parts


def _legend(series: Mapping[str, Points], label: str) -> Markup:
    items = [
        Markup('<li><svg class="key" viewBox="0 0 16 8"><path class="s{}" d="M0 4L16 4"/></svg>{}</li>').format(
            place % 6, name
        )
        for place, name in enumerate(series)
    ]
    return Markup('<ul class="legend" aria-label="{}">{}</ul>').format(label, Markup('').join(items))


def bars(rows: Sequence[tuple[str, float]], *, label: str = '', height: int = 120) -> Markup:
    """Columns side by side, each with its name and value in a title."""
    if not rows:
        return Markup('<p class="empty">Nothing to show.</p>')
    rows = [(name, _finite(value) or 0) for name, value in rows]
    top = max(value for _, value in rows) or 1
    wide = WIDTH / len(rows)
    parts = []
    for place, (name, value) in enumerate(rows):
        tall = max(value, 0) / top * (height - 4)
        parts.append(
            Markup(
                '<rect class="s0" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}: {}</title></rect>'
            ).format(
                place * wide,
                height - tall,
                max(wide * 0.8, 0.5),
                tall,
                name,
                number(value),
            )
        )
    return _svg('bars', WIDTH, height, label, parts)


def spark(values: Sequence[float | None], *, label: str = '') -> Markup:
    """A line as high as a row of text; its label and last value for who does not see it."""
    values = [_finite(value) for value in values]
    known = [value for value in values if value is not None]
    if len(values) < 2 or not known:
        return Markup('<span class="spark none" title="{}">–</span>').format(label or 'nothing was recorded')
    top = max(known) or 1
    points = [(float(place), value) for place, value in enumerate(values)]
    path = _path(points, lambda place: place / (len(values) - 1) * 98 + 1, lambda value: 23 - value / top * 22)
    words = f'{label}: {number(known[-1])} now, {number(max(known))} at most'.removeprefix(': ')
    return _svg('spark', 100, 24, words, [Markup('<title>{}</title><path class="s0" d="{}"/>').format(words, path)])


def histogram(edges: Sequence[str], counts: Sequence[float], *, label: str = '') -> Markup:
    """Columns between edges, which are given as text: one more than counts, or as many (then each names a column)."""
    names = list(edges) if len(edges) == len(counts) else [f'{low} to {high}' for low, high in pairwise(edges)]
    chart = bars(list(zip(names, counts, strict=True)), label=label)
    if not counts:
        return chart
    return chart + Markup('<div class="edges"><span>{}</span><span>{}</span></div>').format(edges[0], edges[-1])


def strip(states: Sequence[tuple[str, str]]) -> Markup:
    """A row of small cells, the oldest first: (status, title) each."""
    cells = [
        Markup('<rect class="cell-{}" x="{}" y="0" width="8" height="16" rx="1.5"><title>{}: {}</title></rect>').format(
            state, place * 10, state, title
        )
        for place, (state, title) in enumerate(states)
    ]
    if not cells:
        return Markup('<span class="none">–</span>')
    counts = {state: sum(one == state for one, _ in states) for state in dict.fromkeys(state for state, _ in states)}
    words = ', '.join(f'{count} {state}' for state, count in counts.items())
    return _svg('cells', len(states) * 10 - 2, 16, words, cells)


def meter(part: float | None, whole: float | None, label: str = '', limit: bool = False) -> Markup:
    """A bar that is filled to a share; with `limit` from 80 % on in the colour of failure."""
    part, whole = _finite(part), _finite(whole)
    share = 0.0 if not part or not whole else min(max(part / whole, 0.0), 1.0)
    level = 'full' if limit and share >= 0.8 else 'part'
    words = label or f'{number(part)} of {number(whole)}'
    return Markup(
        '<svg class="meter {}" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="whole" width="100" height="8"/><rect class="share" width="{:.1f}" height="8"/></svg>'
    ).format(level, words, words, share * 100)
