"""ddtrace 4.16, unmodified: what it patches is called for each job, and its spans arrive."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from rq import Queue
from tests.clients import jobs
from tests.clients.conftest import Client
from tests.clients.receiver import receiver


@pytest.mark.parametrize('options', [[], ['--fork-per-job'], ['-w', 'rq.SimpleWorker']], ids=['warm', 'fork', 'simple'])
def test_each_job_has_its_spans(client: Client, queue: Queue, options: list[str]) -> None:
    good, bad = queue.enqueue(jobs.add, 1, 2), queue.enqueue(jobs.divide, 1, 0)
    sent: list[bytes] = []
    with receiver(sent.append) as port:
        env = {
            'DD_TRACE_AGENT_URL': f'http://127.0.0.1:{port}',
            'DD_TRACE_API_VERSION': 'v0.4',
            'DD_INSTRUMENTATION_TELEMETRY_ENABLED': 'false',
            'DD_REMOTE_CONFIGURATION_ENABLED': 'false',
        }
        worker = client.start('ddtrace-run', str(client.folder / 'rq'), 'worker', '--burst', *options, env=env)
        worker.wait(60)
    # Not its exit code: once in some 40 runs the interpreter aborted (signal 6) after our last line, under ddtrace only.
    assert 'done, quitting' in worker.output, worker.report()
    assert (good.get_status(), bad.get_status()) == ('finished', 'failed')
    named = Counter(re.findall(rb'rq\.(?:job\.perform|worker\.perform_job)\b', b''.join(sent)))
    assert named == {b'rq.job.perform': 2, b'rq.worker.perform_job': 2}
