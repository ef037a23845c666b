"""The commands, called in this process: their exit codes, and what they leave in Redis. What they print is their own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import compat_jobs
from record import Recorder
from working import burst


class Shell:
    """`rq <words>` on a server."""

    def __init__(self, r: Recorder, redis: Any) -> None:
        self.r = r
        told = redis.connection_pool.connection_kwargs
        self.url = f'redis://{told["host"]}:{told["port"]}/{told["db"]}'

    def __call__(self, *words: str, url: str | None = None, label: str = '') -> None:
        from click.testing import CliRunner

        from rq.cli import main

        arguments = [words[0], '--url', url or self.url, *words[1:]]
        self.r(label or 'rq ' + ' '.join(words), lambda: int(CliRunner().invoke(main, arguments).exit_code))


def enqueueing(r: Recorder, redis: Any) -> None:
    rq = Shell(r, redis)
    rq('enqueue', 'compat_jobs.add', ':1', ':2', '--job-id', 'json')
    rq(
        'enqueue',
        'compat_jobs.echo',
        'text',
        'key=text',
        ':[1, "a"]',
        'j:={"b": null}',
        '%(1, 2)',
        'l%={1}',
        '--job-id',
        'kinds',
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'value')
        path.write_text('[1, 2]')
        rq(
            'enqueue',
            'compat_jobs.echo',
            f'@{path}',
            f'k=@{path}',
            f':@{path}',
            f'%@{path}',
            '--job-id',
            'files',
            label='rq enqueue files',
        )
    rq('enqueue', 'compat_jobs.add', ':1', ':2', '--job-id', 'options', '--timeout', '5m', '--result-ttl', '1h', '--ttl', '2h',
       '--failure-ttl', '1d', '--description', 'text', '--depends-on', 'json', '--depends-on', 'kinds', '--quiet')  # fmt: skip
    rq('enqueue', 'compat_jobs.add', '--job-id', 'front', '--at-front', '-q', 'q')
    rq('enqueue', 'compat_jobs.add', '--job-id', 'front2', '--at-front', '-q', 'q')
    rq(
        'enqueue',
        'compat_jobs.fail',
        '--job-id',
        'retry',
        '--retry-max',
        '3',
        '--retry-interval',
        '60',
        '--retry-interval',
        '120',
    )
    rq('enqueue', 'compat_jobs.add', ':1', ':2', '--job-id', 'in', '--schedule-in', '1h')
    rq('enqueue', 'compat_jobs.add', ':1', ':2', '--job-id', 'at', '--schedule-at', '2100-01-01T00:00:00')
    rq('enqueue', 'compat_jobs.add', ':1', ':2', '--schedule-in', '1h', '--schedule-at', '2100-01-01T00:00:00')
    rq('enqueue', 'compat_jobs.add', ':1', '--schedule-at', 'tomorrow')
    rq('enqueue', 'compat_jobs.add', ':1', '--schedule-in', 'x')
    rq('enqueue', 'compat_jobs.add', ':{', '--job-id', 'bad-json')
    rq('enqueue', 'compat_jobs.add', '%{', '--job-id', 'bad-literal')
    rq('enqueue', 'compat_jobs.add', '@/no/such/file', '--job-id', 'bad-file')
    rq('enqueue', 'compat_jobs.add', '--timeout', 'x')
    rq('enqueue', 'compat_jobs.add', '--job-id', 'a b')
    rq('enqueue')
    rq('enqueue', 'compat_jobs.add', '--nothing')


def the_rest(r: Recorder, redis: Any) -> None:
    from rq import Queue

    rq = Shell(r, redis)
    q = Queue('q', connection=redis)
    for job_id in ('a', 'b', 'c'):
        q.enqueue(compat_jobs.fail, job_id=job_id)
    Queue('other', connection=redis).enqueue(compat_jobs.add, 1, 2, job_id='o')
    for words in ((), ('--raw',), ('-Q',), ('-W',), ('-R',), ('q',), ('nobody',), ('--nothing',)):
        rq('info', *words)
    burst(redis)
    rq('requeue', '--queue', 'q', 'a')
    rq('requeue', '--queue', 'q')
    r('queued', lambda: q.job_ids)
    rq('requeue', '--queue', 'q', '--all')
    r('all queued', lambda: sorted(q.job_ids))
    rq('suspend', '--duration', '600')
    r.keys('suspended')
    rq('worker', '--burst', '-w', 'rq.SimpleWorker', 'q', label='a worker while suspended')
    rq('resume')
    rq('resume', label='rq resume again')
    rq('suspend')
    rq('resume')
    rq('suspend', '--duration', '0')
    rq('suspend', '--duration', '-1')
    rq('suspend', '--duration', 'x')
    r('not suspended', lambda: redis.exists('rq:suspended'))
    rq('empty', 'q')
    rq('empty', 'nobody')
    r('emptied', lambda: (q.count, Queue('other', connection=redis).count))
    rq('empty', '--all')
    r('all emptied', lambda: Queue('other', connection=redis).count)
    q.enqueue(compat_jobs.add, 1, 2, job_id='last')
    rq('worker', '--burst', '-w', 'rq.SimpleWorker', '--name', 'w', 'q')
    r('it ran', lambda: q.fetch_job('last').get_status())
    rq('worker', '--burst', '-w', 'no.such.Worker', 'q')
    rq('worker', '--burst', '-w', 'rq.SimpleWorker', '--dequeue-strategy', 'backwards', 'q')
    rq('info', url='redis://127.0.0.1:1', label='no server')
    rq('info', '-c', 'no_such_module')
    rq('nothing')


SECTIONS = (enqueueing, the_rest)
