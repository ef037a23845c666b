"""The reader of the article, and an empty Redis for him."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.server import EmbeddedServer
from tests.article.reader import Reader
from tests.support.processes import Processes


@pytest.fixture
def reader(redis: Redis, redis_server: EmbeddedServer, processes: Processes) -> Reader:
    return Reader(processes, redis_server.port)
