"""keys.py: every key once, the same in Python and in the scripts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from rq.store import keys
from rq.store.script import FOLDER
from tests.support.invariants import FAMILIES

# Functions of keys.py that take a key apart instead of naming one.
READERS = {'queue_name', 'worker_name', 'wake_name'}
KEYS: dict[str, Callable[..., str]] = {
    name: getattr(keys, name) for name in keys.__all__ if name != 'PREFIX' and name not in READERS
}
# lib/keys.lua's names -> keys.py's; `k_registry(kind, q)` is every registry's.
TWINS = {
    'k_running': 'worker_executions',
    'k_suspended_queue': 'suspended_queue',
}
REGISTRIES = ('finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready')


def arguments(function: Callable[..., str]) -> list[str]:
    return [f'<{number}>' for number in range(len(inspect.signature(function).parameters))]


def test_every_key_begins_with_the_prefix_and_names_what_it_is_given() -> None:
    for function in KEYS.values():
        named = function(*arguments(function))
        assert named.startswith(f'{keys.PREFIX}:')
        assert all(mark in named for mark in arguments(function))


def test_no_two_functions_name_the_same_key() -> None:
    shapes = [function(*arguments(function)) for function in KEYS.values()]
    assert len(set(shapes)) == len(shapes)


def test_every_key_says_its_type_and_when_it_dies() -> None:
    for name, function in KEYS.items():
        first = (function.__doc__ or '').partition('. ')
        words = (function.__doc__ or '').split('.')[0]
        assert re.search(r'\b(Set|List|Hash|Stream|String|Sorted set)\b', f'{words}. {first[2][:20]}'), name


def test_every_key_is_known_to_the_leak_checker() -> None:
    assert set(KEYS.values()) == set(FAMILIES)


def test_the_scripts_name_the_same_keys(redis: Redis) -> None:
    text = (FOLDER / 'lib' / 'keys.lua').read_text()
    twins = dict(re.findall(r'local function (\w+)\(([\w, ]*)\)', text))
    constants = re.findall(r'local (k_\w+) = ', text)
    names = [*(name for name in twins if name != 'k_registry'), *constants]
    calls = [
        f'{name}({", ".join(repr(f"<{number}>") for number in range(len(twins[name].split(", "))))})'
        if name in twins else name
        for name in names
    ]  # fmt: skip
    calls += [f"k_registry('{kind}', '<0>')" for kind in REGISTRIES]
    told = redis.eval(f'{text}\nreturn {{ {", ".join(calls)} }}', 0, keys.PREFIX)
    mine = [KEYS[TWINS.get(name, name.removeprefix('k_'))] for name in names] + [KEYS[kind] for kind in REGISTRIES]
    assert [key.decode() for key in told] == [function(*arguments(function)) for function in mine]


def test_no_script_spells_a_key_itself() -> None:
    for path in FOLDER.rglob('*.lua'):
        if path.name != 'keys.lua':
            assert not re.search(r"P \.\. '", path.read_text()), path.name


@pytest.mark.parametrize(
    ('read', 'key', 'name'),
    [
        (keys.queue_name, keys.queue('a:b'), 'a:b'),
        (keys.worker_name, keys.worker('a:b'), 'a:b'),
        (keys.wake_name, keys.wake('a:b'), 'a:b'),
    ],
)
def test_a_key_tells_the_name_in_it(read: Callable[[str], str], key: str, name: str) -> None:
    assert read(key) == name


@pytest.mark.parametrize('read', [keys.queue_name, keys.worker_name])
def test_a_key_of_something_else_is_refused(read: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match='Not a valid RQ'):
        read('rq:job:a')


def test_a_job_id_is_no_part_of_another_jobs_keys() -> None:
    """The dependencies key has two colons after `job`, so no id can name another's."""
    assert keys.dependencies('a') == 'rq:job::a:dependencies'
    assert keys.dependents('a') == 'rq:job:a:dependents'


# Ids have no colon; names of queues and workers may, and then RQ's own keys can be taken for another's
# (`rq:worker:w:pack`): the store does not list keys, so only somebody who asks for such a name gets it.
names = st.text(st.characters(codec='utf-8', exclude_characters=':'), min_size=1)


@given(st.tuples(*[st.sampled_from(sorted(KEYS))] * 2), st.tuples(names, names), st.tuples(names, names))
def test_no_key_is_anothers(kinds: tuple[str, str], one: tuple[str, str], other: tuple[str, str]) -> None:
    calls = [
        (kind, given_names[: len(arguments(KEYS[kind]))]) for kind, given_names in zip(kinds, (one, other), strict=True)
    ]
    if calls[0] != calls[1]:
        (kind, some), (other_kind, others) = calls
        assert KEYS[kind](*some) != KEYS[other_kind](*others)


@given(names, names)
def test_one_kind_of_key_tells_what_it_was_made_of(one: str, other: str) -> None:
    for function in KEYS.values():
        if len(arguments(function)) == 1 and one != other:
            assert function(one) != function(other)
