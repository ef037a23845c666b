"""Hostile data in every field: no page breaks, nothing is run, nothing leaves the page as anything but text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from redis import Redis

from tests.dashboard.attack import check_headers
from tests.dashboard.conftest import Complaints
from tests.dashboard.hostile import TEXTS, Strict, crawl, payloads, poison, stock


def names(values: list[bytes]) -> list[str]:
    """As they are shown, and so linked to."""
    return [value[:300].decode('utf-8', 'backslashreplace') for value in values if value]


def check_pages(app: Flask, values: list[bytes]) -> int:
    """The number of pages that were looked at."""
    count = 0
    for path, answer in crawl(app, names(values)[:3]):
        assert answer.status_code in (200, 302, 303, 308, 400, 404), (path[:200], answer.status, answer.text[-300:])
        check_headers(answer)
        assert len(answer.data) < 2_000_000, (path[:200], len(answer.data))
        if answer.mimetype == 'text/html':
            parser = Strict()
            parser.feed(answer.text)
            assert parser.faults == [], path[:200]
            assert '1337' not in answer.text
        count += 1
    return count


@pytest.mark.parametrize('share', [1.0, 0.3, 0.0], ids=['every field', 'some fields', 'names and ids alone'])
@pytest.mark.parametrize('name', TEXTS)
def test_whatever_is_written_into_a_field_is_shown_as_text(app: Flask, redis: Redis, name: str, share: float) -> None:
    stock(redis, app)
    poison(redis, [TEXTS[name]], share, seed=len(name))
    assert check_pages(app, [TEXTS[name]]) > 30


@pytest.mark.parametrize('seed', range(4))
def test_all_of_it_together_breaks_no_page(app: Flask, redis: Redis, tmp_path: Path, seed: int) -> None:
    stock(redis, app)
    values = [*TEXTS.values(), *payloads(tmp_path / 'executed')]
    poison(redis, values, 0.25, seed)
    assert check_pages(app, values[seed:]) > 30
    assert not (tmp_path / 'executed').exists()


def test_no_pickle_is_loaded_by_any_page(app: Flask, redis: Redis, tmp_path: Path) -> None:
    for payload in payloads(tmp_path / 'executed'):
        redis.flushall()
        stock(redis, app)
        for key in redis.scan_iter('rq:job:????????-*'):
            if redis.type(key) == b'hash':
                for field in ('data', 'meta', 'result'):
                    redis.hset(key, field, payload)
        for key in redis.scan_iter('rq:results:*'):
            redis.xadd(key, {'type': '1', 'created_at': '1', 'return_value': payload, 'exc_string': payload})
        assert check_pages(app, []) > 30
    assert not (tmp_path / 'executed').exists()


def test_ten_thousand_queues_with_hostile_names_break_no_page(app: Flask, redis: Redis) -> None:
    stock(redis, app)
    values = [value[:100] for value in TEXTS.values()]
    redis.sadd('rq:queues', *(b'rq:queue:' + values[n % len(values)] + b'%d' % n for n in range(10_000)))
    assert check_pages(app, values) > 30


def test_a_browser_shows_all_of_it_as_text_and_asks_nobody_else(
    page: Page, serve: Callable[..., str], app: Flask, redis: Redis, tmp_path: Path, complaints: Complaints
) -> None:
    stock(redis, app)
    values = [*(value for value in TEXTS.values() if value), *payloads(tmp_path / 'executed')]
    poison(redis, values, 0.3, seed=9)
    pages = [path for path, answer in crawl(app, names(values)[:9], most=60) if answer.mimetype == 'text/html']
    dashboard = serve(app)
    for path in pages:
        page.goto(dashboard + path, wait_until='domcontentloaded')
        assert page.evaluate('window.__pwned') is None, path[:200]
        for thing in page.locator('details').all()[:5]:
            thing.evaluate('one => { one.open = true }')
        page.locator('body').hover()
        assert page.locator('script:not([src]), img, iframe, [onerror], [onmouseover], [onfocus]').count() == 0
    assert len(pages) > 25
    assert not (tmp_path / 'executed').exists()
    complaints.texts[:] = [
        text for text in complaints.texts if 'status of 404' not in text and 'status of 400' not in text
    ]
