"""`rq why`: one sentence, its JSON, its exit codes."""

from __future__ import annotations

import json

from redis import Redis

from rq import Queue
from tests.support.processes import Processes
from tests.worker import jobs


def test_it_says_one_sentence_on_one_line(redis: Redis, redis_url: str, processes: Processes) -> None:
    job = Queue('low', connection=redis).enqueue(jobs.say)
    process = processes.rq('why', job.id, url=redis_url)
    assert process.wait() == 0
    assert process.stdout == (
        'No live worker listens on queue `low` (no worker is alive at all): start one by `rq worker low`; it is next in '
        'line.\n'
    )


def test_its_json_names_the_kind_and_an_unknown_job_is_code_3(
    redis: Redis, redis_url: str, processes: Processes
) -> None:
    processes_ = [processes.rq('why', '--json', 'nothing', url=redis_url), processes.rq('why', url=redis_url)]
    unknown, nothing_named = processes_
    assert (unknown.wait(), nothing_named.wait()) == (3, 2)
    told = json.loads(unknown.stdout)
    assert (told['job'], told['kind'], told['level']) == ('nothing', 'no-job', 'fault')
    assert unknown.stderr == ''
