"""What the demo shows: colours on a terminal, a progress bar, numbers that can be read."""

from __future__ import annotations

import os
import sys
import time

__all__ = ['Bar', 'bold', 'command', 'cyan', 'dim', 'fact', 'green', 'heading', 'number', 'red', 'say', 'table']

BAR_WIDTH = 30
# Without a terminal a few lines are enough, and a log file stays readable.
STEPS = 4


def say(text: str = '') -> None:
    """Prints a line at once."""
    print(text, flush=True)


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get('NO_COLOR') and os.environ.get('TERM') != 'dumb'


def _paint(code: str, text: str) -> str:
    return f'\x1b[{code}m{text}\x1b[0m' if _coloured() else text


def bold(text: str) -> str:
    return _paint('1', text)


def dim(text: str) -> str:
    return _paint('2', text)


def red(text: str) -> str:
    return _paint('31', text)


def green(text: str) -> str:
    return _paint('32', text)


def cyan(text: str) -> str:
    return _paint('36', text)


def heading(text: str) -> None:
    """A title, with an empty line before it."""
    say()
    say(bold(text))


def fact(name: str, text: str) -> None:
    """One thing that is known, its name in a column."""
    say(f'  {dim(f"{name:<10}")}{text}')


def command(*words: str, note: str = '') -> None:
    """A command as a reader would type it, and what it does."""
    say(f'  {cyan("$ " + " ".join(words))}{dim(f"   # {note}") if note else ""}')


def number(value: float) -> str:
    """1234567 as 1,234,567."""
    return f'{value:,.0f}'


def table(titles: list[str], rows: list[list[str]]) -> None:
    """Columns as wide as they need to be, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    for index, row in enumerate([titles, *rows]):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        line = '  ' + '   '.join(cells).rstrip()
        say(dim(line) if index == 0 else line)


class Bar:
    """How many jobs are done: one line that grows on a terminal, a line for each quarter elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = time.monotonic()
        self._live = sys.stdout.isatty() and os.environ.get('TERM') != 'dumb'
        self._shown = 0

    def show(self, done: int, note: str = '') -> None:
        """Draws how far it is; `note` is shown on a terminal only."""
        share = done / max(1, self._total)
        seconds = time.monotonic() - self._began
        text = f'{share:4.0%}  {number(done)} of {number(self._total)} jobs'
        if seconds > 0.2 or done >= self._total:  # sooner it is no rate: the first jobs ran before the clock
            text += f', {number(done / max(0.001, seconds))} per second'
        if self._live:
            full = int(share * BAR_WIDTH)
            bar = green('█' * full) + dim('░' * (BAR_WIDTH - full))
            sys.stdout.write(f'\r\x1b[K  {bar} {text}{"  " + dim(note) if note else ""}')
            sys.stdout.flush()
        elif int(share * STEPS) > self._shown:
            self._shown = int(share * STEPS)
            say(f'  {text}')

    def end(self) -> None:
        """Leaves the line, so that what is printed next has one of its own."""
        if self._live:
            say()
