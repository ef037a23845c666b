"""The work of the demo: a job for each file, one that fails and is mended, and what came out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from cast import DemoError, Workers, run_rq
from corpus import Corpus
from redis import Redis
from screen import Bar, command, fact, green, heading, number, red, say, table
from textstats import FileStats, count_file

from rq import Queue, Worker
from rq.job import Job

__all__ = ['QUEUES', 'Work']

QUEUES = ['high', 'low']
# Jobs per request: enough that a round trip costs nothing, and the first jobs run while the others are on their way.
AT_ONCE = 500
POLL_SECONDS = 0.05
START_SECONDS = 20.0
# A job whose worker was killed is found and decided in less.
STALL_SECONDS = 60.0
SLOWEST, FREQUENT = 5, 12
FAILURES_SHOWN = 3


class Work:
    """Everything that the demo wants to know, and the jobs that find it out."""

    def __init__(self, url: str, workers: Workers, report: Path) -> None:
        self._url, self._workers, self._report = url, workers, report
        self._redis = Redis.from_url(url)
        self._queues = {name: Queue(name, connection=self._redis) for name in QUEUES}
        self._jobs: dict[str, list[str]] = {name: [] for name in QUEUES}
        self._on_purpose = ''
        self._failed = 0
        self._seconds = 0.0

    def close(self) -> None:
        """Lets go of the connection."""
        self._redis.close()

    def wait_for_workers(self, number: int) -> None:
        """Returns once so many workers are registered."""

        def registered() -> bool:
            self._workers.check()
            return Worker.count(connection=self._redis) >= number

        self._wait(registered, START_SECONDS, 'the workers do not start')
        fact('workers', f'{number} x `rq worker {" ".join(QUEUES)}`')

    def count(self, corpus: Corpus) -> None:
        """Enqueues a job for each file, and one for a file that is not there, and waits until all have run."""
        began = time.monotonic()
        self._on_purpose = self._queues['high'].enqueue(count_file, str(self._report)).id
        for name, paths in (('high', corpus.source), ('low', corpus.text)):
            for chunk in chunks(paths):
                jobs = self._queues[name].enqueue_many([Queue.prepare_data(count_file, (path,)) for path in chunk])
                self._jobs[name] += [job.id for job in jobs]
        seconds = time.monotonic() - began
        total = len(corpus) + 1
        fact('enqueued', f'{number(total)} jobs, {number(total / seconds)} per second')
        say()
        self._watch(total)
        self._seconds = time.monotonic() - began

    def _watch(self, total: int) -> None:
        bar = Bar(total)
        done, moved = -1, time.monotonic()
        while done < total:
            self._workers.check()
            before, done = done, self._done()
            if done > before:
                moved = time.monotonic()
            elif time.monotonic() - moved > STALL_SECONDS:
                raise DemoError(
                    f'nothing has moved for {STALL_SECONDS:.0f} s; a worker says: {self._workers.last_words()}'
                )
            bar.show(done, '  '.join(f'{name} {number(len(queue))}' for name, queue in self._queues.items()))
            time.sleep(POLL_SECONDS if done < total else 0)
        bar.end()

    def _done(self) -> int:
        return sum(
            queue.finished_job_registry.count + queue.failed_job_registry.count for queue in self._queues.values()
        )

    def mend(self) -> None:
        """Shows the job that has failed, writes the file that it missed, and runs it again with `rq requeue`."""
        failed = {name: queue.failed_job_registry.get_job_ids() for name, queue in self._queues.items()}
        self._failed = sum(len(ids) for ids in failed.values())
        heading('One job has failed, on purpose: its file was missing')
        self._show_failure(self._on_purpose)
        others = [job_id for ids in failed.values() for job_id in ids if job_id != self._on_purpose]
        if others:
            heading(f'{number(len(others))} more, not on purpose')
            for job_id in others[:FAILURES_SHOWN]:
                self._show_failure(job_id)
        self._report.write_text(f'A report of {number(sum(len(ids) for ids in self._jobs.values()))} files.\n')
        say('  Now the file is there.')
        for name, ids in failed.items():
            if ids:
                command(
                    'rq', 'requeue', '--queue', name, *ids[:FAILURES_SHOWN], *(['...'] if ids[FAILURES_SHOWN:] else [])
                )
                run_rq(self._url, 'requeue', '--queue', name, *ids)
        requeued = [job_id for ids in failed.values() for job_id in ids]
        self._wait(lambda: not self._unfinished(requeued), STALL_SECONDS, 'the requeued job does not run')
        job = Job.fetch(self._on_purpose, connection=self._redis)
        if not job.is_finished:
            raise DemoError('the job has failed again, which was not on purpose')
        stats = job.return_value()
        say(green(f'  Done: {stats["words"]} words, {stats["lines"]} line.'))

    def _show_failure(self, job_id: str) -> None:
        job = Job.fetch(job_id, connection=self._redis)
        result = job.latest_result()
        lines = (result.exc_string or '').strip().splitlines() if result else []
        say(f'  {job.func_name}({job.args[0]!r})')
        for line in [line for line in lines if line.lstrip().startswith('File ')][-1:] + lines[-1:]:
            say(red(f'    {line.strip()}'))

    def _unfinished(self, ids: list[str]) -> bool:
        self._workers.check()
        jobs = Job.fetch_many(ids, connection=self._redis)
        return any(job is not None and not (job.is_finished or job.is_failed) for job in jobs)

    def show(self) -> None:
        """The tables: what was counted, which files took longest, which names are the most frequent."""
        stats = {name: dict(self._results(ids)) for name, ids in self._jobs.items()}
        heading(f'{number(sum(map(len, stats.values())))} files in {self._seconds:.1f} s')
        rows = [row('source (high)', stats['high']), row('text (low)', stats['low'])]
        table(['', 'files', 'lines', 'words', 'MB', 'CPU s'], [*rows, row('all', stats['high'] | stats['low'])])
        jobs = sum(map(len, self._jobs.values())) + 1
        again = f'{self._failed}, all done in the end' if self._failed else 'none'
        say()
        fact('jobs/s', f'{number(jobs / self._seconds)}, from the first enqueue to the last result')
        fact('failures', again)

        heading('The slowest files')
        everything = stats['high'] | stats['low']
        slowest = sorted(everything.items(), key=lambda item: -item[1]['seconds'])[:SLOWEST]
        table(
            ['', 'ms', 'words'],
            [[short(path), f'{one["seconds"] * 1000:.1f}', number(one['words'])] for path, one in slowest],
        )
        heading('The most frequent identifiers')
        names: Counter[str] = Counter()
        for one in stats['high'].values():
            names.update(dict(one['names']))
        top = names.most_common(FREQUENT)
        for name, times in top:
            say(f'  {name:<16}{number(times):>9}  {green("▇" * max(1, round(30 * times / top[0][1])))}')

    def _results(self, ids: list[str]) -> Iterator[tuple[str, FileStats]]:
        for chunk in chunks(ids):
            for job in Job.fetch_many(chunk, connection=self._redis):
                if job is not None and job.is_finished:
                    yield job.args[0], job.return_value()

    def _wait(self, happened: Callable[[], bool], seconds: float, trouble: str) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline:
                raise DemoError(f'{trouble}; a worker says: {self._workers.last_words()}')
            time.sleep(POLL_SECONDS)


def chunks(items: list[str]) -> Iterator[list[str]]:
    """The items, `AT_ONCE` at a time."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def row(title: str, stats: dict[str, FileStats]) -> list[str]:
    """A line of the table: the sums over these files."""
    lines, words, size = (sum(one[key] for one in stats.values()) for key in ('lines', 'words', 'size'))  # type: ignore[literal-required]
    seconds = sum(one['seconds'] for one in stats.values())
    return [title, number(len(stats)), number(lines), number(words), f'{size / 1e6:.1f}', f'{seconds:.1f}']


def short(path: str) -> str:
    """The last parts of a path, enough to know the file."""
    parts = Path(path).parts
    return str(Path(*parts[-3:]))
