"""The keyboard, the live indicator, and what halts renewing."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from redis import Redis

from rq import Queue
from tests.dashboard.conftest import LIVE_SECONDS, Complaints
from tests.monitor.test_workers import born


def test_g_and_a_letter_lead_to_a_page(page: Page, dashboard: str) -> None:
    page.goto(dashboard)
    page.keyboard.press('g')
    page.keyboard.press('w')
    page.wait_for_url('**/workers')
    page.keyboard.press('g')
    page.keyboard.press('o')
    page.wait_for_url(f'{dashboard}/')


def test_the_question_mark_opens_the_list_of_keys_and_escape_closes_it(page: Page, dashboard: str) -> None:
    page.goto(dashboard)
    page.keyboard.press('?')
    expect(page.locator('#help')).to_be_visible()
    page.keyboard.press('Escape')
    expect(page.locator('#help')).to_be_hidden()


def test_j_and_k_go_from_row_to_row_and_enter_opens_it(page: Page, dashboard: str, redis: Redis) -> None:
    for name in ('w1', 'w2', 'w3'):
        born(redis, name)
    page.goto(f'{dashboard}/workers')
    for key in 'jjk':
        page.keyboard.press(key)
    expect(page.locator('tr.at')).to_contain_text('w1')
    page.keyboard.press('j')
    page.keyboard.press('Enter')
    page.wait_for_url('**/worker/w2')


def test_r_stops_renewing_and_the_address_says_so(page: Page, dashboard: str, redis: Redis) -> None:
    page.goto(dashboard)
    expect(page.locator('#live')).to_have_text('live')
    page.keyboard.press('r')
    expect(page.locator('#live')).to_have_text('paused')
    assert page.url.endswith('?live=0')
    Queue('a', connection=redis).enqueue('f')
    asked = []
    page.on('request', lambda request: asked.append(request.url))
    page.wait_for_timeout(3 * LIVE_SECONDS * 1000)
    assert asked == []
    page.keyboard.press('r')
    page.wait_for_selector('.strip li:has-text("1 waiting")')
    assert 'live' not in page.url


def test_while_something_is_selected_the_page_stands_still(page: Page, dashboard: str, redis: Redis) -> None:
    page.goto(dashboard)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h2'))")
    Queue('a', connection=redis).enqueue('f')
    expect(page.locator('#live')).to_have_text('held')
    page.wait_for_timeout(3 * LIVE_SECONDS * 1000)
    expect(page.locator('.strip')).to_contain_text('0 waiting')
    page.evaluate('getSelection().removeAllRanges()')
    page.wait_for_selector('.strip li:has-text("1 waiting")')


def test_a_dashboard_that_does_not_answer_is_told_apart(page: Page, dashboard: str, complaints: Complaints) -> None:
    page.goto(dashboard)
    page.route('**/*fragment=1*', lambda route: route.fulfill(status=503, body='away'))
    expect(page.locator('#live')).to_have_text('no answer')
    page.unroute('**/*fragment=1*')
    expect(page.locator('#live')).to_have_text('live')
    complaints.texts.clear()  # Chromium notes the 503s


def test_the_keyboard_stays_where_it_is_when_the_page_renews_itself(page: Page, dashboard: str, redis: Redis) -> None:
    born(redis, 'w1')
    page.goto(f'{dashboard}/workers')
    page.locator('main a', has_text='w1').focus()
    page.evaluate("document.activeElement.dataset.old = 'yes'")
    born(redis, 'w0')
    page.wait_for_selector('main a:has-text("w0")')
    assert page.evaluate('[document.activeElement.textContent.trim(), document.activeElement.dataset.old]') == [
        'w1',
        None,
    ]


def test_a_slash_leads_to_the_search_and_escape_out_of_it(page: Page, dashboard: str, redis: Redis) -> None:
    page.goto(dashboard)
    page.keyboard.press('/')
    page.wait_for_url('**/jobs#search')
    expect(page.locator('input[type=search]')).to_be_focused()
    page.keyboard.type('fn:gr')  # no keys of ours while one types
    assert page.url.endswith('/jobs#search') and page.locator('input[type=search]').input_value() == 'fn:gr'
    page.keyboard.press('Escape')
    expect(page.locator('input[type=search]')).not_to_be_focused()


def test_x_selects_rows_and_the_page_waits_for_what_is_done_with_them(page: Page, dashboard: str, redis: Redis) -> None:
    Queue('a', connection=redis).enqueue('f')
    Queue('a', connection=redis).enqueue('f')
    page.goto(f'{dashboard}/jobs')
    for key in 'jxj':
        page.keyboard.press(key)
    expect(page.locator('[data-chosen]')).to_have_text('1')
    expect(page.locator('#live')).to_have_text('held')
    page.locator('[data-all]').check()
    expect(page.locator('[data-chosen]')).to_have_text('2')
    page.locator('[data-all]').uncheck()
    expect(page.locator('#live')).to_have_text('live')
