"""What the tests beside released RQs share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from redis import Redis

from rq.server import EmbeddedServer
from tests.compat.fleet import JOBS, RELEASES, Fleet, Peer
from tests.support.processes import Processes


@pytest.fixture(scope='session', params=RELEASES)
def peer(request: pytest.FixtureRequest, redis_server: EmbeddedServer) -> Iterator[Peer]:
    """A release of RQ that answers; one process for all the tests."""
    found = Peer(request.param, redis_server.url)
    yield found
    found.close()


@pytest.fixture
def fleet(peer: Peer, redis: Redis, redis_url: str, processes: Processes) -> Fleet:
    """That release and ours on one server, which is empty."""
    return Fleet(peer, redis_url, processes)


@pytest.fixture(autouse=True)
def jobs_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """`compat_jobs` is there under the name that every RQ knows."""
    monkeypatch.syspath_prepend(str(JOBS))
    sys.modules.pop('compat_jobs', None)
