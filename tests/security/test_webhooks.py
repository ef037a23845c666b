"""Where webhooks may go once signing is required."""

from __future__ import annotations

import pytest
from redis import Redis

from rq import Queue, SimpleWorker, Webhook
from rq.webhook import model
from rq.webhook.address import Rules, rules_in_force
from tests.security.conftest import Sign
from tests.security.jobs import add


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Rules]:
    found: list[Rules] = []
    monkeypatch.setattr(model.Webhook, 'send', lambda self, job, rules, **options: found.append(rules))
    return found


@pytest.mark.parametrize('inline', [False, True])
def test_they_are_strict_where_signing_is_required(
    redis: Redis, sign: Sign, sent: list[Rules], inline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('RQ_WEBHOOK_ALLOW', 'hooks.internal, 10.0.0.0/8')
    for mode in ('warn', 'require'):
        sign(mode)
        queue = Queue('q', connection=redis, is_async=not inline)
        queue.enqueue(add, 1, webhooks=[Webhook('http://hooks.internal/', 'finished')])
        SimpleWorker([queue], connection=redis).work(burst=True, logging_level='WARNING')
    allowed = ('hooks.internal', '10.0.0.0/8')
    assert sent == [Rules(False, allowed), Rules(True, allowed)]


def test_they_are_strict_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rules_in_force(False) == Rules()
    monkeypatch.setenv('RQ_WEBHOOK_STRICT', '1')
    assert rules_in_force(False) == Rules(strict=True)
