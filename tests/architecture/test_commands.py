"""Only `rq/store` talks to Redis (and `rq/server`, to the one it starts)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.commands import COMMANDS, PERMITTED, UNMISTAKABLE, talks
from tests.architecture.test_layers import tree
from tests.architecture.tree import ROOT, modules, parsed


def test_nobody_but_the_store_talks_to_redis() -> None:
    assert talks(ROOT) == []


def test_every_permitted_call_is_still_made() -> None:
    for module, command in PERMITTED:
        calls = [node.func for node in ast.walk(parsed(modules()[module])) if isinstance(node, ast.Call)]
        assert any(isinstance(call, ast.Attribute) and call.attr == command for call in calls), (module, command)


def test_the_commands_of_all_data_types_are_known_by_name() -> None:
    assert (
        {'hset', 'zadd', 'lpush', 'sadd', 'xadd', 'evalsha', 'execute_command', 'pipeline'} <= UNMISTAKABLE <= COMMANDS
    )
    assert {'get', 'set', 'delete', 'exists', 'eval', 'info', 'publish', 'execute'} <= COMMANDS - UNMISTAKABLE


@pytest.mark.parametrize(
    'text',
    [
        'def f(self): self.connection.hset("a", "b", "c")',
        'def f(c): c.zadd("a", {})',
        'def f(anything): anything.get_queue().connection.lpush("a")',
        'def f(connection): connection.execute_command("GET", "a")',
        'def f(connection): connection.eval("return 1", 0)',
        'def f(connection): connection.get("a")',
        'def f(job): job.connection.delete("a")',
        'def f(queue):\n    with queue.connection.pipeline() as pipe:\n        pass',
        'def f(pipe): pipe.execute()',
        'from rq.store import connection\ndef f(): connection.get("a")',
        'import redis',
        'def f():\n    import redis.client',
        'from redis.commands.core import Script',
        'from redis import from_url',
    ],
)
@pytest.mark.parametrize('file', ['rq/job/model', 'rq/utils', 'rq/worker/loop'])
def test_a_call_of_a_command_is_found(tmp_path: Path, file: str, text: str) -> None:
    permitted = file == 'rq/utils' and ('pipeline' in text or 'execute()' in text)
    assert bool(talks(tree(tmp_path, **{file: text}))) is not permitted


@pytest.mark.parametrize(
    'text',
    [
        'from redis import Redis\ndef f(): return Redis()',
        'from redis.exceptions import ConnectionError',
        'from redis import exceptions',
        'from redis.backoff import NoBackoff',
        'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from redis.client import Script\n    import redis',
        'from rq.store import queue as store\ndef f(connection): return store.lpop(connection, "a")',
        'class Queue:\n    def f(cls): return cls.lpop(["a"])',
        'class C(dict):\n    def f(self): return super().get("a")',
        'def f(connection): connection.close()',
        'def f(fields): return fields.get("a"), "a".join([]), [].append(1), {}.keys()',
        'def f(job, queue): job.delete(); queue.exists(); job.save()',
    ],
)
def test_other_uses_are_fine(tmp_path: Path, text: str) -> None:
    assert talks(tree(tmp_path, **{'rq/job/model': text})) == []


@pytest.mark.parametrize('file', ['rq/store/admin', 'rq/server/process'])
def test_the_rooms_that_talk_may_talk(tmp_path: Path, file: str) -> None:
    assert talks(tree(tmp_path, **{file: 'import redis\ndef f(connection): connection.hset("a", "b", "c")'})) == []
