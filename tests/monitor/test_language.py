"""The language of the search bar."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq.monitor.language import FilterError, Term, parse

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ('text', 'terms'),
    [
        ('', ()),
        ('fn:shop.*', (Term('fn', ('shop.*',)),)),
        ('function:a queue:x,y', (Term('fn', ('a',)), Term('queue', ('x', 'y')))),
        ('state:failed,running', (Term('state', ('failed', 'started')),)),
        ('-state:rate-limited', (Term('state', ('rate_limited',), negated=True),)),
        ('arg.user.id=3', (Term('arg', ('3',), path=('user', 'id')),)),
        ('-meta.step="two words"', (Term('meta', ('two words',), negated=True, path=('step',)),)),
        ('arg.0=', (Term('arg', ('',), path=('0',)),)),
        ('one "two words" -three', (Term('word', ('one',)), Term('word', ('two words',)), Term('word', ('three',), negated=True))),
        ('queue:"a, b",c', (Term('queue', ('a, b', 'c')),)),
        ('http://x/y 12:30 user:42', (Term('word', ('http://x/y',)), Term('word', ('12:30',)), Term('word', ('user:42',)))),
        ('after:2h', (Term('after', ('2h',), epoch=NOW.timestamp() - 7200),)),
        ('before:2026-11-24T09:30', (Term('before', ('2026-11-24T09:30',), epoch=datetime(2026, 11, 24, 9, 30, tzinfo=UTC).timestamp()),)),
        ('before:2026-11-24', (Term('before', ('2026-11-24',), epoch=datetime(2026, 11, 24, tzinfo=UTC).timestamp()),)),
    ],
)  # fmt: skip
def test_a_filter_means(text: str, terms: tuple[Term, ...]) -> None:
    assert parse(text, NOW).terms == terms


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('stat:failed', 'There is no filter stat: - was state: meant?'),
        ('state:faild', 'faild is no state: was failed meant?'),
        ('state:xyzzy', 'xyzzy is no state: there are queued, started,'),
        ('queue:', 'queue: needs a value, such as queue:default.'),
        ('"open', 'A quotation mark is open'),
        ('after:yesterday', 'after:yesterday is no time: give it as 2h'),
        ('after:99999999999d', 'is no time'),
        ('-before:2h', 'before: takes one time, and no minus.'),
        ('-error:ab', 'error: cannot be negated'),
        ('arg.password=x', 'arg.password= cannot be looked for: values of the name password are hidden.'),
        ('meta.user.api_key=x', 'values of the name api_key are hidden'),
        ('arg:x', 'arg: needs a name and a value, such as arg.customer=42.'),
        ('arg.a..b=1', 'needs a name after each dot'),
        ('-', 'A minus stands alone'),
        ('x' * 3_000, 'The filter has 3,000 characters; at most 2,000 are read.'),
        (' '.join('x' * 21), 'The filter has 21 parts; at most 20 are read.'),
        ('fn:*a*a*a*a*a*a*a*a*', 'One part has 9 stars; at most 8 are read.'),
    ],
)
def test_what_cannot_be_understood_is_told_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FilterError) as raised:
        parse(text, NOW)
    assert sentence in str(raised.value)


@given(st.text(max_size=60) | st.text(alphabet='fnqueue:state-"*,.=arg ', max_size=60))
def test_any_text_is_a_filter_or_a_sentence(text: str) -> None:
    with suppress(FilterError):
        assert len(parse(text, NOW).text) <= len(text)
