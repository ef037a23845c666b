from __future__ import annotations

import datetime
import enum
import math
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq import utils
from rq.exceptions import TimeoutFormatError

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
