"""The process of `rq bench` that measures, on keys of its own; a line of JSON per figure.

It is a process of its own because the prefix of all keys is decided when `rq` is imported (RQ_KEY_PREFIX).
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rq.queue import Queue

__all__ = ['QUEUE', 'Trial', 'main', 'nothing']

QUEUE = 'bench'
# How the time is shared out; the start of the workers takes what is left of it.
SHARES = {'round_trip': 0.08, 'enqueue': 0.15, 'enqueue_many': 0.12, 'worker': 0.35, 'pickup': 0.15}
# Jobs stored at most: 40 MB with their results, and work for two seconds.
MOST = 30_000
# How long a worker may take to its first job, or a job to its result, before something is wrong.
PATIENCE = 30.0
LOOK_SECONDS = 0.02
# Between two jobs of an idle worker: long enough that it waits again.
IDLE_SECONDS = 0.005


def nothing() -> None:
    """What a job does while it is measured: nothing, so that what is left is the cost of the queue."""


class Trial:
    """What one run measures, in its order; each measure gives figures by name."""

    def __init__(self, connection: Any, queue: Queue, command: list[str], number: int, seconds: float) -> None:
        self.connection, self.queue = connection, queue
        self.command, self.number = command, number
        self.seconds = {name: share * seconds for name, share in SHARES.items()}

    def run(self) -> Iterator[dict[str, float]]:
        """The figures, as they are known."""
        from rq.store.trial import round_trips

        took = round_trips(self.connection, self.seconds['round_trip'])
        yield _spread('round_trip', took)
        yield {'enqueue_per_s': self._enqueue_for(self.seconds['enqueue'], lambda: self.queue.enqueue(nothing), 1)}
        calls = [self.queue.prepare_data(nothing) for _ in range(1000)]
        many = self._enqueue_for(self.seconds['enqueue_many'], lambda: self.queue.enqueue_many(calls), len(calls))
        yield {'enqueue_many_per_s': many}
        with self._workers() as failure:
            yield {'jobs_per_s': self._work_off(failure)}
            self.queue.empty()
            yield _spread('job', self._one_by_one(failure))

    def _enqueue_for(self, seconds: float, work: Callable[[], object], jobs: int) -> float:
        """Jobs a second, for so long or until so many wait."""
        start, done = time.perf_counter(), 0
        while (spent := time.perf_counter() - start) < seconds and done < MOST // 2:
            work()
            done += jobs
        return done / (spent or time.perf_counter() - start)

    @contextmanager
    def _workers(self) -> Iterator[Callable[[], str]]:
        """Workers, and what the log of one says that has ended."""
        with tempfile.TemporaryFile() as log:
            workers = [subprocess.Popen(self.command, stdout=log, stderr=log) for _ in range(self.number)]
            try:
                yield lambda: _last_line(log) if any(worker.poll() is not None for worker in workers) else ''
            finally:
                for worker in workers:
                    worker.terminate()
                for worker in workers:
                    try:
                        worker.wait(10)
                    except subprocess.TimeoutExpired:
                        worker.kill()
                        worker.wait()

    def _work_off(self, failure: Callable[[], str]) -> float:
        """Jobs a second, between the first moment that a finished one is seen and the last."""
        finished, all_of_them = self.queue.finished_job_registry, self.queue.count
        first, deadline = 0.0, time.perf_counter() + PATIENCE
        count = at_first = 0
        while count < all_of_them:
            now, count = time.perf_counter(), finished.count
            if first and now - first >= self.seconds['worker']:
                break
            if count and not first:
                first, at_first = now, count
            elif not first:
                self._check(failure, now < deadline)
            time.sleep(LOOK_SECONDS)
        return (count - at_first) / (now - first) if count > at_first else 0.0

    def _one_by_one(self, failure: Callable[[], str]) -> list[float]:
        """Seconds from `enqueue` to the result in hand, of jobs for a worker that waits; sorted."""
        took: list[float] = []
        end = time.perf_counter() + self.seconds['pickup']
        while time.perf_counter() < end or not took:
            time.sleep(IDLE_SECONDS)
            began = time.perf_counter()
            result = self.queue.enqueue(nothing).latest_result(timeout=int(PATIENCE))
            took.append(time.perf_counter() - began)
            self._check(failure, result is not None)
        return sorted(took)

    def _check(self, failure: Callable[[], str], in_time: bool) -> None:
        words = failure()
        if words or self.queue.failed_job_registry.count or not in_time:
            raise RuntimeError(words or 'its jobs fail, or are not done')


def _spread(name: str, seconds: list[float]) -> dict[str, float]:
    last = len(seconds) - 1
    return {
        f'{name}_ms': seconds[last // 2] * 1e3,
        f'{name}_p99_ms': seconds[min(last, len(seconds) * 99 // 100)] * 1e3,
    }


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors='replace').split('\n')
    return next((line.strip() for line in reversed(lines) if line.strip()), 'it has ended without a word')


def main() -> None:
    """Measures what the JSON in the first argument says; the last line is `{"error": ...}` where it cannot."""
    from redis.exceptions import RedisError

    from .config import CliConfig
    from .errors import explain

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    told = json.loads(sys.argv[1])
    config = CliConfig(os.environ.get('RQ_REDIS_URL'), **told['config'])
    try:
        _measure(config.connection, config, told)
    except KeyboardInterrupt:
        sys.exit(130)
    except RedisError as error:
        _say({'error': explain(error).message})
    except RuntimeError as error:
        _say({'error': f'The worker does not work: {error}'})


def _interrupt(number: int, frame: object) -> None:
    """Once: what follows is clearing up, which nothing is to interrupt."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _measure(connection: Any, config: Any, told: dict[str, Any]) -> None:
    from rq.store import trial

    who = f'{platform.node()}.{os.getpid()}'
    if not trial.reserve(connection, who):
        _say({'error': 'Another `rq bench` measures on this server; try again when it has ended'})
        return
    try:
        trial.clear(connection)  # what one has left that was killed
        queue = config.queue_class(QUEUE, connection=connection, serializer=config.serializer)
        for figures in Trial(connection, queue, told['command'], told['number'], told['seconds']).run():
            _say(figures)
    finally:
        trial.release(connection, who)


def _say(figures: dict[str, Any]) -> None:
    print(json.dumps(figures), flush=True)
