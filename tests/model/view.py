"""What Redis holds, as the model says it: read whole, and normalised."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from redis import Redis

from rq.store import keys
from tests.support.keyspace import Key, snapshot

__all__ = ['View', 'older']

REGISTRIES = ('finished', 'failed', 'deferred', 'scheduled', 'canceled')


def _names(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace('NAME', '(.+)'))


class View:
    """One reading of the keyspace."""

    def __init__(self, redis: Redis) -> None:
        self.found: dict[str, Key] = {key.decode(): value for key, value in snapshot(redis).items()}

    def _family(self, pattern: str) -> dict[str, Any]:
        """Name -> value of the keys of this form."""
        form = _names(pattern)
        return {match[1]: key.value for name, key in self.found.items() if (match := form.fullmatch(name))}

    def scores(self, kind: str) -> dict[str, dict[str, float]]:
        """Queue -> member -> score, of `wip` or a registry."""
        key = getattr(keys, kind)
        return {
            queue: {member.decode(): score for member, score in value.items()}
            for queue, value in self._family(key('NAME')).items()
        }

    def scores_of(self, kind: str) -> dict[str, float]:
        """Id -> score, of a registry of all queues."""
        return {member: score for scores in self.scores(kind).values() for member, score in scores.items()}

    def dependents(self, redis: Redis) -> dict[str, list[str]]:
        """Id -> who waits for it, in the order in which the server tells them."""
        names = list(self._family(keys.dependents('NAME')))
        pipeline = redis.pipeline(transaction=False)
        for name in names:
            pipeline.sort(keys.dependents(name), by='nosort')
        return {name: _texts(found) for name, found in zip(names, pipeline.execute(), strict=True)}

    def projection(self) -> dict[str, Any]:
        """As the model's."""
        ids = [name for name in self._family(keys.job('NAME')) if ':' not in name]
        waits = {name: set(_texts(value)) for name, value in self._family(keys.dependencies('NAME')).items()}
        return {
            'jobs': {job_id: _job(self.found[keys.job(job_id)].value) for job_id in ids},
            'lists': {queue: _texts(value) for queue, value in self._family(keys.queue('NAME')).items()},
            **{kind: {queue: set(members) for queue, members in self.scores(kind).items()} for kind in REGISTRIES},
            'wip': {queue: set(members) for queue, members in self.scores('wip').items()},
            # A set of a job that waits no more is passed over by those who read it.
            'waits': {name: others for name, others in waits.items() if name in self.scores_of('deferred')},
            'limits': self._limits(),
            'results': {name: len(value) for name, value in self._family(keys.results('NAME')).items()},
            'notes': {queue: set(_texts(value)) for queue, value in self._family(keys.aftermath('NAME')).items()},
        }

    def _limits(self) -> dict[str, Any]:
        holders = self._family(keys.limit_holders('NAME'))
        waiters = self._family(keys.limit_waiters('NAME'))
        most = {name: value for name, value in self._family(keys.limit('NAME')).items() if ':' not in name}
        return {
            name: {
                'most': int(most[name][b'concurrency']),
                'holders': set(_texts(holders.get(name, {}))),
                'waiters': _texts(waiters.get(name, {})),
            }
            for name in holders.keys() | waiters.keys()
        }


def _texts(values: Any) -> list[str]:
    return [value.decode() for value in values]


def _number(raw: dict[bytes, bytes], name: bytes) -> int | None:
    return int(raw[name]) if name in raw else None


def _job(raw: dict[bytes, bytes]) -> dict[str, Any]:
    return {
        'status': raw[b'status'].decode(),
        'queue': raw[b'origin'].decode(),
        'retries': _number(raw, b'retries_left'),
        'repeats': _number(raw, b'repeats_left'),
        'losses': _number(raw, b'losses') or 0,
        'forget': b'forget' in raw,
    }


def older(redis: Redis, seconds: int) -> None:
    """Lets so much time pass: whatever has a date in Redis is that much older, and what would have expired is gone."""
    dated = defaultdict(list)
    for name, key in snapshot(redis).items():
        text = name.decode()
        if key.ttl is not None:
            dated['ttl'].append(name)
        if key.type == 'zset' and text.startswith(
            (keys.wip(''), keys.scheduled(''), keys.finished(''), keys.failed(''))
        ):
            for member, score in key.value.items():
                if score > 0 and score != float('inf'):
                    redis.zadd(name, {member: score - seconds})
        if key.type == 'hash' and b'expire_at' in key.value:
            redis.hset(name, 'expire_at', str(float(key.value[b'expire_at']) - seconds * 1000))
    for name in dated['ttl']:
        left = redis.pttl(name)
        redis.pexpire(name, max(left - seconds * 1000, 0))
