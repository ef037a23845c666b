from __future__ import annotations

import json
import pickle
import sys
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq.serializers import DefaultSerializer, JSONSerializer, PickleSerializer, Serializer, resolve_serializer


class OnlyDumps:
    @staticmethod
    def dumps(value: Any) -> bytes:
        return b''


class NotFunctions:
    dumps = loads = 3


class Upper:
    def dumps(self, obj: Any, /) -> bytes:
        return str(obj).upper().encode()

    def loads(self, data: bytes, /) -> Any:
        return data.decode()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.recursive(JSON_VALUES | st.binary() | st.datetimes(), lambda inner: st.lists(inner) | st.tuples(inner)))
def test_pickle_gives_back_what_it_was_given(value: Any) -> None:
    assert DefaultSerializer.loads(DefaultSerializer.dumps(value)) == value


def test_pickle_uses_the_highest_protocol_and_reads_all() -> None:
    assert DefaultSerializer.dumps([1]) == PickleSerializer().dumps([1]) == pickle.dumps([1], pickle.HIGHEST_PROTOCOL)
    assert DefaultSerializer().loads(pickle.dumps((1, 2), 0)) == (1, 2)


@given(JSON_VALUES)
def test_json_gives_back_what_it_was_given(value: Any) -> None:
    data = JSONSerializer.dumps(value)
    assert isinstance(data, bytes)
    assert JSONSerializer.loads(data) == value


def test_json_makes_lists_of_tuples_and_reads_utf_8() -> None:
    assert JSONSerializer.loads(JSONSerializer.dumps(('f', None, (1, 2), {}))) == ['f', None, [1, 2], {}]
    assert JSONSerializer.loads('"řeka"'.encode()) == 'řeka'


def test_json_takes_the_options_of_the_json_module() -> None:
    assert JSONSerializer.dumps({'b': 1, 'a': object}, sort_keys=True, default=str).startswith(b'{"a": "<class')
    assert JSONSerializer.loads(b'1.5', parse_float=str) == '1.5'


@pytest.mark.parametrize('value', [object(), b'x', {1, 2}])
def test_json_refuses_what_it_does_not_know(value: Any) -> None:
    with pytest.raises(TypeError, match='is not JSON serializable'):
        JSONSerializer.dumps(value)


@pytest.mark.parametrize('data', [b'', b'{', b'\x80\x05N.', b'\xff'])
def test_bytes_that_are_not_json_are_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        JSONSerializer.loads(data)


UPPER = Upper()


@pytest.mark.parametrize(
    ('given_', 'found'),
    [
        (None, DefaultSerializer),
        ('', DefaultSerializer),
        ('pickle', DefaultSerializer),
        ('json', JSONSerializer),
        ('rq.serializers.JSONSerializer', JSONSerializer),
        ('marshal', sys.modules['marshal']),
        (json, json),
        (JSONSerializer, JSONSerializer),
        (UPPER, UPPER),
    ],
)
def test_a_serializer_is_found_by_name_by_path_or_as_it_is(given_: Any, found: Any) -> None:
    assert resolve_serializer(given_) is found
    assert isinstance(resolve_serializer(given_), Serializer)


def test_a_module_inside_a_package_is_found_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType('a_package.codec')
    module.dumps = module.loads = repr  # type: ignore[attr-defined]
    package = types.ModuleType('a_package')
    package.codec = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'a_package', package)
    assert resolve_serializer('a_package.codec') is module


@pytest.mark.parametrize('wrong', [OnlyDumps, NotFunctions, 5, 'json.JSONEncoder', 'math'])
def test_what_cannot_dump_and_load_is_refused_in_rqs_words(wrong: Any) -> None:
    with pytest.raises(NotImplementedError, match=r'Serializer should have \(dumps, loads\) methods\.'):
        resolve_serializer(wrong)


@pytest.mark.parametrize('path', ['PICKLE', 'nope', 'nope.nope', 'pickle.nope', '.', '.relative', 'a b'])
def test_a_path_to_no_serializer_is_a_value_error(path: str) -> None:
    with pytest.raises(ValueError, match='Invalid attribute name: '):
        resolve_serializer(path)
