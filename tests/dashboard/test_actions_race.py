"""People act while workers work: every job runs, or is where it was put; none is lost, none runs twice."""

from __future__ import annotations

from collections import Counter

import pytest
from flask.testing import FlaskClient
from redis import Redis

from rq import Queue
from rq.dashboard.actions import route, running
from rq.store import keys
from tests.dashboard.doing import form, statuses
from tests.support.invariants import violations
from tests.support.processes import Processes

JOBS = 1_000


def test_jobs_are_moved_canceled_and_deleted_while_workers_take_them(
    redis: Redis, redis_url: str, client: FlaskClient, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, 'PATIENCE', 0)
    queue = Queue('q', connection=redis)
    ids = [job.id for job in queue.enqueue_many([Queue.prepare_data('time.sleep', (0.0005,)) for _ in range(JOBS)])]
    asked = {
        name: form(client.post(f'/do/{name}', data={'queue': 'q', 'state': 'queued', 'to': 'other'}))
        for name in ('move', 'cancel', 'delete')
    }
    workers = [processes.rq('worker', 'q', 'other', '--burst', url=redis_url) for _ in range(2)]
    processes.wait_for(lambda: redis.zcard(keys.finished('q')) > 50)
    for name in asked:  # all at once, each a thread of its own
        client.post(f'/do/{name}', data=asked[name])
    for fields in asked.values():
        running.wait(fields['bulk'][0], 30)
    assert [worker.wait(60) for worker in workers] == [0, 0]
    became = Counter(statuses(redis, ids))
    told = {name: client.get(f'/api/v1/bulk/{fields["bulk"][0]}').get_json()['bulk'] for name, fields in asked.items()}
    assert all(one['state'] == 'done' for one in told.values()), told
    assert became['finished'] + became['canceled'] + became['-'] == JOBS, became
    assert (became['canceled'], became['-']) == (told['cancel']['done'], told['delete']['done'])
    assert violations(redis) == []
    client.post('/do/undo', data={'on': asked['delete']['bulk']})
    running.wait(asked['delete']['bulk'][0], 30)
    assert processes.rq('worker', 'q', 'other', '--burst', url=redis_url).wait(60) == 0
    assert Counter(statuses(redis, ids)) == Counter(finished=JOBS - became['canceled'], canceled=became['canceled'])
    runs = [
        redis.xlen(keys.results(job_id))
        for job_id, now in zip(ids, statuses(redis, ids), strict=True)
        if now == 'finished'
    ]
    assert set(runs) == {1}
    assert violations(redis) == []
