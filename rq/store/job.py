"""One job's keys: read, saved, requeued, canceled, deleted; its results and its runs."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .read import hash_fields, hashes
from .script import Script, nonce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    'add_failure',
    'add_result',
    'cancel',
    'delete',
    'drop_results',
    'exists',
    'expire',
    'fetch',
    'fetch_execution',
    'fetch_many',
    'fetch_small',
    'field',
    'last_result',
    'missing',
    'one_field',
    'origins',
    'patience',
    'persist',
    'requeue',
    'result_count',
    'results',
    'running',
    'save',
    'some_fields',
    'status_key',
    'statuses',
    'time',
    'update',
    'wait_result',
]

YEAR = 31_536_000  # RQ's failure TTL when none is given

_requeue = Script('requeue')
_cancel = Script('cancel')
_delete = Script('delete')
_update = Script('update')


def fetch(connection: Any, job_id: str) -> dict[bytes, bytes]:
    """The hash of a job; empty when there is none."""
    found: dict[bytes, bytes] = connection.hgetall(keys.job(job_id))
    return found


def fetch_many(connection: Any, job_ids: Sequence[str]) -> list[dict[bytes, bytes]]:
    """The hashes of jobs, one round trip per 1,000."""
    return hashes(connection, map(keys.job, job_ids))


def fetch_small(connection: Any, job_ids: Sequence[str], most: int) -> list[dict[bytes, bytes]]:
    """The hashes of jobs whose calls take up to `most` bytes, empty ones for others; two round trips."""
    pipeline = connection.pipeline(transaction=False)
    for job_id in job_ids:
        pipeline.hstrlen(keys.job(job_id), 'data')
    sizes = pipeline.execute(raise_on_error=False)
    small = [job_id for job_id, size in zip(job_ids, sizes, strict=True) if isinstance(size, int) and size <= most]
    found = dict(zip(small, fetch_many(connection, small), strict=True))
    return [found.get(job_id, {}) for job_id in job_ids]


def field(connection: Any, job_id: str, name: str) -> bytes | None:
    """One field of the hash, or None."""
    value: bytes | None = connection.hget(keys.job(job_id), name)
    return value


def some_fields(connection: Any, job_id: str, *names: str) -> dict[bytes, bytes | None]:
    """These fields of the hash as they are at one instant; None for those that it has not."""
    values = connection.hmget(keys.job(job_id), names)
    return {name.encode(): value for name, value in zip(names, values, strict=True)}


def exists(connection: Any, job_id: str) -> bool:
    """Whether the hash is there."""
    return bool(connection.exists(keys.job(job_id)))


def missing(connection: Any, job_ids: Sequence[str]) -> list[str]:
    """The ids of those that are not stored; one round trip."""
    pipeline = connection.pipeline(transaction=False)
    for job_id in job_ids:
        pipeline.exists(keys.job(job_id))
    return [job_id for job_id, there in zip(job_ids, pipeline.execute(), strict=True) if not there]


def one_field(connection: Any, job_ids: Sequence[str], name: str) -> list[bytes | None]:
    """One field of each hash, None where there is none; one round trip per 1,000."""
    return [row[0] for row in hash_fields(connection, map(keys.job, job_ids), name)]


def statuses(connection: Any, job_ids: Sequence[str]) -> list[str]:
    """The status of each, GONE where there is none."""
    return ['GONE' if value is None else text(value) for value in one_field(connection, job_ids, 'status')]


def origins(connection: Any, job_ids: Sequence[str]) -> list[str]:
    """The queue of each, '' where there is none."""
    return ['' if value is None else text(value) for value in one_field(connection, job_ids, 'origin')]


def status_key(job_id: str) -> str:
    """The key of the hash, for callers' own pipelines."""
    return keys.job(job_id)


def save(connection: Any, job_id: str, fields: Mapping[str, Any]) -> Any:
    """Writes fields of the hash; other fields stay."""
    return connection.hset(keys.job(job_id), mapping=dict(fields))


def update(connection: Any, job_id: str, fields: Mapping[str, Any]) -> Any:
    """Writes fields of the hash if there is one; 0 when there is none."""
    return _update(connection, keys.job(job_id), *(part for item in fields.items() for part in item))


def expire(connection: Any, job_id: str, seconds: int) -> None:
    """Lets the hash and the sets beside it expire."""
    for key in (keys.job(job_id), keys.dependents(job_id), keys.dependencies(job_id)):
        connection.expire(key, seconds)


def persist(connection: Any, job_id: str) -> None:
    """Takes back an expiry."""
    for key in (keys.job(job_id), keys.dependents(job_id), keys.dependencies(job_id)):
        connection.persist(key)


def requeue(
    connection: Any, queue: str, job_ids: Sequence[str], at_front: bool = False, before: float | None = None
) -> list[str]:
    """QUEUED, RATE_LIMITED, NOT_FAILED or GONE for each id; at most 1,000 ids.

    `before` (epoch): LATER for one that failed after that, and nothing is done to it.
    """
    where = 'front' if at_front else 'back'
    seen = '' if before is None else f'{before:.6f}'
    answer = _requeue(connection, keys.queue(queue), queue, where, seen, nonce(), *job_ids)
    return [part.decode() for part in answer]


def cancel(connection: Any, job_id: str, release: bool = False, forget_dependencies: bool = False) -> Any:
    """(b'CANCELED', b'ALREADY' or b'GONE'; queue -> ids of the jobs released, which waited for it); in a pipeline that.

    `release`: those that wait for it need not any more. `forget_dependencies`: those it waits for forget it.
    """
    flags = ('1' if release else '', '1' if forget_dependencies else '')
    answer = _cancel(connection, keys.job(job_id), job_id, *flags, nonce())
    if not isinstance(answer, list):
        return answer
    released: dict[str, list[str]] = {}
    for queue, dependent in zip(answer[1::2], answer[2::2], strict=True):
        released.setdefault(text(queue), []).append(text(dependent))
    return answer[0], released


def delete(connection: Any, job_id: str, queue: str = '', remove_from_queue: bool = True) -> Any:
    """1 if there was a job."""
    return _delete(connection, keys.job(job_id), job_id, queue, '1' if remove_from_queue else '')


def results(connection: Any, job_id: str) -> list[tuple[str, dict[bytes, bytes]]]:
    """(entry id, fields) of the stored results, newest first."""
    found = connection.xrevrange(keys.results(job_id), '+', '-')
    return [(entry.decode(), fields) for entry, fields in found]


def last_result(connection: Any, job_id: str) -> tuple[str, dict[bytes, bytes]] | None:
    """(entry id, fields) of the newest result, or None."""
    found = connection.xrevrange(keys.results(job_id), '+', '-', count=1)
    return (found[0][0].decode(), found[0][1]) if found else None


def wait_result(connection: Any, job_id: str, seconds: float) -> tuple[str, dict[bytes, bytes]] | None:
    """The first result of a job, waiting for it; None when the time is over."""
    deadline = monotonic() + seconds
    while (left := deadline - monotonic()) > 0:
        wait = min(left, patience(connection))
        found = connection.xread({keys.results(job_id): '0-0'}, count=1, block=max(1, int(wait * 1000)))
        if found:
            streams = found.values() if isinstance(found, dict) else [entries for _, entries in found]
            entries: Any = next(iter(streams))
            if entries and isinstance(entries[0], list):  # RESP3 wraps once more
                entries = entries[0]
            entry, fields = entries[-1]
            return entry.decode(), fields
    return None


def patience(connection: Any) -> float:
    """Seconds that one command may block: well below what the client waits for a reply (redis-py 8: 5 s unasked)."""
    pool = getattr(connection, 'connection_pool', None)
    timeout = getattr(pool, 'connection_kwargs', {}).get('socket_timeout')
    return timeout / 2 if timeout else inf


def result_count(connection: Any, job_id: str) -> int:
    """How many results are stored."""
    return int(connection.xlen(keys.results(job_id)))


def running(connection: Any, job_id: str) -> list[str]:
    """Execution ids of the announced runs of a job."""
    return [text(entry) for entry in connection.zrange(keys.executions(job_id), 0, -1)]


def fetch_execution(connection: Any, job_id: str, execution_id: str) -> dict[bytes, bytes]:
    """The hash of one run; empty when there is none."""
    found: dict[bytes, bytes] = connection.hgetall(keys.execution(job_id, execution_id))
    return found


def time(connection: Any) -> float:
    """Redis time, epoch seconds."""
    seconds, micros = connection.time()
    return float(seconds + micros / 1e6)


def add_failure(connection: Any, job_id: str, worker: str, payload: bytes, ttl: int | None) -> None:
    """One more result, of a failure (`payload`: base64 of zlib), outside of a run; kept for `ttl` seconds, -1 for ever."""
    entry = {'type': '2', 'worker_name': worker, 'exc_string': payload}
    connection.xadd(keys.results(job_id), entry, maxlen=10, approximate=False)
    if ttl != -1:
        connection.expire(keys.results(job_id), YEAR if ttl is None else ttl)


def drop_results(connection: Any, job_id: str) -> None:
    """Deletes the results of a job."""
    connection.delete(keys.results(job_id))


def add_result(connection: Any, job_id: str, fields: Mapping[str, Any], seconds: int | None) -> Any:
    """The id of a new entry in the results of a job, ten kept; `seconds`: how long they live, None or -1 as the job."""
    entry = connection.xadd(keys.results(job_id), dict(fields), maxlen=10, approximate=False)
    if seconds is not None and seconds > 0:
        connection.expire(keys.results(job_id), seconds)
    return entry
