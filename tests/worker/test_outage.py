"""Trouble with Redis: how long a process waits, and what it says."""

from __future__ import annotations

import logging

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, OutOfMemoryError, ResponseError

from rq.worker.outage import LONGEST, SHORTEST, Outage

AWAY = RedisConnectionError('Connection refused')


@pytest.fixture
def outage(caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level(logging.INFO)
    return Outage(logging.getLogger('rq.test.outage'), 'Worker w')


def test_it_waits_longer_and_longer_up_to_five_seconds(outage: Outage) -> None:
    waits = [outage.failed(AWAY) for _ in range(12)]
    expected = [min(SHORTEST * 2**times, LONGEST) for times in range(12)]
    assert all(0.69 * most <= wait <= most for wait, most in zip(waits, expected, strict=True)), waits


def test_it_says_once_that_redis_is_away_and_once_that_it_is_back(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        outage.failed(AWAY)
    assert outage.on and outage.seconds >= 0
    outage.passed()
    outage.passed()
    assert not outage.on and outage.seconds == 0
    first, second = caplog.messages
    assert first == 'Worker w: Redis trouble (ConnectionError: Connection refused); trying again'
    assert second.startswith('Worker w: Redis is back after 0.')


def test_a_second_outage_is_said_again_and_begins_with_short_waits(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        outage.failed(AWAY)
    outage.passed()
    assert outage.failed(AWAY) <= SHORTEST
    assert len(caplog.messages) == 3


@pytest.mark.parametrize('error', [OutOfMemoryError('OOM'), NoPermissionError('NOPERM'), ResponseError('ERR what?')])
def test_what_only_an_operator_can_mend_is_tried_slowly(
    outage: Outage, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    assert outage.failed(error) >= 0.7
    assert str(error) in caplog.text


def test_another_kind_of_trouble_is_said_as_well(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    outage.failed(AWAY)
    outage.failed(OutOfMemoryError('OOM command not allowed'))
    outage.failed(OutOfMemoryError('OOM command not allowed'))
    assert [message.split(' (')[0] for message in caplog.messages] == [
        'Worker w: Redis trouble',
        'Worker w: Redis refuses',
    ]
