"""The metrics in the text that Prometheus reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from rq.monitor.metrics import STATES, SUMMED, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

    from rq.monitor.metrics import Metrics, QueueMetrics

__all__ = ['exposition']


def exposition(connection: Redis) -> tuple[bytes, str]:
    """The text and its content type. Raises redis-py's errors."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(metrics(connection)))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Collector:
    """What was read, as prometheus-client asks for it."""

    def __init__(self, found: Metrics) -> None:
        self._found = found

    def describe(self) -> list[Any]:
        """Nothing: so it is not asked twice."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families, with their samples."""
        found = self._found
        yield from _of_queues(found.queues)
        yield _family(
            'rq_jobs_all_queues', 'Jobs by state, of all queues.', ['state'], zip(SUMMED, found.sums, strict=True)
        )
        yield _family('rq_workers', 'Workers by state.', ['state'], found.workers.items())
        yield _one('rq_queues_unlisted', 'Queues that have no series of their own.', found.unlisted)
        yield _one('rq_suspended', '1 while no worker takes any job.', found.suspended)
        if found.used is not None:
            yield _one('rq_redis_memory_bytes', 'Memory that Redis uses.', found.used)
        if found.limit is not None:
            yield _one('rq_redis_memory_limit_bytes', 'Memory that Redis may use; 0: no limit.', found.limit)


def _of_queues(queues: tuple[QueueMetrics, ...]) -> Iterator[GaugeMetricFamily]:
    jobs = GaugeMetricFamily('rq_jobs', 'Jobs by queue and state.', labels=['queue', 'state'])
    for queue in queues:
        for state, count in zip(STATES, queue.jobs, strict=True):
            jobs.add_metric([queue.name, state], count)
    yield jobs
    each: dict[str, tuple[str, list[tuple[str, float | None]]]] = {
        'rq_queue_workers': ('Workers that listen on the queue.', [(one.name, one.workers) for one in queues]),
        'rq_queue_paused': ('1 while nobody takes a job of it.', [(one.name, one.paused) for one in queues]),
        'rq_queue_oldest_seconds': (
            'For how long the next job has waited.',
            [(one.name, one.oldest) for one in queues],
        ),
        'rq_queue_done_per_second': (
            'Runs that ended well, a second, over the last minutes.',
            [(one.name, one.rates.done) for one in queues],
        ),
        'rq_queue_failed_per_second': (
            'Runs that failed, a second, over the last minutes.',
            [(one.name, one.rates.failed) for one in queues],
        ),
        'rq_queue_run_seconds': ('Mean duration of the runs.', [(one.name, one.rates.mean_run) for one in queues]),
        'rq_queue_wait_seconds': ('Mean wait before the runs.', [(one.name, one.rates.mean_wait) for one in queues]),
    }
    for name, (words, rows) in each.items():
        yield _family(name, words, ['queue'], [(label, value) for label, value in rows if value is not None])


def _family(name: str, words: str, labels: list[str], rows: Any) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for label, value in rows:
        family.add_metric([label], float(value))
    return family


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=float(value))
