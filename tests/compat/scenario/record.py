"""Takes down what an RQ answers and what it leaves in Redis, as texts that two runs have in common.

Imported by the interpreter of whichever RQ is asked: nothing here may be ours.
"""

from __future__ import annotations

import base64
import json
import pickle
import re
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from typing import Any

ABOUT_NOW = 30
YEARS = 3 * 365 * 86400
UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')
HEX = re.compile(r'\b[0-9a-f]{32}\b')
ISO = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z')
# Fields of a worker's or scheduler's hash that tell of the machine.
OF_THE_MACHINE = {'pid', 'hostname', 'ip_address', 'version', 'python_version', 'total_working_time',
                  'current_job_working_time'}  # fmt: skip
NAMED_BY = {'Job': 'id', 'Queue': 'name', 'BaseWorker': 'name', 'Group': 'name', 'RateLimit': 'key', 'CronJob': 'name',
            'RQScheduler': 'name', 'CronScheduler': 'name', 'Execution': 'job_id'}  # fmt: skip


class Recorder:
    """Steps with their answers, and the keyspace after each section."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.told: dict[str, str] = {}
        self.name = ''
        self.calls = 0

    def run(self, section: Callable[[Recorder, Any], None]) -> None:
        """A section on an empty database. What it raises is an answer, too: names that are missing here."""
        self.redis.flushdb()
        self.name = section.__name__
        try:
            section(self, self.redis)
        except Exception as error:
            self._note('THE SECTION ENDED', f'{type(error).__name__}: {error}')
        for key, value in keyspace(self.redis).items():
            self.told[f'{self.name} | KEY {key}'] = value

    def __call__(self, label: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the call answers, which is also written down; None if it raises."""
        self.calls += 1
        value = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            try:
                value = function(*args, **kwargs)
                answer = show(value)
            except Exception as error:
                kinds = [kind.__name__ for kind in type(error).__mro__]
                answer = 'raises ' + ' '.join(kinds[: kinds.index('Exception') + 1])
        kinds = sorted({warning.category.__name__ for warning in caught} - {'ResourceWarning'})
        self._note(label, ' '.join([answer, *(f'(warns {kind})' for kind in kinds)]))
        return value

    def look(self, label: str, thing: Any, *names: str) -> None:
        """Attributes of a thing, and what its methods without arguments answer, by name."""
        for name in names:
            method = name.endswith('()')
            self(f'{label}.{name}', lambda name=name, method=method: _look(thing, name.removesuffix('()'), method))

    def keys(self, label: str) -> None:
        """The keyspace at this moment."""
        for key, value in keyspace(self.redis).items():
            self.told[f'{self.name} | {label}: KEY {key}'] = value

    def _note(self, label: str, answer: str) -> None:
        path, number = f'{self.name} | {label}', 1
        while path in self.told:
            number += 1
            path = f'{self.name} | {label} #{number}'
        self.told[path] = answer


def _look(thing: Any, name: str, method: bool) -> Any:
    found = getattr(thing, name)
    return found() if method else found


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings of a call that is not written down are nobody's business."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


# --- Values -----------------------------------------------------------------------------------------------------------


def show(value: Any) -> str:
    """A value as a text that does not depend on when, where and by whom it was made."""
    if isinstance(value, Enum):
        return f'{type(value).__name__} {value.value}'
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value - time.time()) > YEARS else moment(value)
    if isinstance(value, float):
        return moment(value) if abs(value - time.time()) < YEARS else f'{value:g}'
    if isinstance(value, bytes):
        return 'b' + text(value.decode('utf-8', 'backslashreplace'))
    if isinstance(value, str):
        return text(value)
    if isinstance(value, datetime):
        return moment(value.timestamp() if value.tzinfo else value.replace(tzinfo=UTC).timestamp())
    if isinstance(value, dict):
        return '{' + ', '.join(f'{show(key)}: {show(value[key])}' for key in sorted(value, key=str)) + '}'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(map(show, value)) + ']'
    if isinstance(value, (set, frozenset)):
        return 'set [' + ', '.join(sorted(map(show, value))) + ']'
    return show_thing(value)


def show_thing(value: Any) -> str:
    kinds = [kind.__name__ for kind in type(value).__mro__]
    for kind, name in NAMED_BY.items():
        if kind in kinds:
            return f'<{kind} {show(getattr(value, name))}>'
    if kinds[0] == 'Result':
        names = ('job_id', 'type', 'return_value', 'exc_string', 'worker_name', 'created_at')
        return '<Result ' + ' '.join(f'{name}={show(getattr(value, name))}' for name in names) + '>'
    if kinds[0] in ('Retry', 'Repeat', 'Callback', 'Webhook', 'Dependency', 'EnqueueData'):
        fields = value._asdict() if hasattr(value, '_asdict') else vars(value)
        return f'<{kinds[0]} {show({name: field for name, field in fields.items() if not name.startswith("_")})}>'
    if isinstance(value, type) or callable(value):
        return f'<{getattr(value, "__name__", kinds[0])}>'
    return f'<{kinds[0]}>'


def text(value: str) -> str:
    if 'Traceback (most recent call last)' in value or value.count('\n') > 2:
        return 'TRACEBACK ' + value.strip().rsplit('\n', 1)[-1]
    if re.fullmatch(r'\d{10}\.\d+', value):
        return moment(float(value))
    value = ISO.sub(lambda found: moment(datetime.fromisoformat(found[0]).timestamp()), value)
    return HEX.sub('<hex>', UUID.sub('<uuid>', value))


def moment(epoch: float) -> str:
    delta = epoch - time.time()
    if abs(delta) > YEARS or epoch % 86400 == 0:  # a date that was said, and not a time from now
        return f'at {epoch:.0f}'
    return 'now' if abs(delta) < ABOUT_NOW else f'now{round(delta / 60) * 60:+d}s'


# --- Keys -------------------------------------------------------------------------------------------------------------


def keyspace(redis: Any) -> dict[str, str]:
    """Every key, hashes by field, with `KEY TTL` where it expires. Keys named by chance are numbered by their content."""
    alike: dict[str, list[dict[str, str]]] = {}
    for key in redis.scan_iter(count=10_000):
        content = _content(redis, key, redis.type(key).decode())
        seconds = redis.ttl(key)
        if seconds >= 0:
            content[' TTL'] = f'about {round(seconds / 20) * 20}'
        alike.setdefault(text(key.decode('utf-8', 'backslashreplace')), []).append(content)
    found: dict[str, str] = {}
    for name, contents in alike.items():
        for number, content in enumerate(sorted(contents, key=str)):
            found |= {f'{name}{"#" if number else ""}{number or ""}{part}': value for part, value in content.items()}
    return dict(sorted(found.items()))


def _content(redis: Any, key: bytes, kind: str) -> dict[str, str]:
    if kind == 'hash':
        fields = {name.decode(): value for name, value in redis.hgetall(key).items()}
        return {'': 'hash', **{f' {name}': field(name, value) for name, value in sorted(fields.items())}}
    if kind == 'list':
        return {'': show([part.decode() for part in redis.lrange(key, 0, -1)])}
    if kind == 'set':
        return {'': show({part.decode() for part in redis.smembers(key)})}
    if kind == 'zset':
        members = [(text(name.decode()), score) for name, score in redis.zrange(key, 0, -1, withscores=True)]
        return {'': ', '.join(f'{_member(name)} {show(score)}' for name, score in sorted(members))}
    if kind == 'stream':
        entries = [{name.decode(): value for name, value in entry.items()} for _, entry in redis.xrange(key)]
        return {'': show([{name: field(name, value) for name, value in entry.items()} for entry in entries])}
    return {'': show(redis.get(key))}


def _member(name: str) -> str:
    """`job:execution` without the execution's id."""
    return re.sub(r'^([^:]+):(<hex>|[0-9a-f]{32})$', r'\1:<hex>', name)


def field(name: str, value: bytes) -> str:
    """A field of a hash or of a result, decoded."""
    if name in OF_THE_MACHINE:
        return f'<{name}>'
    if name in ('data', 'meta', 'result', 'exc_info'):
        return show(loaded(value)) if value else ''
    if name == 'return_value':
        return show(loaded(base64.b64decode(value)))
    if name == 'exc_string':
        return show(loaded(base64.b64decode(value)))
    return text(value.decode('utf-8', 'backslashreplace'))


def loaded(value: bytes) -> Any:
    """What was stored: compressed or not, pickle, JSON or text."""
    try:
        value = zlib.decompress(value)
    except zlib.error:
        pass
    for load in (pickle.loads, json.loads):
        try:
            return load(value)
        except Exception:
            continue
    return value.decode('utf-8', 'backslashreplace')
