"""How `rq info` shows what it knows: the article's lines, with RQ 3.0's facts behind them."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rq.logutils import blue, green, red, yellow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .survey import QueueRow, Survey, WorkerRow

__all__ = [
    'bar_lines',
    'full_bar',
    'printable',
    'rate_lines',
    'raw_lines',
    'suspended_line',
    'updated_line',
    'worker_lines',
    'workers_by_queue',
]

FULL_BAR = 30
SHORTEST_BAR = 5
NAME_WIDTH = 12


def full_bar(most: int) -> int:
    """How many jobs a full bar stands for: 10, 20, 50, 100 ..., the first that is not passed by more than a tenth.

    Not simply `most`: a single queue's bar is to shrink as its jobs are done. The tenth shows 11 jobs as the article does.
    """
    scale, step = 10, 0
    while most * 10 > scale * 11:
        scale = scale * 5 // 2 if step % 3 == 1 else scale * 2
        step += 1
    return scale


def printable(text: str) -> str:
    """The text with what a terminal could take for a command shown escaped: names come from Redis."""
    return text if text.isprintable() else text.encode('unicode_escape').decode('ascii')


def bar_lines(found: Survey) -> Iterator[str]:
    """A line per queue and the sum. The failed jobs of all queues are a row of their own and counted in the sum."""
    rows = [(row.name, row.waiting, _facts(row)) for row in found.queues]
    if found.failed is not None:
        rows.append(('failed', found.failed, ''))
    most = max((count for _, count, _ in rows), default=0)
    width = max([NAME_WIDTH, *(len(printable(name)) for name, _, _ in rows)])
    room = _bar_room(width, max((len(f' {count}{facts}') for _, count, facts in rows), default=0))
    for name, count, facts in rows:
        blocks = min(room, round(count * room / full_bar(most))) or (1 if count else 0)
        paint = red if facts == '' else green
        yield f'{printable(name):<{width}} |{paint("█" * blocks) if blocks else ""} {count}{facts}'
    yield f'{len(rows)} queues, {sum(count for _, count, _ in rows)} jobs total'


def rate_lines(rows: list[tuple[str, float, str]]) -> Iterator[str]:
    """A line per figure (title, number, unit), with bars to one scale."""
    shown = [(title, value, f'{value:,.0f}{unit}') for title, value, unit in rows]
    width = max([NAME_WIDTH, *(len(title) for title, _, _ in shown)])
    room, most = _bar_room(width, max(len(text) + 1 for _, _, text in shown)), max(value for _, value, _ in shown)
    for title, value, text in shown:
        blocks = round(value * room / most) if most else 0
        yield f'{title:<{width}} |{green("█" * blocks) if blocks else ""} {text}'


def _facts(row: QueueRow) -> str:
    return f', {row.executing} executing, {row.finished} finished, {row.failed} failed'


def _bar_room(name_width: int, rest: int) -> int:
    """Blocks of a full bar: so many that the longest line fits a terminal."""
    if not sys.stdout.isatty():
        return FULL_BAR
    return max(SHORTEST_BAR, min(FULL_BAR, shutil.get_terminal_size().columns - name_width - 2 - rest))


def worker_lines(found: Survey) -> Iterator[str]:
    """A line per worker and their number."""
    for worker in found.workers:
        queues = ', '.join(map(printable, worker.queues))
        label = _label(worker)
        name = '' if label == worker.name else f' ({printable(worker.name)})'
        jobs = f'jobs: {printable(worker.finished)} finished, {printable(worker.failed)} failed'
        yield f'{label} {_state(worker.state)}: {queues}. {jobs}{name}'
    yield _worker_total(found)


def workers_by_queue(found: Survey) -> Iterator[str]:
    """A line per queue with the names of its workers, and their number."""
    yield from _by_queue(found)
    yield _worker_total(found)


def _by_queue(found: Survey) -> Iterator[str]:
    width = max((len(printable(row.name)) for row in found.queues), default=0) + 1
    for row in found.queues:
        listening = [worker for worker in found.workers if row.name in worker.queues]
        names = ', '.join(f'{printable(worker.name)} ({_state(worker.state)})' for worker in listening)
        yield f'{printable(row.name) + ":":<{width}} {names or "–"}'


def raw_lines(found: Survey, queues: bool, workers: bool, by_queue: bool) -> Iterator[str]:
    """The same for scripts, in RQ 3.0's words: no bars, no sums, and no row of failed jobs, which each queue counts."""
    if queues:
        for row in found.queues:
            yield f'queue {printable(row.name)} {row.waiting}{_facts(row)}'
    if workers and by_queue:
        yield from _by_queue(found)
    elif workers:
        for worker in found.workers:
            who = f'{printable(worker.name)} ({" ".join(map(printable, (worker.hostname, worker.ip_address, worker.pid)))})'
            jobs = f'jobs: {printable(worker.finished)} finished, {printable(worker.failed)} failed'
            yield f'worker {who} {printable(worker.state)} {", ".join(map(printable, worker.queues))}. {jobs}'


def suspended_line() -> str:
    """Why nothing happens."""
    return str(yellow('Suspended: no worker takes a job until `rq resume`'))


def updated_line() -> str:
    """The time of this machine."""
    return f'Updated: {datetime.now().astimezone().replace(tzinfo=None).isoformat(" ", "microseconds")}'


def _label(worker: WorkerRow) -> str:
    if worker.hostname and worker.pid:
        return f'{printable(worker.hostname)}.{printable(worker.pid)}'
    return printable(worker.name)


def _state(state: str) -> str:
    paint: Callable[[Any], Any] = {'busy': green, 'idle': blue, 'suspended': yellow}.get(state, str)
    return str(paint(printable(state)))


def _worker_total(found: Survey) -> str:
    return f'{len(found.workers)} workers, {len(found.queues) + (found.failed is not None)} queues'
