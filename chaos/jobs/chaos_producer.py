"""`python chaos_producer.py '{...}'`: enqueues jobs of every kind by a seed, and writes down which calls returned.

One line of JSON a job: what it is, and `state`: `acknowledged` (the call returned) or `unknown` (it raised: the job may
be there or not). Runs under any RQ: only its public names.
"""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import timedelta
from typing import Any

from chaos_jobs import failed, stopped, succeeded, work
from redis import Redis

from rq import Queue, Retry
from rq.job import Callback, Dependency
from rq.rate_limit import RateLimit
from rq.repeat import Repeat

# Kind -> its share of the jobs. What each is allowed to do is in check.py.
KINDS = {
    'plain': 40, 'bulk': 3, 'long': 5, 'retried': 8, 'flaky': 6, 'fails': 3, 'callback': 6, 'chain': 6, 'join': 3,
    'scheduled': 6, 'limited': 5, 'repeated': 3, 'raced': 6,
}  # fmt: skip
# What RQ has not: jobs that say what becomes of them when their process dies.
OUR_KINDS = {'requeued': 5, 'once': 5}
EVERY = 5.0  # seconds between bursts
KEPT = 7200  # seconds: the checker reads every job at the end


class Producer:
    def __init__(self, told: dict[str, Any]) -> None:
        self.chance = random.Random(told['seed'])
        connection = Redis.from_url(told['url'], socket_timeout=5, socket_connect_timeout=5)
        self.queues = [Queue(name, connection=connection) for name in told['queues']]
        self.run, self.number = told['run'], 0
        self.kinds = KINDS | (OUR_KINDS if told['ours'] else {})
        self.pace = told.get('pace', 1.0)  # how long jobs take: 0.1 is a tenth
        self.log = open(told['log'], 'a', buffering=1, encoding='utf-8')  # noqa: SIM115 - as long as the process

    def one(self) -> None:
        kind = self.chance.choices(list(self.kinds), list(self.kinds.values()))[0]
        queue = self.chance.choice(self.queues)
        seconds = 0.0 if self.chance.random() < 0.5 else round(self.chance.uniform(0.001, 0.02), 4)
        if kind == 'bulk':
            self.bulk(queue)
        elif kind in ('chain', 'join'):
            self.family(queue, 1 if kind == 'chain' else 2, seconds)
        else:
            self.single(kind, queue, seconds)

    def single(self, kind: str, queue: Any, seconds: float) -> None:
        options: dict[str, Any] = {}
        told: dict[str, Any] = {}
        mood, wait = '', 0.0
        if kind in ('long', 'raced'):
            seconds = round(self.chance.uniform(0.15, 1.0 if kind == 'long' else 0.4), 3)
        if kind == 'retried':
            seconds = self.chance.choice([seconds, 0.2])
            told['tries'], options['retry'] = 11, Retry(max=10)
        if kind in OUR_KINDS:
            seconds = self.chance.choice([seconds, 0.3])
            options['on_lost'] = 'requeue' if kind == 'requeued' else 'fail'
            told['tries'] = 3 if kind == 'requeued' else 1  # a third death fails a job, whatever its policy
        if kind in ('fails', 'flaky'):
            mood = kind
            options['on_failure'] = Callback(failed)
        if kind == 'flaky':
            told['tries'] = 4
            options['retry'] = Retry(max=3, interval=self.chance.choice([0, 1]))
        if kind == 'callback':
            options |= {'on_success': Callback(succeeded), 'on_failure': Callback(failed)}
        if kind == 'raced':
            options['on_stopped'] = Callback(stopped)
        if kind == 'limited':
            options['rate_limit'] = RateLimit('chaos', concurrency=2)
        if kind == 'repeated':
            told['runs'], options['repeat'] = 3, Repeat(times=2, interval=self.chance.choice([0, 1]))
        if kind == 'scheduled':
            wait = round(self.chance.uniform(0.3, 3.0), 2)
            told['due'] = time.time() + wait
        self.put(kind, queue, seconds, mood, wait, told, options)

    def family(self, queue: Any, parents: int, seconds: float) -> None:
        """One or two parents, some of which may be tried again, and a child that waits for them."""
        ids = []
        for _ in range(parents):
            options = {'retry': Retry(max=10)} if self.chance.random() < 0.5 else {}
            ids.append(self.put('parent', queue, seconds, '', 0.0, {'tries': 11 if options else 1}, options))
        known = [job_id for job_id in ids if job_id]
        lenient = self.chance.random() < 0.3
        if known:
            told = {'parents': known, 'lenient': lenient}
            after = Dependency(known, allow_failure=lenient)
            self.put('child', self.chance.choice(self.queues), seconds, '', 0.0, told, {'depends_on': after})

    def put(
        self,
        kind: str,
        queue: Any,
        seconds: float,
        mood: str,
        wait: float,
        told: dict[str, Any],
        options: dict[str, Any],
    ) -> str:
        """The id if the call returned."""
        self.number += 1
        number, job_id = self.number, f'{self.run}-{self.number}'
        record = {'number': number, 'id': job_id, 'kind': kind, 'queue': queue.name, **told}
        options |= {'job_id': job_id, 'result_ttl': KEPT, 'failure_ttl': KEPT}
        try:
            if wait:
                queue.enqueue_in(timedelta(seconds=wait), work, number, seconds * self.pace, mood, **options)
            else:
                queue.enqueue(work, number, seconds * self.pace, mood, **options)
        except Exception as error:  # noqa: BLE001 - whatever it is: the call did not return
            self.write(record, 'unknown', repr(error)[:200])
            return ''
        self.write(record, 'acknowledged')
        return job_id

    def bulk(self, queue: Any, count: int = 10) -> None:
        """Several at once, whose ids are made by RQ."""
        numbers = list(range(self.number + 1, self.number + count + 1))
        self.number += count
        ids = [''] * count
        times = [0.0 if self.chance.random() < 0.6 else self.chance.uniform(0.001, 0.02) for _ in numbers]
        calls = [(number, seconds * self.pace) for number, seconds in zip(numbers, times, strict=True)]
        try:
            many = [Queue.prepare_data(work, call, result_ttl=KEPT, failure_ttl=KEPT) for call in calls]
            ids = [job.id for job in queue.enqueue_many(many)]
            state, why = 'acknowledged', ''
        except Exception as error:  # noqa: BLE001 - as above
            state, why = 'unknown', repr(error)[:200]
        for number, job_id in zip(numbers, ids, strict=True):
            self.write({'number': number, 'id': job_id, 'kind': 'bulk', 'queue': queue.name}, state, why)

    def write(self, record: dict[str, Any], state: str, why: str = '') -> None:
        self.log.write(json.dumps({**record, 'state': state, 'why': why, 'at': time.monotonic()}) + '\n')


def main() -> None:
    told = json.loads(sys.argv[1])
    producer = Producer(told)
    began = time.monotonic()
    calls, bursts = 0, 0
    while (now := time.monotonic() - began) < told['seconds']:
        if told.get('burst') and now >= bursts * EVERY:
            # The workers get something to do in packs.
            bursts += 1
            for queue in producer.queues:
                producer.bulk(queue, told['burst'] // len(producer.queues))
        if calls / told['rate'] > now:
            time.sleep(min(calls / told['rate'] - now, 0.05))
            continue
        calls = max(
            calls + 1, int(now * told['rate']) - int(told['rate'])
        )  # what an outage held up is not all made up for
        producer.one()


if __name__ == '__main__':
    main()
