"""Data as somebody who means harm writes it, in every field of everything that the dashboard shows."""

from __future__ import annotations

import base64
import os
import pickle
import random
import zlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from flask import Flask
from redis import Redis

from rq import Queue
from rq.dashboard.names import to_path
from rq.group import Group
from rq.rate_limit import RateLimit
from rq.worker import SimpleWorker
from tests.dashboard.attack import SAME
from tests.monitor.test_workers import born

__all__ = ['TEXTS', 'Strict', 'crawl', 'payloads', 'poison', 'stock']

# All of them set `__pwned` or ask `evil.example` if a browser takes any part of them for more than text.
TEXTS: dict[str, bytes] = {
    'a script': b'<script>window.__pwned=1;alert(1)</script>',
    'an end of a title': b'</title></textarea></script></style><script>window.__pwned=1</script>',
    'an image': b'"><img src="http://evil.example/x" onerror="window.__pwned=1">',
    'a handler': b"' onmouseover='window.__pwned=1' autofocus onfocus='window.__pwned=1' x='",
    'an end of an svg': b'</svg></text></path><svg onload=window.__pwned=1><a xlink:href="javascript:window.__pwned=1">x</a>',
    'a link': b'javascript:window.__pwned=1//http://evil.example',
    'a template': b'{{ config }}{{ "ab" * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}x{% endfor %}',
    'line breaks': b'a\r\nSet-Cookie: evil=1\r\n\r\n<script>window.__pwned=1</script>\x00\x1b[31m\x7f',
    'no text': b'\xff\xfe<script>window.__pwned=1</script>\xc3\x28\xed\xa0\x80',
    'other directions': '\u202e\u2066<b>\u2028\u2029\ufeff‮🐎'.encode(),
    'a path': b'../../../../etc/passwd?x=1#y&z=%00%2e%2e%2f;',
    'a formula': b"=cmd|' /C calc'!A0\t@SUM(1)\"--><meta http-equiv=refresh content=0;url=http://evil.example>",
    'numbers': b'-99999999999999999999999999999999999999e999',
    'dates': b'99999-99-99T99:99:99.999999Z',
    'nothing': b'',
    'a million': b'<b>\xf0' * 250_000,
}


class _Explosive:
    """Whoever unpickles it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f'touch {self.file}',)


def payloads(file: Path) -> list[bytes]:
    """Pickles that would make the file, as calls, meta data and results; bombs; and rubbish."""
    trap = pickle.dumps(_Explosive(file))
    call = pickle.dumps(('os.system', None, (_Explosive(file), f'touch {file}'), {'password': _Explosive(file)}))
    deep = b'(' * 100_000 + b'.'
    return [
        trap,
        call,
        zlib.compress(call),
        base64.b64encode(trap),
        zlib.compress(b'\0' * 50_000_000, 9),
        b'\x80\x05' + deep,
        pickle.dumps(
            ('f', None, ('<script>window.__pwned=1</script>' * 30_000,), {'<img src=x onerror=alert(1)>': b'\xff'})
        ),
        b'cos\nsystem\n(S"touch ' + str(file).encode() + b'"\ntR.',
        b'{"__class__": "os.system"}',
        b'\x80\x04' + b'B\xff\xff\xff\x7f',
    ]


# --- setting it up ----------------------------------------------------------------------------------------------------


def stock(redis: Redis, app: Flask) -> None:
    """A little of everything that there is, made as people make it."""
    mail = Queue('mail', connection=redis)
    failed = [mail.enqueue('math.sqrt', -1, description='d', meta={'who': 'me'}) for _ in range(3)]
    mail.enqueue('math.sqrt', 4)
    SimpleWorker([mail], connection=redis).work(burst=True, logging_level='CRITICAL')
    waiting = mail.enqueue('math.sqrt', 4, password='x', job_timeout=60)
    mail.enqueue('math.sqrt', 5, depends_on=[waiting])
    mail.enqueue_in(timedelta(hours=1), 'math.sqrt', 6)
    mail.enqueue('math.sqrt', 7).cancel()
    Group(redis, 'batch').enqueue_many(mail, [Queue.prepare_data('math.sqrt', (4,)) for _ in range(2)])
    for number in range(3):
        mail.enqueue('math.sqrt', number, rate_limit=RateLimit('shop', 1))
    born(redis, 'w1')
    redis.sadd('rq:workers:mail', 'rq:worker:w1')
    run = f'{waiting.id}:{"e" * 32}'
    redis.zadd('rq:wip:mail', {run: 9_999_999_999})
    redis.hset('rq:worker:w1', mapping={'current_job': waiting.id, 'rss': '1', 'cpu': '1', 'code': 'v1'})
    redis.sadd('rq:worker:w1:executions', run)
    redis.zadd('rq:cron_jobs', {'nightly': 1.0})
    redis.zadd('rq:cron_schedulers', {'cron-1': 9_999_999_999})
    entry = '{"name": "nightly", "cron": "* * * * *", "func_name": "f", "queue_name": "mail", "interval": null}'
    redis.hset(
        'rq:cron_scheduler:cron-1', mapping={'name': 'cron-1', 'cron_jobs': f'[{entry}]', 'hostname': 'h', 'pid': '1'}
    )
    redis.hset('rq:cron_job:nightly:state', mapping={'slot': '1', 'paused': '1'})
    redis.zadd('rq:cron_job:nightly:jobs', {failed[0].id: 1.0})
    client = app.test_client()
    for action, form in (
        ('delete', {'job': failed[1].id, 'sure': 'yes'}),
        ('requeue', {'job': failed[2].id, 'sure': 'yes'}),
        ('suspend', {'queue': 'mail', 'sure': 'yes'}),
    ):
        client.post(f'/do/{action}', headers=SAME, data=form)


def poison(redis: Redis, values: Sequence[bytes], share: float, seed: int) -> None:
    """Writes the values over fields of hashes (a share of them), and beside the members of everything else."""
    chosen = random.Random(seed)
    one_job = next(iter(redis.scan_iter('rq:job:????????-*')), None)
    for key in sorted(redis.scan_iter(count=1000)):
        kind = redis.type(key)
        if kind == b'hash':
            for field in redis.hkeys(key):
                if chosen.random() < share:
                    redis.hset(key, field, chosen.choice(values))
            redis.hset(key, chosen.choice(values)[:2_000], chosen.choice(values))
        else:
            for value in {chosen.choice(values)[:2_000] for _ in range(3)}:
                _add(redis, key, kind, value, chosen)
    for value in {value[:2_000] for value in values}:
        redis.sadd('rq:queues', b'rq:queue:' + value)
        redis.rpush(b'rq:queue:' + value, value)
        redis.sadd('rq:workers', b'rq:worker:' + value)
        redis.hset(
            b'rq:worker:' + value, mapping={'birth': value, 'queues': value, 'state': value, 'incarnation': value}
        )
        if one_job is not None:
            redis.copy(one_job, b'rq:job:' + value)
    redis.sadd('rq:queues', 'rq:queue:wrong', b'not-a-queue', b'')
    for registry in ('queue', 'wip', 'failed', 'finished', 'scheduled', 'deferred', 'canceled', 'workers', 'suspended'):
        redis.set(f'rq:{registry}:wrong', values[0])


def _add(redis: Redis, key: bytes, kind: bytes, value: bytes, chosen: random.Random) -> None:
    if kind == b'list':
        redis.lpush(key, value)
    elif kind == b'set':
        redis.sadd(key, value)
    elif kind == b'zset':
        redis.zadd(key, {value: chosen.choice([0, 1, 4e9, 1e300, float('inf'), -1]), value + b':' + value: 4e9})
    elif kind == b'stream':
        for _, fields in redis.xrevrange(key, count=1):
            redis.xadd(key, {**dict.fromkeys(fields, value), value or b'x': value})


# --- looking at it ----------------------------------------------------------------------------------------------------


class Strict(HTMLParser):
    """What a page may hold: our elements and attributes, and addresses on our site."""

    ALLOWED_SCHEMES = ('/', '#', '?', './')

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ('img', 'iframe', 'object', 'embed', 'base', 'b/') or (tag == 'script' and 'src' not in given):
            self.faults.append(f'<{tag} {given}>')
        if tag == 'meta' and 'http-equiv' in given:
            self.faults.append(f'<{tag} {given}>')
        for name, value in given.items():
            if name.startswith('on') or name == 'style' or name == 'srcdoc':
                self.faults.append(f'{tag} {name}={value!r}')
            if name in ('href', 'src', 'action', 'formaction', 'xlink:href') and value:
                if not value.startswith(self.ALLOWED_SCHEMES) or value.startswith(('//', '/\\')):
                    self.faults.append(f'{tag} {name}={value!r}')
                elif name == 'href' and tag == 'a' and not value.startswith('#'):
                    self.links.append(value)


def crawl(app: Flask, names: Sequence[str], most: int = 150) -> Iterator[tuple[str, Any]]:
    """Every page that links lead to from those without parts, JSON twins too, and pages of things with these names."""
    client = app.test_client()
    plain = [rule.rule for rule in app.url_map.iter_rules() if not rule.arguments and 'GET' in (rule.methods or ())]
    parted = [rule for rule in app.url_map.iter_rules() if len(rule.arguments) == 1 and 'GET' in (rule.methods or ())]
    made = [
        rule.rule.replace(rule.rule[rule.rule.index('<') : rule.rule.index('>') + 1], to_path(name))
        for rule in parted
        for name in names
        if not rule.endpoint.endswith('static')
    ]
    # One link of each shape is followed for each page it is on; lists of a thousand like ones would tell nothing new.
    todo, seen, shapes = [*plain, *made], set(), {}
    while todo:
        path = todo.pop(0)
        if path in seen or path.partition('?')[0].startswith('/assets'):
            continue
        seen.add(path)
        answer = client.get(path, buffered=True)
        yield path, answer
        if answer.mimetype == 'text/html':
            parser = Strict()
            parser.feed(answer.text)
            for link in parser.links:
                shape = '/'.join(link.split('?')[0].split('/')[:2]) + ''.join(
                    sorted(set(link.partition('?')[2]) & {'=', '&'})
                )
                shapes[shape] = shapes.get(shape, 0) + 1
                if shapes[shape] <= 4 and len(todo) + len(seen) < most + len(plain) + len(made):
                    todo.append(link)
