from __future__ import annotations

import datetime
import enum
import functools
import json
import math
import sys
import textwrap
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq import utils
from rq.exceptions import InvalidFunction, NotAFunctionError, RQError, TimeoutFormatError

UTC = datetime.UTC


# --- Time ---------------------------------------------------------------------------------------------------------


def test_a_moment_is_written_with_six_decimals_and_a_z() -> None:
    assert utils.utcformat(datetime.datetime(2026, 11, 23, 5, 24, 25, 947771, UTC)) == '2026-11-23T05:24:25.947771Z'
    assert utils.utcformat(datetime.datetime(2026, 1, 2, tzinfo=UTC)) == '2026-01-02T00:00:00.000000Z'


def test_a_naive_moment_is_taken_as_utc_as_in_rq() -> None:
    assert utils.utcformat(datetime.datetime(2026, 1, 2, 3, 4, 5)) == '2026-01-02T03:04:05.000000Z'  # noqa: DTZ001


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    assert utils.utcformat(datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=zone)) == '2026-01-02T01:04:05.000000Z'


def test_a_moment_of_another_zone_is_read_into_utc() -> None:
    assert utils.utcparse('2026-01-02T03:04:05.000000+02:00').isoformat() == '2026-01-02T01:04:05+00:00'


@given(st.datetimes())
def test_every_moment_reads_back_as_it_was_written(moment: datetime.datetime) -> None:
    text = utils.utcformat(moment)
    assert len(text) == 27
    assert utils.utcparse(text) == moment.replace(tzinfo=UTC)
    assert utils.str_to_date(text.encode()) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize('text', ['2026-11-23T05:24:25Z', '2026-11-23T05:24:25.000000Z', '2026-11-23T05:24:25'])
def test_a_moment_without_decimals_or_zone_is_read(text: str) -> None:
    assert utils.utcparse(text) == datetime.datetime(2026, 11, 23, 5, 24, 25, tzinfo=UTC)
    assert utils.utcparse(text).tzinfo is UTC


@pytest.mark.parametrize('text', ['', 'soon', '2026-13-01T00:00:00Z', '1795423521', 'None'])
def test_text_that_is_no_moment_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        utils.utcparse(text)
    with pytest.raises(ValueError):
        utils.str_to_date(text.encode())


def test_a_missing_date_field_is_a_value_error() -> None:
    with pytest.raises(ValueError, match='Empty string or bytestring provided'):
        utils.str_to_date(None)  # type: ignore[arg-type]


def test_now_is_aware_and_in_utc() -> None:
    assert utils.now().tzinfo is UTC
    assert abs(utils.now().timestamp() - time.time()) < 5
    assert isinstance(utils.current_timestamp(), int)
    assert abs(utils.current_timestamp() - time.time()) < 5


@given(st.integers(), st.sampled_from('smhdSMHD'), st.sampled_from(['', ' ']))
def test_a_number_with_a_unit_is_that_many_seconds(number: int, unit: str, between: str) -> None:
    seconds = number * {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[unit.lower()]
    assert utils.parse_timeout(f'{number}{between}{unit}') == seconds


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_is_cut_to_whole_seconds(number: float) -> None:
    seconds = utils.parse_timeout(number)
    assert seconds == math.trunc(number)
    assert type(seconds) is int


@given(st.text())
def test_any_text_is_a_duration_or_a_clear_error(text: str) -> None:
    try:
        answer = str(utils.parse_timeout(text))
    except TimeoutFormatError as error:
        answer = str(error)
    assert answer.lstrip('-').isdigit() or 'such as "1h", "23m"' in answer


@pytest.mark.parametrize('duration', [math.nan, math.inf, -math.inf, b'30s', '', '9' * 5000, '9' * 5000 + 's'])
def test_what_is_no_duration_is_a_timeout_format_error(duration: Any) -> None:
    with pytest.raises(TimeoutFormatError):
        utils.parse_timeout(duration)


# --- Text and lists -----------------------------------------------------------------------------------------------


def test_text_of_unknown_type_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="Unknown type <class 'int'>"):
        utils.as_text(3)  # type: ignore[arg-type]


def test_a_hash_is_decoded_with_its_values_if_asked_for() -> None:
    assert utils.decode_redis_hash({b'a': b'1', 'b': '2'}) == {'a': b'1', 'b': '2'}
    assert utils.decode_redis_hash({b'a': b'1', 'b': '2'}, decode_values=True) == {'a': '1', 'b': '2'}


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError('no repr today')


def test_an_argument_that_cannot_be_printed_is_named_by_its_type() -> None:
    call = utils.get_call_string('f', (Unprintable(),), {'k': Unprintable()}, 75)
    assert call == 'f(<unprintable Unprintable>, k=<unprintable Unprintable>)'


def test_a_huge_argument_is_described_without_printing_all_of_it() -> None:
    huge = 'x' * 64_000_000
    begun = time.perf_counter()
    call = utils.get_call_string('f', (huge, huge.encode()), {}, 75)
    assert call is not None and len(call) < 200
    assert time.perf_counter() - begun < 0.5  # printing both takes longer than a second


class Colour(str, enum.Enum):
    RED = 'red'


def test_text_with_a_look_of_its_own_keeps_it_in_a_description() -> None:
    assert utils.get_call_string('f', (Colour.RED,), {}, 75) == "f(<Colour.RED: 'red'>)"


@given(st.lists(st.one_of(st.text(), st.binary(), st.integers())), st.integers(0, 100))
def test_no_argument_takes_more_than_its_share_of_a_description(arguments: list[Any], length: int) -> None:
    call = utils.get_call_string('f', arguments, {}, length)
    assert call is not None
    assert len(call) <= len('f()') + len(arguments) * (length + len('..., '))


@given(st.lists(st.integers()), st.integers(1, 10))
def test_the_segments_of_a_list_are_the_list(items: list[int], size: int) -> None:
    segments = list(utils.split_list(items, size))
    assert [item for segment in segments for item in segment] == items
    assert all(len(segment) == size for segment in segments[:-1])


@given(st.integers(), st.integers(1, 1000))
def test_ceildiv_rounds_up(a: int, b: int) -> None:
    assert utils.ceildiv(a, b) == math.ceil(a / b) if abs(a) < 2**40 else True
    assert 0 <= utils.ceildiv(a, b) * b - a < b


def test_an_iterator_of_jobs_is_a_list_and_bytes_are_one_job() -> None:
    assert utils.ensure_job_list(iter('ab')) == ['a', 'b']
    assert utils.ensure_job_list(b'ab') == [b'ab']


@pytest.mark.parametrize('value', [float, {1: object()}, {(1,): 2}, b'x'])
def test_what_json_does_not_know_has_a_stand_in(value: Any) -> None:
    assert utils.safe_json_dumps(value) == utils.NOT_JSON_SERIALIZABLE


def test_a_value_that_contains_itself_has_a_stand_in() -> None:
    value: list[Any] = []
    value.append(value)
    assert utils.safe_json_dumps(value) == utils.NOT_JSON_SERIALIZABLE


# --- Queues -------------------------------------------------------------------------------------------------------


def test_queues_have_names_whether_given_by_name_or_as_objects() -> None:
    assert utils.parse_names(['a', SimpleNamespace(name='b')]) == ['a', 'b']
    assert utils.parse_names('default') == ['default']


def test_the_first_queue_object_gives_the_connection() -> None:
    first, second = SimpleNamespace(connection=object()), SimpleNamespace(connection=object())
    assert utils.get_connection_from_queues(['a', first, second]) is first.connection
    assert utils.get_connection_from_queues(['a']) is None


# --- Functions and classes by name --------------------------------------------------------------------------------

MODULE = """
    import functools
    X = 5
    def function(): pass
    class Outer:
        VALUE = 3
        @staticmethod
        def static(): return 'static'
        @classmethod
        def klass(cls): return cls.__name__
        def method(self): pass
        class Inner:
            @staticmethod
            def static(): return 'inner'
    instance = Outer()
    partial = functools.partial(int, '3')
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of files on the path; its name."""
    name = f'leafpackage_{tmp_path.name.replace("-", "_")}'
    files = {
        '__init__.py': '',
        'module.py': MODULE,
        'broken.py': 'raise RuntimeError("the module broke")',
        'needs.py': 'import a_module_that_is_not_there',
        'dynamic.py': 'def __getattr__(name):\n    if name == "made": return print\n    raise AttributeError(name)',
    }
    (tmp_path / name).mkdir()
    for file, content in files.items():
        (tmp_path / name / file).write_text(textwrap.dedent(content))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_functions_classes_and_values_are_found_by_their_path(package: str) -> None:
    found = functools.partial(lambda path: utils.import_attribute(f'{package}.module.{path}'))
    module = sys.modules.get(f'{package}.module') or __import__(f'{package}.module', fromlist=['X'])
    assert found('function') is module.function
    assert found('X') == 5
    assert found('Outer.VALUE') == 3
    assert found('Outer.static')() == 'static'
    assert found('Outer.klass')() == 'Outer'
    assert found('Outer.Inner.static')() == 'inner'
    assert found('instance') is module.instance
    assert found('partial')() == 3
    assert utils.import_attribute(f'{package}.module') is module
    assert utils.import_attribute(f'{package}.dynamic.made') is print


def test_builtins_are_found_with_and_without_their_module() -> None:
    assert utils.import_attribute('len') is len
    assert utils.import_attribute('builtins.len') is len


@pytest.mark.parametrize(
    ('path', 'reason'),
    [
        ('{}.module.nope', "has no attribute 'nope'"),
        ('{}.module.Outer.nope', "has no attribute 'nope'"),
        ('{}.module.Outer.Inner.nope', "has no attribute 'nope'"),
        ('{}.nope.function', "has no attribute 'nope'"),
        ('no_such_package.function', "No module named 'no_such_package'"),
        ('no_such_builtin', ''),
        ('json', ''),
        ('{}.needs.function', "No module named 'a_module_that_is_not_there'"),
        ('{}.dynamic.other', 'other'),
        ('', ''),
        ('.', ''),
        ('a..b', ''),
        ('.relative', ''),
        ('{}.module.', ''),
        ('{}.module:function', ''),
        ('{}.module.<locals>.inner', "has no attribute '<locals>'"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_value_error_with_the_reason(package: str, path: str, reason: str) -> None:
    path = path.format(package)
    with pytest.raises(ValueError) as caught:
        utils.import_attribute(path)
    assert str(caught.value).startswith(f'Invalid attribute name: {path}')
    assert reason in str(caught.value)


def test_what_a_module_raises_comes_through(package: str) -> None:
    with pytest.raises(RuntimeError, match='the module broke'):
        utils.import_attribute(f'{package}.broken.function')


def test_an_override_wins_over_the_class_of_the_holder() -> None:
    holder = SimpleNamespace(job_class=dict)
    assert utils.backend_class(holder, 'job_class') is dict
    assert utils.backend_class(holder, 'job_class', override=list) is list
    assert utils.backend_class(holder, 'job_class', override='json.JSONEncoder') is json.JSONEncoder


def module_function() -> None:
    pass


class Callable_:
    def method(self) -> None:
        pass

    @classmethod
    def klass(cls) -> None:
        pass

    @staticmethod
    def static() -> None:
        pass

    def __call__(self) -> None:
        pass


def test_every_kind_of_function_has_an_owner_and_a_name() -> None:
    it, here = Callable_(), __name__
    partial, items = functools.partial(len, []), [1]
    cases: list[tuple[Any, tuple[Any, str]]] = [
        ('a.b.c', (None, 'a.b.c')),
        (module_function, (None, f'{here}.module_function')),
        (len, (None, 'builtins.len')),
        (math.sqrt, (None, 'math.sqrt')),
        (Callable_.static, (None, f'{here}.Callable_.static')),
        (it.method, (it, 'method')),
        (Callable_.klass, (Callable_, 'klass')),
        (it, (it, '__call__')),
        (partial, (partial, '__call__')),
        (items.append, (items, 'append')),
        (datetime.datetime.now, (datetime.datetime, 'now')),
    ]
    for function, expected in cases:
        assert utils.resolve_function_reference(function) == expected


@pytest.mark.parametrize('value', [Callable_, int, None, 5, b'a.b', json, [], InvalidFunction])
def test_what_cannot_be_called_and_classes_are_refused_as_in_rq(value: Any) -> None:
    with pytest.raises(TypeError, match='Expected a callable or a string, but got: ') as caught:
        utils.resolve_function_reference(value)
    assert isinstance(caught.value, NotAFunctionError) and isinstance(caught.value, RQError)


def test_functions_that_no_worker_can_import_are_refused() -> None:
    def local() -> None:
        pass

    for function in (local, lambda: None):
        with pytest.raises(ValueError, match='cannot be imported by a worker') as caught:
            utils.resolve_function_reference(function)
        assert isinstance(caught.value, InvalidFunction)
        assert function.__qualname__ in str(caught.value)


@pytest.mark.parametrize('kind', ['job', 'queue', 'worker'])
def test_a_class_of_the_wrong_kind_is_refused_by_name(kind: str) -> None:
    base = {'job': 'rq.job', 'queue': 'rq.queue', 'worker': 'rq.worker'}[kind]
    spec = find_spec(base)
    if spec is None or spec.origin is None:
        pytest.skip(f'{base} is not there yet')
    find = getattr(utils, f'import_{kind}_class')
    name = f'{base}.{"BaseWorker" if kind == "worker" else kind.capitalize()}'
    assert find(name) is utils.import_attribute(name)
    for wrong in ('json.JSONEncoder', 'json.dumps'):
        with pytest.raises(ValueError, match=f'Invalid {kind} class: {wrong}'):
            find(wrong)


# --- Files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'path', ['app/settings.py', './app/settings.py', 'app/settings', 'app.settings', '/app/settings']
)
def test_a_file_path_names_a_module(path: str) -> None:
    assert utils.normalize_config_path(path) == 'app.settings'


def test_a_file_that_is_there_is_its_own_answer(tmp_path: Path) -> None:
    file = tmp_path / 'config.py'
    with pytest.raises(FileNotFoundError, match=r"Configuration file not found at '.*config\.py'"):
        utils.validate_absolute_path(str(file))
    with pytest.raises(IsADirectoryError, match='points to a directory, not a file'):
        utils.validate_absolute_path(str(tmp_path))
    file.touch()
    assert utils.validate_absolute_path(str(file)) == str(file)


# --- Servers ------------------------------------------------------------------------------------------------------


class Server:
    def __init__(self, version: Any) -> None:
        self.version = version
        self.asked = 0

    def info(self, section: str) -> dict[str, Any]:
        self.asked += 1
        return {'redis_version': self.version}


@pytest.mark.parametrize(
    ('text', 'version'),
    [
        ('7.2.4', (7, 2, 4)),
        ('7.2', (7, 2, 0)),
        (7.0, (7, 0, 0)),
        ('7.4.0-rc1', (7, 4, 0)),
        ('6.2.241.1', (6, 2, 241)),
        ('unstable', (0, 0, 0)),
    ],
)
def test_the_version_of_a_server_is_asked_once_per_connection(text: Any, version: tuple[int, int, int]) -> None:
    server: Any = Server(text)
    assert utils.get_version(server) == utils.get_version(server) == version
    assert server.asked == 1


def test_the_version_of_a_real_server_is_read(redis: Any) -> None:
    assert utils.get_version(redis) >= (6, 2, 0)


def test_keys_that_do_not_exist_are_told_apart(redis: Any) -> None:
    redis.set('here', 1)
    assert utils.missing_keys(redis, ['gone', 'here', 'never']) == ['gone', 'never']
    assert utils.missing_keys(redis, []) == []


def test_the_platform_is_one_of_the_known_kinds() -> None:
    assert utils.get_platform() in utils.Platform
    assert utils.get_platform() is (utils.Platform.LINUX if sys.platform == 'linux' else utils.get_platform())
