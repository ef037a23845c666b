"""`make demo`: counts the words of the Python installation it runs on, with two workers and a Valkey of its own.

    python examples/demo/run.py [--limit FILES] [--workers NUMBER]

Nothing is left running and nothing is left on the disk, however it ends.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cast import DemoError, Workers, run_rq
from corpus import find_corpus
from screen import bold, command, dim, fact, heading, number, red, say

__all__ = ['main']


def main() -> int:
    """The exit code: 0 if every file was counted, 1 with one line if something is missing, 130 after Ctrl-C."""
    sys.stdout.reconfigure(errors='replace')  # type: ignore[union-attr]
    for ending in (signal.SIGTERM, signal.SIGHUP):
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
        print(red(f'The demo has stopped: {error}'), file=sys.stderr)
        return 1
    return 0


def _end(signum: int, _: object) -> None:
    raise SystemExit(128 + signum)


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n', 1)[0])
    parser.add_argument('--limit', type=int, metavar='FILES', help='read only so many files')
    parser.add_argument('--workers', type=int, default=2, metavar='NUMBER', help='how many workers (2)')
    return parser.parse_args()


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
        undisturbed_end(),
    ):
        work.wait_for_workers(options.workers)
        work.count(corpus)
        work.mend()
        work.show()
        heading('The queues and the workers at the end')
        command('rq', 'info')
        say()
        for line in run_rq(url, 'info').splitlines():
            say(f'  {line}'.rstrip())
    try_next()


@contextmanager
def embedded_server() -> Iterator[str]:
    """The URL of a server that lives as long as the block. Raises DemoError if there can be none."""
    from rq.exceptions import ServerError
    from rq.server import EmbeddedServer

    try:
        with EmbeddedServer() as server:
            fact('server', f'the embedded Valkey on port {server.port}, gone when the demo ends')
            yield server.url
    except ServerError as error:
        raise DemoError(str(error)) from None


@contextmanager
def undisturbed_end() -> Iterator[None]:
    """Whoever is impatient and presses Ctrl-C again does not keep the demo from tidying up."""
    try:
        yield
    finally:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)


def try_next() -> None:
    """The commands with which a reader goes on."""
    heading('Try next')
    here = Path(__file__).parent
    rq = Path(sys.executable).with_name('rq')
    article = here.parent / 'article' / 'example02'
    for words, what in (
        (f'cd {shlex.quote(str(article))} && {shlex.quote(str(rq))} up', 'a server and workers; Ctrl-C ends both'),
        (f'{shlex.quote(sys.executable)} enqueue_more_work.py', 'in the same folder, in another terminal: ten jobs'),
        (f'{shlex.quote(str(rq))} info --interval 1', 'and watch them go'),
    ):
        command(words)
        say(dim(f'    {what}'))


if __name__ == '__main__':
    raise SystemExit(main())
