"""Stored calls and values as text: what is shown, and what is hidden."""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import json
import pathlib
import pickle
import pickletools
import uuid
import zlib
import zoneinfo
from typing import Any

import pytest

from rq import inert
from rq.inert import hidden
from rq.inert.opcodes import ACTS


@dataclasses.dataclass
class Order:
    id: int
    password: str
    at: Any = None


@dataclasses.dataclass(slots=True)
class Slim:
    id: int
    token: str


class Colour(enum.Enum):
    RED = 'red'


Point = collections.namedtuple('Point', 'x y')
HERE = 'tests.inert.test_inert'


@pytest.mark.parametrize('protocol', range(2, 6))
@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (datetime.datetime(2026, 11, 24, 9, 30), 'datetime(2026, 11, 24, 9, 30)'),  # noqa: DTZ001 - as people store them
        (
            datetime.datetime(2026, 11, 24, 9, 30, 1, tzinfo=datetime.UTC),
            'datetime(2026, 11, 24, 9, 30, 1, tzinfo=timezone.utc)',
        ),
        (
            datetime.datetime(2026, 1, 2, tzinfo=zoneinfo.ZoneInfo('Europe/Prague')),
            "datetime(2026, 1, 2, 0, 0, tzinfo=ZoneInfo('Europe/Prague'))",
        ),
        (datetime.date(2026, 1, 2), 'date(2026, 1, 2)'),
        (datetime.time(3, 4, 0, 5), 'time(3, 4, 0, 5)'),
        (datetime.timedelta(days=1, seconds=4), 'timedelta(days=1, seconds=4)'),
        (decimal.Decimal('1.50'), "Decimal('1.50')"),
        (uuid.UUID(int=1), "UUID('00000000-0000-0000-0000-000000000001')"),
        (Colour.RED, f"{HERE}.Colour('red')"),
        (Point(1, 2), f'{HERE}.Point(1, 2)'),
        (Order(1, 'x'), f'{HERE}.Order(id=1, password=(hidden), at=None)'),
        (Slim(1, 'x'), f'{HERE}.Slim(id=1, token=(hidden))'),
        ({1}, '{1}'),
        (set(), 'set()'),
        (frozenset('a'), "frozenset({'a'})"),
        (collections.OrderedDict(a=1, token=2), "OrderedDict({'a': 1, 'token': (hidden)})"),
        (collections.defaultdict(list, {1: [2]}), 'defaultdict(list, {1: [2]})'),
        (collections.deque([1, 2]), 'deque([1, 2])'),
        (pathlib.PurePosixPath('/a/b'), "PurePosixPath('/a/b')"),
        (functools.partial(print, 1, sep='x'), "functools.partial(print, 1, sep='x')"),
        (b'abc', "b'abc'"),
        (('a',), "('a',)"),
        ((), '()'),
        ({'a': [1, 2.5, None, True]}, "{'a': [1, 2.5, None, True]}"),
        (10**30, str(10**30)),
        (10**400, '(an integer of about 1,336 bits)'),
        (ValueError('x'), "ValueError('x')"),
        ('\u202e\x00\n', "'\\u202e\\x00\\n'"),
    ],
)
def test_a_pickled_value_is_shown_as_one_would_write_it(value: object, text: str, protocol: int) -> None:
    shown = inert.value(pickle.dumps(value, protocol))
    assert shown.replace('exceptions.', '') == text


@pytest.mark.parametrize('protocol', [0, 1])
def test_old_protocols_are_read_too(protocol: int) -> None:
    value = {'a': [datetime.date(2026, 1, 2), uuid.UUID(int=1), Order(1, 'x'), b'abc', 2**40, {1}]}
    shown = inert.value(pickle.dumps(value, protocol))
    assert (
        shown.startswith("{'a': [date(2026, 1, 2), UUID(")
        and f'{HERE}.Order(id=1, password=(hidden), at=None)' in shown
    )
    assert shown.endswith("b'abc', 1099511627776, {1}]}")


def test_every_opcode_has_its_meaning() -> None:
    assert {ord(opcode.code) for opcode in pickletools.opcodes} == {*ACTS, ord('.')}


def test_a_call_is_shown_by_its_parts() -> None:
    call = inert.call(pickle.dumps(('shop.mail', None, (1, 'b'), {'to': 'Ann', 'password': 'hunter2'})))
    assert (call.function, call.path, call.instance) == ('shop.mail', 'shop.mail', None)
    assert call.args == ('1', "'b'") and call.kwargs == {'to': "'Ann'", 'password': '(hidden)'}
    assert call.arguments == "1, 'b', to='Ann', password=(hidden)" and not call.problem


def test_a_method_is_shown_with_its_object_or_its_class() -> None:
    assert (
        inert.call(pickle.dumps(('pay', Order(1, 'x'), (), {}))).path
        == f'{HERE}.Order(id=1, password=(hidden), at=None).pay'
    )
    assert inert.call(pickle.dumps(('pay', Order, (), {}))).path == f'{HERE}.Order.pay'


def test_json_is_shown_the_same_way() -> None:
    stored = json.dumps(['shop.mail', None, [1, [2, {'secret': 3}]], {'token': 'x', 'n': 10**500}]).encode()
    call = inert.call(zlib.compress(stored))
    assert call.args == ('1', "[2, {'secret': (hidden)}]")
    assert call.kwargs == {'token': '(hidden)', 'n': '(an integer of about 1,670 bits)'}
    assert inert.value(b'"text"') == "'text'" and inert.value(b'12') == '12' and inert.value(b'null') == 'None'


def test_results_and_meta_are_shown() -> None:
    assert inert.result(base64.b64encode(pickle.dumps({'password': 1}))) == "{'password': (hidden)}"
    assert inert.result(b'') == 'None'
    assert inert.mapping(pickle.dumps({'tag': 'a', 'api_key': 'b', 3: 4})) == {
        'tag': "'a'",
        'api_key': '(hidden)',
        '3': '4',
    }
    assert inert.mapping(b'{"progress": 3}') == {'progress': '3'}


def test_long_values_are_cut_and_their_true_length_is_said() -> None:
    assert inert.value(pickle.dumps('x' * 5_000), 30) == f"'{'x' * 30}...' (5,000 characters)"
    assert inert.value(pickle.dumps('ä' * 5_000), 30) == f"'{'ä' * 30}...' (5,000 characters)"
    assert inert.value(pickle.dumps(b'x' * 100), 30) == f"b'{'x' * 30}...' (100 bytes)"
    assert inert.value(pickle.dumps(list(range(10_000))), 30).endswith(', 9, ... 9,990 more]')
    assert inert.value(pickle.dumps({'k': 'x' * 1_000})) == f"{{'k': '{'x' * 300}...' (1,000 characters)}}"
    call = inert.call(pickle.dumps(('f', None, tuple(range(150)), {})))
    assert len(call.args) == 100 and call.more == 50 and call.arguments.endswith('99, ... 50 more')


def test_of_what_is_larger_than_is_looked_at_the_beginning_is_shown() -> None:
    call = inert.call(pickle.dumps(('shop.mail', None, ('x' * 3_000_000, 2), {})), 20)
    assert call.function == 'shop.mail' and call.args == (f"'{'x' * 20}...' (3,000,000 bytes)",)
    assert call.problem == 'only its beginning was looked at' and call.arguments.endswith(', ...')
    call = inert.call(pickle.dumps(('shop.mail', None, ([1, 2, 3], 'x' * 5_000), {'a': 'x'})), look=100)
    assert call.args[0] == '[1, 2, 3]' and call.problem
    call = inert.call(json.dumps(['shop.mail', None, [1] * 600_000]).encode())
    assert call.function == 'shop.mail' and call.problem
    assert inert.value(zlib.compress(pickle.dumps('x' * 5_000_000)), 20).startswith(
        f"'{'x' * 20}...' (5,000,000 bytes)..."
    )


@pytest.mark.parametrize('stored', [b'', b'\x81\xa3abc', b'\x80\x05', b'hello', b'{', b'[', b'\x78\x01zz'])
def test_what_cannot_be_read_says_so(stored: bytes) -> None:
    call = inert.call(stored)
    assert call.function is None and call.problem
    assert inert.value(stored).startswith(f'({len(stored)} bytes: ')
    assert list(inert.mapping(stored)) == ['']


# --- what is hidden


@pytest.mark.parametrize(
    'name',
    ['password', 'user_password', 'dbPassword', 'PASSWORD', 'access-token', 'accessToken', 'X-Api-Key', 'api_key', 'APIKey',
     'apikey', 'Authorization', 'client_secret', 'secretKey', 'privateKey', 'session_id', 'set-cookie', 'AWS_SECRET_ACCESS_KEY'],
)  # fmt: skip
def test_names_that_say_that_they_are_secret_are_hidden(name: str) -> None:
    assert inert.is_hidden(name) and inert.redact(name, 'x') == '(hidden)'


@pytest.mark.parametrize(
    'name', ['key', 'cache_key', 'user', 'tokenizer', 'secretary', 'passenger', 'author', '', 'id', '日本']
)
def test_other_names_are_not(name: str) -> None:
    assert not inert.is_hidden(name) and inert.redact(name, 'x') == 'x'


def test_secrets_are_hidden_at_any_depth() -> None:
    value = {'a': [{'headers': [('Authorization', 'Bearer s3'), ['x-token', 's3']]}, Order(1, 's3'), {b'password': 's3'}],
             'url': 'redis://u:s3@h/0', 'nest': functools.partial(print, token='s3')}  # fmt: skip
    for protocol in range(6):
        shown = inert.value(pickle.dumps(value, protocol))
        assert 's3' not in shown and shown.count('(hidden)') >= 4 and 'redis://u:***@h/0' in shown


def test_the_names_can_be_chosen() -> None:
    try:
        hidden.configure('iban, home_address -token')
        assert inert.is_hidden('iban') and inert.is_hidden('homeAddress') and not inert.is_hidden('token')
    finally:
        hidden.configure('')
    assert inert.is_hidden('token') and not inert.is_hidden('iban')


@pytest.mark.parametrize(
    ('text', 'scrubbed'),
    [
        ("shop.mail('Ann', password='a b', n=1)", "shop.mail('Ann', password=(hidden), n=1)"),
        ('{"token": "a\\"b", "n": 1}', '{"token": (hidden), "n": 1}'),
        ('Authorization: Bearer abc.def, x', 'Authorization: (hidden), x'),
        ("login(password='never clos", 'login(password=(hidden)'),
        ('see https://u:p@host/x?y=1', 'see https://u:***@host/x?y=1'),
        ('nothing = here', 'nothing = here'),
    ],
)
def test_free_text_is_scrubbed(text: str, scrubbed: str) -> None:
    assert inert.scrub(text) == scrubbed
