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

# Opens what is folded, and tells what a script of the data would have left, and elements that no page of ours has.
LOOK = """() => {
  document.querySelectorAll('details').forEach(one => { one.open = true })
  const wrong = document.querySelectorAll('script:not([src]), img, iframe, object, [onerror], [onload], [onfocus], [style]')
  return [window.__pwned ?? null, [...wrong].map(one => one.outerHTML)]
}"""


def names(values: list[bytes]) -> list[str]:
    """As they are shown, and so linked to."""
    return [value[:300].decode('utf-8', 'backslashreplace') for value in values if value]


def check_pages(app: Flask, values: list[bytes]) -> int:
    """The number of pages that were looked at."""
    count = 0
    for path, answer in crawl(app, names(values)[:3]):
        assert answer.status_code in (200, 302, 303, 308, 400, 404), (path[:200], answer.status, answer.text[-300:])
        check_headers(answer)
        assert len(answer.data) < 2_000_000 or path.startswith('/raw/'), (path[:200], len(answer.data))
        if answer.mimetype == 'text/html':
            parser = Strict()
            parser.feed(answer.text)
            assert parser.faults == [], path[:200]
            assert 'ababababababab' not in answer.text  # no id has that by chance
        count += 1
    return count


# What is written into every field hides much: a page of a job without a state is short. So also into some, and into none
# but names and ids; each text in one of these ways, and all of them together below.
SHARES = (1.0, 0.3, 0.0)


@pytest.mark.parametrize(
    ('name', 'share'), [(name, 0.3 if name == 'a million' else SHARES[place % 3]) for place, name in enumerate(TEXTS)]
)
def test_whatever_is_written_into_a_field_is_shown_as_text(app: Flask, redis: Redis, name: str, share: float) -> None:
    stock(redis, app)
    poison(redis, [TEXTS[name]], share, seed=len(name))
    assert check_pages(app, [TEXTS[name]]) > 30


@pytest.mark.parametrize('seed', range(1))
def test_all_of_it_together_breaks_no_page(app: Flask, redis: Redis, tmp_path: Path, seed: int) -> None:
    stock(redis, app)
    values = [*TEXTS.values(), *payloads(tmp_path / 'executed')]
    poison(redis, values, 0.25, seed)
    assert check_pages(app, values[seed:]) > 30
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('seed', range(1))
def test_no_pickle_is_loaded_by_any_page(app: Flask, redis: Redis, tmp_path: Path, seed: int) -> None:
    stock(redis, app)
    traps = payloads(tmp_path / 'executed')
    jobs = sorted(key for key in redis.scan_iter('rq:job:????????-*') if redis.type(key) == b'hash')
    results = sorted(redis.scan_iter('rq:results:*'))
    assert len(jobs) >= len(traps) and results
    for place, key in enumerate(jobs, seed):
        for shift, field in enumerate(('data', 'meta', 'result')):
            redis.hset(key, field, traps[(place + shift) % len(traps)])
    for place, key in enumerate(results, seed):
        for trap in (traps[place % len(traps)], traps[3]):
            redis.xadd(key, {'type': '1', 'created_at': '1', 'return_value': trap, 'exc_string': trap})
    seen = [name for key in jobs for name in [key.decode().removeprefix('rq:job:')]]
    for path, answer in crawl(app, seen):
        assert answer.status_code < 500, path
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
    pages = [path for path, answer in crawl(app, names(values)[:4], most=40) if answer.mimetype == 'text/html']
    dashboard = serve(app)
    for path in pages:
        page.goto(dashboard + path, wait_until='domcontentloaded')
        page.mouse.move(400, 300)
        assert page.evaluate(LOOK) == [None, []], path[:200]
    assert len(pages) > 25
    assert not (tmp_path / 'executed').exists()
    complaints.texts[:] = [
        text for text in complaints.texts if 'status of 404' not in text and 'status of 400' not in text
    ]
