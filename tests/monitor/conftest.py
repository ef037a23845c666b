"""Real workers for tests of what is known of them, and the check that looking writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from rq.monitor.why import Why, why
from tests.domain.conftest import proxied, proxy
from tests.support.reads import READS
from tests.support.waiting import wait_for
from tests.worker.conftest import burst, disorder, lasting, queue, worker

__all__ = ['burst', 'disorder', 'lasting', 'proxied', 'proxy', 'queue', 'worker']


class OnlyReads:
    """Fails where what is done between has written: `with only_reads: ...`."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def used(self) -> dict[str, int]:
        told = self.redis.info('commandstats')
        return {name.removeprefix('cmdstat_').partition('|')[0]: stats['calls'] for name, stats in told.items()}

    @contextmanager
    def __call__(self) -> Iterator[None]:
        before = self.used()
        yield
        after = self.used()
        written = {name for name in after if after[name] != before.get(name, 0)} - READS
        assert written == set()


@pytest.fixture
def only_reads(redis: Redis) -> OnlyReads:
    """`with only_reads(): ...` fails if anything was written meanwhile; no worker may be alive then."""
    return OnlyReads(redis)


Ask = Callable[[str], Why]


@pytest.fixture
def ask(redis: Redis) -> Ask:
    """What `why` says."""
    return lambda job_id: why(redis, job_id)


def until(ask: Ask, job_id: str, kind: str) -> Why:
    """The reason, once it is of this kind."""
    return wait_for(lambda: found if (found := ask(job_id)).kind == kind else None, 15, lambda: str(ask(job_id)))  # type: ignore[return-value]
