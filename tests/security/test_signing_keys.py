"""Signing keys and modes: how they are given, changed and refused, and that no secret is ever shown."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue, signing
from rq.exceptions import SignatureError
from rq.job import Job
from tests.security.conftest import OTHER, SECRET, Plant, Sign
from tests.security.jobs import add
from tests.security.reading import raw, reason, work


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.LogCaptureFixture]:
    monkeypatch.setattr(signing.logger, 'propagate', True)
    with caplog.at_level(logging.WARNING, logger=signing.logger.name):
        signing.logger.addHandler(caplog.handler)
        yield caplog
        signing.logger.removeHandler(caplog.handler)


def test_warn_runs_what_others_wrote_with_one_line(
    redis: Redis, queue: Queue, sign: Sign, plant: Plant, lines: pytest.LogCaptureFixture
) -> None:
    sign('warn')
    plant('theirs')
    queue.enqueue(add, 1)
    work(queue)
    assert Job.fetch('theirs', connection=redis).return_value() == 3
    told = {record.getMessage() for record in lines.records if record.name == signing.logger.name}
    assert told == {'Job theirs: it is not signed; it is run, since signing is not required'}


def test_a_queue_may_have_a_mode_of_its_own_in_workers(redis: Redis, sign: Sign, plant: Plant, mark: Path) -> None:
    sign('warn', pay='require', old='off')
    for name in ('pay', 'old', 'q'):
        plant(f'of-{name}', name)
    plant('of-serializer', 'pay', serializer='tests.security.planted')
    plant('disguised', 'pay', origin='old')
    work(*(Queue(name, connection=redis) for name in ('pay', 'old', 'q')))
    assert [Job.fetch(f'of-{name}', connection=redis).get_status().value for name in ('pay', 'old', 'q')] == [
        'failed',
        'finished',
        'finished',
    ]
    assert 'SignatureError' in reason(Job.fetch('of-serializer', connection=redis))
    assert 'SignatureError' in reason(Job.fetch('disguised', connection=redis))
    assert not mark.exists()


def test_keys_are_changed_without_losing_a_job(redis: Redis, queue: Queue, sign: Sign) -> None:
    sign('require', [('old', OTHER)])
    first = queue.enqueue(add, 1)
    sign('require', [('new', SECRET), ('old', OTHER)])
    second = queue.enqueue(add, 2)
    assert raw(redis, second)[b'sig'].startswith(b'1:new:')
    work(queue)
    assert (first.return_value(), second.return_value()) == (2, 3)
    sign('require', [('new', SECRET)])
    third = queue.enqueue(add, 1)
    redis.hset(third.key, 'sig', raw(redis, first)[b'sig'])
    work(queue)
    assert reason(third).endswith('it is signed with an unknown key (old)')
    sign('require', [('new', OTHER)])  # the same id, another secret
    with pytest.raises(SignatureError, match='wrong'):
        _ = Job.fetch(second.id, connection=redis).args


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('', 'no key'),
        ('# nothing', 'no key'),
        (SECRET, 'number 1 is not written as id:secret'),
        (f'a b:{SECRET}', 'number 1: an id has'),
        ('k1:short', 'number 1: a secret has at least 32'),
        (f'{SECRET[:32]}:k1', 'number 1: a secret has at least 32'),  # the wrong way round
        (f'k1:{SECRET},k1:{OTHER}', 'number 2: its id is there twice'),
    ],
)
def test_bad_keys_are_refused_without_being_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        signing.Keys(signing.parse_keys(text))
    assert SECRET[:8] not in str(caught.value) and 'short:' not in str(caught.value)


@pytest.mark.parametrize('text', ['on', 'require,strict', 'q=', 'warn,require', 'require;warn'])
def test_bad_modes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match='RQ_SIGNING'):
        signing.parse_modes(text)


def test_modes_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert signing.parse_modes('require') == ('require', {})
    assert signing.parse_modes('warn, pay=require, a=b=off') == ('warn', {'pay': 'require', 'a=b': 'off'})
    assert signing.parse_modes('pay=require') == ('warn', {'pay': 'require'})
    path = tmp_path / 'keys'
    path.write_text(f'# ours\nnew:{SECRET}\n\nold:{OTHER}\n')
    monkeypatch.setenv('RQ_SIGNING_KEY_FILE', str(path))
    monkeypatch.setenv('RQ_SIGNING', 'require')
    monkeypatch.setattr(signing, 'active', signing._Unread())
    found = signing.load()
    assert found is signing.active and found is not None
    assert (found.keys.ids, found.default) == (['new', 'old'], 'require')


@pytest.mark.parametrize(
    ('variable', 'value'), [('RQ_SIGNING', 'require'), ('RQ_SIGNING_KEY_FILE', '/no/such'), ('RQ_SIGNING', 'strong')]
)
def test_what_cannot_be_configured_fails_closed(
    redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(signing, 'active', signing._Unread())
    with pytest.raises(ValueError, match=r'no key|/no/such|no mode'):
        queue.enqueue(add, 1)
    assert queue.count == 0
    with pytest.raises(ValueError, match=r'no key|/no/such|no mode'):
        work(queue)


def test_secrets_are_in_no_repr_and_no_pickle(sign: Sign) -> None:
    sign('require', [('k1', SECRET), ('k2', OTHER)], pay='warn')
    for thing in (signing.active, signing.active.keys):
        for text in (repr(thing), str(thing), f'{thing!r}'):
            assert 'k1' in text and SECRET[:8] not in text and OTHER[:8] not in text
        with pytest.raises(TypeError):
            pickle.dumps(thing)
