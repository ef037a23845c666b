"""A job's states on a line, and the jobs before and after it, as inline SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from .filters import seconds, short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rq.monitor.attempts import Step
    from rq.monitor.job import JobPage, Relative

__all__ = ['drawn', 'line']

# A column of jobs, the gap between two of them, and a row.
COLUMN, GAP, ROW = 210, 70, 34
# Jobs that are drawn on a side; the number of the others is told.
MOST = 8
# Marks that tell states without colour, as the style sheet has them.
MARKS = {
    'finished': '✓', 'failed': '✕', 'stopped': '■', 'started': '▶', 'scheduled': '◷', 'deferred': '…', '': '∅',
}  # fmt: skip
# States that have a colour in the style sheet.
CELLS = ('finished', 'failed', 'started')
LINE, HEIGHT, LEAST = 720.0, 16, 4.0


def drawn(job: JobPage, address: Callable[..., str]) -> Markup:
    """The jobs that it waits for, it, and those that wait for it, from left to right; '' when it is alone."""
    if not job.parent_count and not job.child_count:
        return Markup('')
    before, after = job.parents[:MOST], job.children[:MOST]
    more = [job.parent_count - len(before), job.child_count - len(after)]
    rows = max(len(before) + (more[0] > 0), len(after) + (more[1] > 0), 1)
    height = rows * ROW + 8
    middle = height / 2
    first = 0 if job.parent_count else -(COLUMN + GAP)
    here = first + COLUMN + GAP
    parts = [
        *_side(before, more[0], first, middle, (first + COLUMN, here), address),
        *_side(after, more[1], here + COLUMN + GAP, middle, (here + COLUMN + GAP, here + COLUMN), address),
        _node(here, middle, job.id, job.status, ''),
    ]
    width = here + COLUMN + (COLUMN + GAP if job.child_count else 0)
    label = f'It waits for {job.parent_count} jobs, and {job.child_count} wait for it'
    return Markup(
        '<svg class="family" viewBox="-1 0 {:g} {:g}" width="{:g}" role="img" aria-label="{}">{}</svg>'
    ).format(width + 2, height, width + 2, label, Markup('').join(parts))


def _side(
    jobs: Sequence[Relative], more: int, x: float, middle: float, ends: tuple[float, float], address: Callable[..., str]
) -> list[Markup]:
    count = len(jobs) + (more > 0)
    parts = []
    for row in range(count):
        y = middle + (row - (count - 1) / 2) * ROW
        parts.append(
            Markup('<line class="grid" x1="{:g}" y1="{:g}" x2="{:g}" y2="{:g}"/>').format(ends[0], y, ends[1], middle)
        )
        if row < len(jobs):
            parts.append(_node(x, y, jobs[row].id, jobs[row].status, address('job', job_id=jobs[row].id)))
        else:
            parts.append(Markup('<text x="{:g}" y="{:g}">and {:,} more</text>').format(x + 8, y + 4, more))
    return parts


def _node(x: float, y: float, job_id: str, status: str, link: str) -> Markup:
    words = status.replace('_', ' ') or 'is not there any more'
    box = Markup(
        '<g><title>{}: {}</title><rect class="cell-{}" x="{:g}" y="{:g}" width="4" height="24"/>'
        '<rect class="node{}" x="{:g}" y="{:g}" width="{}" height="24" rx="4"/><text x="{:g}" y="{:g}">{} {}</text></g>'
    ).format(
        job_id[:200], words, status if status in CELLS else 'none', x, y - 12, '' if link else ' this', x, y - 12, COLUMN, x + 10, y + 4,
        MARKS.get(status, '○'), short(job_id, 25).striptags(),
    )  # fmt: skip
    return Markup('<a href="{}">{}</a>').format(link, box) if link else box


def line(steps: Sequence[Step]) -> Markup:
    """How long a job was in each of its states, to scale; each at least so wide that it is seen."""
    timed = [(step, step.seconds or 0.0) for step in steps if step.seconds is not None]
    total = sum(lasts for _, lasts in timed)
    if not timed or not total > 0:
        return Markup('')
    free = LINE - LEAST * len(timed)
    parts, x = [], 0.0
    for step, lasts in timed:
        width = LEAST + free * lasts / total
        parts.append(
            Markup('<rect class="cell-{}" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{} {}</title></rect>').format(
                step.status if step.status in ('started', 'queued') else 'none',
                x, width - 1, HEIGHT, step.name, seconds(lasts),
            )
        )  # fmt: skip
        x += width
    label = ', '.join(f'{step.name} {seconds(lasts)}' for step, lasts in timed)
    return Markup('<svg class="chart" viewBox="0 0 {:g} {}" role="img" aria-label="{}">{}</svg>').format(
        LINE, HEIGHT, label, Markup('').join(parts)
    )
