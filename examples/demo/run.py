"""`make demo`: counts the words of the Python installation it runs on, with two workers and a Valkey of its own.

    python examples/demo/run.py [--limit FILES] [--workers NUMBER]

Nothing is left running and nothing is left on the disk: also after Ctrl-C, and when a worker dies.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cast import ENDINGS, DemoError, Workers, run_rq
from corpus import find_corpus
from screen import bold, command, fact, heading, number, say

__all__ = ['main']


def main() -> int:
    """The exit code: 0 if every file was counted, 1 with one line if something is missing, 130 after Ctrl-C."""
    sys.stdout.reconfigure(errors='replace')  # type: ignore[union-attr]
    for ending in ENDINGS:
        signal.signal(ending, _end)
    try:
        run(arguments())
    except KeyboardInterrupt:
        say()
        say('Stopped; nothing is left running.')
        return 130
    except BrokenPipeError:
        sys.stdout = None  # type: ignore[assignment]  # whoever read it is gone, so the last flush must not try
        return 1
    except DemoError as error:
        say()
        print(f'The demo has stopped: {error}', file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, no process left: perhaps not even a line can be printed on stdout
        print(f'The demo has stopped: {error}', file=sys.stderr)
        return 1
    return 0


def _end(signum: int, _: object) -> None:
    tidy_up_undisturbed()
    if signum == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + signum)


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n', 1)[0])
    parser.add_argument('--limit', type=positive, metavar='FILES', help='read only so many files')
    parser.add_argument('--workers', type=positive, default=2, metavar='NUMBER', help='how many workers (2)')
    return parser.parse_args()


def positive(text: str) -> int:
    """The number, if it is one and at least 1."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def run(options: argparse.Namespace) -> None:
    """The demo from its first line to its last. Raises DemoError if it cannot go on."""
    try:
        from work import QUEUES, Work
    except ImportError as error:
        raise DemoError(f'{error}; `make demo` installs what it needs') from None
    say(bold(f'Packhorse demo: the words of Python {platform.python_version()}'))
    corpus = find_corpus(options.limit)
    fact('files', f'{number(len(corpus.source))} of source, {number(len(corpus.text))} of text')
    for index, root in enumerate(corpus.roots):
        fact('' if index else 'below', root)
    with (
        tempfile.TemporaryDirectory(prefix='packhorse-demo-') as folder,
        embedded_server() as url,
        Workers(url, QUEUES, options.workers, Path(folder)) as workers,
        closing(Work(url, workers, Path(folder) / 'report.txt')) as work,
    ):
        try:
            work.wait_for_workers(options.workers)
            work.count(corpus)
            work.mend()
            work.show()
            show_info(url)
        finally:
            tidy_up_undisturbed()
    try_next()


@contextmanager
def embedded_server() -> Iterator[str]:
    """The URL of a server that lives as long as the block. Raises DemoError if there can be none."""
    from redis.exceptions import RedisError

    from rq.exceptions import ServerError
    from rq.server import EmbeddedServer

    try:
        with EmbeddedServer() as server:
            fact('server', f'the embedded Valkey on port {server.port}, gone when the demo ends')
            yield server.url
    except (ServerError, RedisError) as error:
        raise DemoError(str(error)) from None


def tidy_up_undisturbed() -> None:
    """Whoever is impatient and presses Ctrl-C again does not keep the demo from ending its processes."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)


def show_info(url: str) -> None:
    """What `rq info` says when all is done."""
    heading('The queues and the workers at the end')
    command('rq', 'info')
    say()
    for line in run_rq(url, 'info').splitlines():
        say(f'  {line}'.rstrip())


def try_next() -> None:
    """The commands with which a reader goes on."""
    article = Path(__file__).parents[1] / 'article' / 'example02'
    rq, python = from_here(Path(sys.executable).with_name('rq')), from_here(Path(sys.executable))
    heading('Try next')
    command(f'{rq} up --workers 2 --path {from_here(article)}', note='a server and two workers; Ctrl-C ends them')
    command(f'{python} {from_here(article / "enqueue_more_work.py")}', note='in another terminal: ten jobs')
    command(f'{rq} info --interval 1', note='how they go')


def from_here(path: Path) -> str:
    """The path as one would type it."""
    relative = os.path.relpath(path)
    return shlex.quote(str(path) if relative.startswith('..') else relative)


if __name__ == '__main__':
    raise SystemExit(main())
