"""What the shop did in the last three months, as its workers would have counted it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from redis import Redis

from rq.durations import index
from rq.monitor import errors
from rq.store import keys, stats
from rq.store.stats import Batch

# Function -> its queue, runs a minute at noon, seconds it takes, share that fails, kB.
FUNCTIONS = {
    'shop.send_receipt': ('mail', 640.0, 0.03, 0.004, 0),
    'shop.charge_card': ('default', 220.0, 0.11, 0.02, 0),
    'shop.resize_image': ('images', 170.0, 0.05, 0.01, 71_000),
    'shop.sync_stock': ('default', 11.0, 0.4, 0.001, 0),
    'shop.import_catalog': ('exports', 0.05, 41.0, 0.03, 310_000),
    'shop.build_report': ('reports', 0.03, 480.0, 0.02, 640_000),
}
MINUTE, HOUR, DAY = 60, 3600, 86400


def write(redis: Redis) -> None:
    """Fills the buckets: by the minute for the last hour, coarser before."""
    now = stats.server_time(redis)
    batch, number = Batch(), 0
    for seconds, length in moments():
        for function in FUNCTIONS:
            add(batch, function, now - seconds, seconds, length)
        if len(batch.queues) > 150:
            number += 1
            stats.record(redis, 'past', number, batch)
            batch = Batch()
    stats.record(redis, 'past', number + 1, batch)
    sample(redis, now)
    for version, days in (('2026.11.3', 20.3), ('2026.11.4', 6.1), ('2026.11.5', 0.02)):
        redis.zadd(keys.deploys(), {version: now - days * DAY})


def moments() -> Iterator[tuple[float, float]]:
    """(seconds ago, seconds it stands for), so that each bucket gets its share."""
    yield from ((minute * MINUTE, MINUTE) for minute in range(1, 62))
    yield from ((HOUR + step * 600, 600) for step in range(1, 140))
    yield from ((DAY + step * HOUR, HOUR) for step in range(1, 145))
    yield from ((7 * DAY + step * DAY, DAY) for step in range(1, 84))


def load(age: float) -> float:
    """How busy the shop was so many seconds ago: now it is about noon, and twelve hours ago it was night."""
    return (0.6 + 0.4 * math.cos(age / DAY * 2 * math.pi - 0.5)) * random.uniform(0.88, 1.12)


def add(batch: Batch, function: str, when: float, age: float, length: float) -> None:
    queue, rate, takes, fails, size = FUNCTIONS[function]
    count = rate * length / MINUTE * (0.55 if length > HOUR else load(age))
    runs = int(count) + (random.random() < count % 1)
    if not runs:
        return
    # A bad quarter of an hour: a folder of pictures that nobody can read.
    if function == 'shop.resize_image' and 25 * MINUTE < age < 40 * MINUTE:
        fails = 0.35
    failed = sum(random.random() < fails for _ in range(min(runs, 3000)))
    took, waited = int(runs * takes * 1e6), int(runs * random.uniform(0.01, 0.2) * 1e6)
    batch.queues.append([when, queue, runs, runs - failed, failed, 0, 0, 0, took, waited])
    batch.functions.append(
        [when, function, runs, failed, took, waited, int(took * 0.4), size, spread(runs, takes), spread(runs, 0.05)]
    )


def spread(runs: int, seconds: float) -> list[int]:
    """A histogram around a duration."""
    counts: dict[int, int] = {}
    for _ in range(min(runs, 60)):
        place = index(int(random.lognormvariate(math.log(seconds), 0.5) * 1e6))
        counts[place] = counts.get(place, 0) + max(runs // 60, 1)
    return [number for pair in sorted(counts.items()) for number in pair]


def sample(redis: Redis, now: float) -> None:
    """How many waited."""
    pipeline = redis.pipeline(transaction=False)
    for step, keep in stats.STEPS.items():
        for start in range(int(now - keep) // step * step, int(now), step):
            heap = max(0, 140 - abs(now - start - 20 * MINUTE) / MINUTE * 16)
            total = int(40 * load(now - start) + 20 * random.random() + heap)
            parts = {'*': total, '=mail': total // 2, '=default': total // 3, '=images': total // 6}
            key = keys.stats('waiting', f'{step}-{start}')
            pipeline.hset(key, mapping={name: f'{count} {int(count * 1.4)}' for name, count in parts.items()})
            pipeline.expireat(key, start + step + keep)
    pipeline.execute()


def fail(redis: Redis) -> None:
    """The failures that are known now came before, each in its way."""
    now = stats.server_time(redis)
    for place, group in enumerate(errors.groups(redis).groups):
        ages = [random.uniform(0, (2, 80, 20, 9)[place % 4]) ** 1.3 * HOUR for _ in range(60)]
        key = keys.error_group(group.fingerprint)
        redis.hset(key, mapping={'first': f'{now - max(ages):.3f}', 'version': ('2026.11.4', '2026.11.3')[place % 2]})
        like = ['', '', '', '', '2026.11.5', list(group.functions), []]
        rows = [[group.fingerprint, now - age, now - age, random.randrange(1, 9), *like] for age in ages]
        stats.record(redis, f'past-{place}', 1, Batch(errors=rows))
