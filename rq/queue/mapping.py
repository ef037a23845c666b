"""`queue.map`: a function over an iterable, by jobs, with so many of them under way at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, TypeVar, Unpack, overload

from redis.exceptions import RedisError

from rq.exceptions import DeserializationError, JobFailed, SignatureError
from rq.job.call import reference
from rq.results import Result
from rq.store import collect as store

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from rq.types import FunctionReferenceType

__all__ = ['End', 'Flight', 'MapOptions', 'Mapped', 'Waiting']

T = TypeVar('T')

IN_FLIGHT = 1000
# A request of enqueue_many (store/enqueue.py).
CHUNK = 100
# Ids that a script of store/collect.py takes.
MOST_IDS = 1000
# An iterable that takes so long for a chunk is a slow one: its items are sent one by one.
GATHER_SECONDS = 0.05
# Jobs whose results one read waits for, oldest first. Workers take jobs in that order; each stream costs the server 1 µs.
WINDOW = 256
# Where later ones may come first, the others are looked at when the oldest have been silent for so long.
NARROW_SECONDS = 0.05
# A job that is canceled, deleted or expires has no result: what became of each is asked after such a silence.
SILENCE_SECONDS = 1.0
# Until its result is read and the job dropped; then it goes at once. A slow reader is not to lose it.
RESULT_TTL = 86_400

_LOST = {
    '': 'is gone: it was deleted, or had expired',
    'canceled': 'was canceled',
    'finished': 'has finished, and its result is not kept',
    'failed': 'failed',
    'stopped': 'was stopped',
}


class MapOptions(TypedDict, total=False):
    """How `map` goes about it, and the options of its jobs, which mean what they mean for `enqueue`."""

    in_flight: int  # jobs enqueued whose results were not taken yet; default 1,000
    chunk: int  # jobs enqueued at a time; default 100
    kwargs: dict[str, Any]  # keyword arguments of every call
    job_timeout: Any
    result_ttl: Any  # default: a job goes as its result is read
    ttl: Any
    failure_ttl: Any
    description: str
    meta: dict[Any, Any]
    at_front: bool
    retry: Any
    on_success: Any
    on_failure: Any
    on_stopped: Any


class End(NamedTuple):
    """How a job ended: with a value, or with an error, which says so itself."""

    value: Any
    failed: bool


@dataclass(slots=True)
class Waiting:
    """A job whose end is not known."""

    arguments: tuple[Any, ...]
    after: str = '0-0'  # the last entry of its results that was no end: it is run again


class Mapped:
    """Mixed into Queue."""

    @overload
    def map(
        self,
        f: Callable[..., T],
        *iterables: Iterable[Any],
        ordered: bool = True,
        timeout: float | None = None,
        errors: Literal['raise'] = 'raise',
        **options: Unpack[MapOptions],
    ) -> Generator[T, None, None]: ...

    @overload
    def map(
        self,
        f: FunctionReferenceType,
        *iterables: Iterable[Any],
        ordered: bool = True,
        timeout: float | None = None,
        errors: Literal['raise', 'return'] = 'raise',
        **options: Unpack[MapOptions],
    ) -> Generator[Any, None, None]: ...

    def map(
        self,
        f: FunctionReferenceType,
        *iterables: Iterable[Any],
        ordered: bool = True,
        timeout: float | None = None,
        errors: Literal['raise', 'return'] = 'raise',
        **options: Unpack[MapOptions],
    ) -> Generator[Any, None, None]:
        """What `f` returns for each item (with several iterables: for the items side by side), by jobs of this queue.

        Lazily: jobs are enqueued as results are taken, so many ahead, so that an iterable may have no end. In the items'
        order, or with `ordered=False` as they come. A job that fails raises JobFailed and ends it; with `errors='return'`
        the JobFailed comes in its place. TimeoutError if the next result takes longer than `timeout` seconds. At its end,
        however it comes (also by `close()`), jobs that have not begun are deleted. MapOptions has the other options.
        """
        reference(f)
        if not iterables:
            raise TypeError('map() needs an iterable: queue.map(f, items)')
        if errors not in ('raise', 'return'):
            raise ValueError(f"errors={errors!r}: give 'raise' or 'return'")
        flight = Flight(self, f, zip(*iterables, strict=False), ordered, dict(options))
        return _results(flight, timeout, errors == 'raise')


def _results(flight: Flight, timeout: float | None, raising: bool) -> Generator[Any, None, None]:
    try:
        while ends := flight.ends(timeout):
            for end in ends:
                if end.failed and raising:
                    raise end.value
                yield end.value
    finally:
        flight.land()


class Flight:
    """The jobs of one map that are under way."""

    def __init__(
        self,
        queue: Any,
        f: FunctionReferenceType,
        calls: Iterator[tuple[Any, ...]],
        ordered: bool,
        options: dict[str, Any],
    ) -> None:
        self._queue, self._f, self._calls = queue, f, calls
        self._most = _count('in_flight', options.pop('in_flight', IN_FLIGHT))
        chunk = _count('chunk', options.pop('chunk', CHUNK))
        # A quarter at most, so that workers have the rest to do meanwhile.
        self._chunk = min(chunk, max(1, self._most // 4))
        if not queue.is_async:  # a job runs as it is enqueued
            self._most = self._chunk = 1
        self._drops = options.get('result_ttl') is None
        self._options = _job_options(options)
        self._size = 1
        self._more = True
        self._waiting: dict[str, Waiting] = {}  # in their order
        self._order: deque[str] | None = deque() if ordered else None
        self._done: dict[str, End] = {}
        self._read: list[str] = []  # finished, and read: they may go
        self._heard = monotonic()

    def ends(self, timeout: float | None) -> list[End]:
        """The next ends, at least one; none when there are no more. Raises TimeoutError."""
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            self._enqueue()
            if not self._waiting and not self._done:
                return []
            left = SILENCE_SECONDS if deadline is None else max(0.001, min(SILENCE_SECONDS, deadline - monotonic()))
            self._look(0 if self._has_room() else left)
            if found := self._ready():
                return found
            if deadline is not None and monotonic() >= deadline:
                raise TimeoutError(f'No result within {timeout} seconds; {len(self._waiting)} jobs are under way')

    def land(self) -> None:
        """Deletes the jobs that have not begun. Quietly: who ends it because Redis is away has been told so."""
        ids = list(self._waiting)
        self._waiting.clear()
        try:
            step = min(self._chunk, MOST_IDS)
            for at in range(0, len(ids), step):
                store.withdraw(self._queue.connection, self._queue.name, ids[at : at + step])
            self._drop(0)
        except RedisError:
            pass

    # --- out

    def _has_room(self) -> bool:
        return self._more and len(self._waiting) + len(self._done) + self._chunk <= self._most

    def _enqueue(self) -> None:
        """One chunk, if there is room for it."""
        if not self._has_room():
            return
        calls = list(self._gather())
        prepare = self._queue.prepare_data
        datas = [prepare(self._f, arguments, **self._options) for arguments in calls]
        if not datas:
            return
        for job, arguments in zip(self._queue.enqueue_many(datas), calls, strict=True):
            self._waiting[job.id] = Waiting(arguments)
            if self._order is not None:
                self._order.append(job.id)
        self._heard = monotonic()

    def _gather(self) -> Iterator[tuple[Any, ...]]:
        """The next items: one at first, and while the iterable is slow, so that none waits for those after it."""
        start, count = monotonic(), 0
        for arguments in islice(self._calls, self._size):
            yield arguments
            count += 1
            if count < self._size and monotonic() - start >= GATHER_SECONDS:
                break
        else:
            self._more = count == self._size
        slow = monotonic() - start >= GATHER_SECONDS
        self._size = max(1, count // 2) if slow else min(self._chunk, 8 * self._size)

    # --- back

    def _look(self, seconds: float) -> None:
        """Takes down results that are there, waiting for the first if there is none."""
        window = {job_id: job.after for job_id, job in islice(self._waiting.items(), WINDOW)}
        if not window:
            return
        narrow = self._order is None and len(self._waiting) > WINDOW
        connection = self._queue.connection
        found = store.wait_results(connection, window, min(seconds, NARROW_SECONDS) if narrow else seconds)
        if narrow and not found:
            found = store.wait_results(connection, {job_id: job.after for job_id, job in self._waiting.items()}, 0)
        if found:
            self._heard = monotonic()
        elif monotonic() - self._heard >= SILENCE_SECONDS:
            found = self._ask()
        for job_id, entries in found.items():
            self._take(job_id, entries)
        self._drop(self._chunk)

    def _take(self, job_id: str, entries: list[tuple[str, dict[bytes, bytes]]]) -> None:
        job = self._waiting[job_id]
        for entry, fields in entries:
            job.after = entry
            try:
                result = Result.restore(job_id, entry, fields, self._queue.connection, self._queue.serializer)
            except (DeserializationError, SignatureError) as error:
                self._end(job_id, _failed(job_id, f'has a result that cannot be read: {error}', job.arguments))
                return
            if result.type is Result.Type.SUCCESSFUL:
                self._end(job_id, result.return_value, failed=False)
                return
            if result.type is not Result.Type.RETRIED:
                self._end(job_id, _failure(result, job.arguments))
                return

    def _end(self, job_id: str, value: Any, failed: bool = True) -> None:
        del self._waiting[job_id]
        self._done[job_id] = End(value, failed)
        if self._drops and not failed:
            self._read.append(job_id)

    def _ask(self) -> store.Entries:
        """What became of jobs nobody has heard of: those that have ended without a result are errors."""
        self._heard = monotonic()
        ids = list(islice(self._waiting, WINDOW if self._order is not None else None))
        became = store.statuses(self._queue.connection, ids)
        lost = [job_id for job_id in ids if became[job_id] in _LOST]
        if not lost:
            return {}
        found = store.wait_results(self._queue.connection, {i: self._waiting[i].after for i in lost}, 0)
        for job_id in lost:
            if job_id not in found:
                self._end(job_id, _failed(job_id, _LOST[became[job_id]], self._waiting[job_id].arguments))
        return found

    def _ready(self) -> list[End]:
        if self._order is None:
            found = list(self._done.values())
            self._done.clear()
            return found
        found = []
        while self._order and self._order[0] in self._done:
            found.append(self._done.pop(self._order.popleft()))
        return found

    def _drop(self, least: int) -> None:
        step = min(self._chunk, MOST_IDS)
        while self._read and len(self._read) >= least:
            some, self._read = self._read[:step], self._read[step:]
            store.drop_finished(self._queue.connection, self._queue.name, some)


def _failure(result: Result, arguments: tuple[Any, ...]) -> JobFailed:
    lines = (result.exc_string or '').strip().splitlines()
    if result.type is Result.Type.STOPPED:
        what = 'was stopped'
    elif result.type is Result.Type.MAX_RETRIES_EXCEEDED:
        what = 'asked to be run again more often than it may'
    else:
        what = f'failed: {lines[-1]}' if lines else 'failed'
    return _failed(result.job_id, what, arguments, result.exc_string)


def _failed(job_id: str, what: str, arguments: tuple[Any, ...], exc_string: str | None = None) -> JobFailed:
    return JobFailed(f'Job {job_id} {what}', job_id, arguments, exc_string)


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f'{name}={value!r}: give a whole number from 1 on')
    return value


def _job_options(options: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(options.keys() - MapOptions.__annotations__.keys())
    if unknown:
        raise TypeError(f'map() has no option {unknown[0]!r}; keyword arguments of the function go into kwargs=')
    if options.get('result_ttl') in (0, '0'):
        raise ValueError('result_ttl=0: map() could not read the results')
    found = {'result_ttl': RESULT_TTL} | {name: value for name, value in options.items() if value is not None}
    found['timeout'] = found.pop('job_timeout', None)
    return found
