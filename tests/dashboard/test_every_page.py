"""What every page must do, whoever wrote it: render, as JSON too, in few reads and no writes, narrow, live, without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from redis import Redis
from redis.connection import Connection, ConnectionPool

from rq import Queue, RateLimit
from rq.dashboard import create_app
from rq.dashboard.names import to_path
from rq.dashboard.page import PAGES
from rq.monitor import errors
from rq.store import cron
from rq.worker import SimpleWorker
from tests.dashboard.conftest import Complaints
from tests.monitor.test_workers import born

# What stands for each part of a rule; a page whose thing is not there must say so, with 404.
JOB = 'a-failed-job'
PARTS = {'job_id': JOB, 'queue': 'mail'}
NAMES = {'queue': 'mail', 'worker': 'w1', 'function': 'tests.dashboard.test_every_page.fails', 'limit': 'bank'}


def fails() -> None:
    raise ValueError('it is said to fail')


def path(name: str) -> str:
    """The address of a page."""
    known = {**PARTS, 'name': NAMES.get(name, 'none')}
    return re.sub(r'<(?:\w+:)?(\w+)>', lambda part: to_path(known.get(part[1], 'none')), PAGES[name].rule)


ALL = sorted(PAGES)


class Counting(Connection):
    """A connection that counts how often it sends something."""

    sent = 0

    def send_packed_command(self, *args: Any, **options: Any) -> None:
        Counting.sent += 1
        super().send_packed_command(*args, **options)


@pytest.fixture
def shop(redis: Redis) -> Redis:
    """A little of everything: jobs in each state, a worker, a schedule."""
    mail = Queue('mail', connection=redis)
    failing = f'{__name__}.fails'
    mail.enqueue(failing, job_id=JOB)
    SimpleWorker([mail], connection=redis).work(burst=True, logging_level='ERROR')
    waiting = mail.enqueue(failing, 1, password='hunter2')
    mail.enqueue(failing, depends_on=[waiting])
    mail.enqueue(failing, rate_limit=RateLimit('bank', concurrency=1))
    mail.enqueue(failing, rate_limit=RateLimit('bank', concurrency=1))
    mail.enqueue_in(timedelta(hours=1), failing)
    mail.enqueue('time.sleep', 1).cancel()
    PARTS['fingerprint'] = errors.groups(redis).groups[0].fingerprint
    born(redis, 'w1')
    cron.add_name(redis, 'nightly', 1.0)
    return redis


@pytest.mark.parametrize('name', ALL)
def test_a_page_renders_as_html_as_json_and_as_a_fragment(client: FlaskClient, shop: Redis, name: str) -> None:
    page, twin = client.get(path(name)), client.get(f'/api/v1{path(name) if PAGES[name].rule != "/" else "/" + name}')
    assert page.status_code == twin.status_code in (200, 404), page.text[:500]
    assert twin.is_json and page.text.rstrip().endswith('</html>')
    fragment = client.get(path(name), query_string={'fragment': '1'})
    assert '<html' not in fragment.text and 'hunter2' not in page.text + twin.text


@pytest.mark.parametrize('name', ALL)
def test_a_page_takes_at_most_twenty_round_trips_and_writes_nothing(shop: Redis, redis_url: str, name: str) -> None:
    writing = set(shop.acl_cat('write'))
    with Redis(connection_pool=ConnectionPool.from_url(redis_url, connection_class=Counting)) as counted:
        client = create_app(counted, auth='none').test_client()
        client.get(path(name))
        Counting.sent = 0
        shop.config_resetstat()
        client.get(path(name))
        assert 0 < Counting.sent <= 20
    used = {command.removeprefix('cmdstat_').partition('|')[0] for command in shop.info('commandstats')}
    assert used & writing == set()


def test_every_page_fits_wide_and_narrow_screens_and_renews_itself_and_nothing_complains(
    page: Page, dashboard: str, shop: Redis, complaints: Complaints
) -> None:
    waiting = Queue('mail', connection=shop).count
    for name in ALL:
        answer = page.goto(dashboard + path(name))
        assert answer is not None
        if answer.status == 404:  # there is none of these in the little shop; Chromium notes that
            complaints.texts.clear()
            continue
        for width in (1280, 400):
            page.set_viewport_size({'width': width, 'height': 800})
            assert page.evaluate('document.documentElement.scrollWidth') <= width, name
        assert page.locator('main :is(h1, h2)').count() >= 1, name
        if PAGES[name].live:
            waiting += 1
            Queue('mail', connection=shop).enqueue('time.sleep', 1)
            page.wait_for_selector(f'.strip li:has-text("{waiting} waiting")')
        assert complaints.texts == [], name


def test_every_page_works_without_javascript(browser: Browser, dashboard: str, shop: Redis) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    for name in ALL:
        tab.goto(dashboard + path(name))
        assert tab.locator('#menu a').count() >= 2 and tab.locator('main').inner_text().strip()
        assert not tab.locator('#live').is_visible()
    context.close()


def test_the_menu_leads_to_every_page_that_it_names(page: Page, dashboard: str, shop: Redis) -> None:
    page.goto(dashboard)
    names = page.locator('#menu a').all_inner_texts()
    for name in names:
        page.click(f'#menu a:text-is("{name}")')
        assert page.locator('#menu a[aria-current=page]').inner_text() == name
    assert names[0] == 'Overview' and 'Workers' in names
