"""A job that has ended, and no server but those that the tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from rq.job import Job
from tests.webhook.endpoint import Endpoint

Start = Callable[..., Endpoint]


@pytest.fixture
def job() -> Job:
    """A job that has ended, on a connection that is never used."""
    job = Job.create('shop.orders.bill', id='abc', connection=Redis(port=1), origin='q')
    job.enqueued_at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    job.ended_at = datetime(2026, 1, 2, 3, 4, 7, tzinfo=UTC)
    return job


@pytest.fixture
def endpoint() -> Iterator[Start]:
    """Start servers: `endpoint(reply(500))`."""
    with ExitStack() as running:

        def start(*replies: Any, **options: Any) -> Endpoint:
            return running.enter_context(Endpoint(*replies, **options))

        yield start
