"""What is right and wrong with the server: said by `rq doctor` and on the page Redis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rq.store import job
from rq.store.server import rights as found_rights

from .finding import Finding

if TYPE_CHECKING:
    from redis import Redis

    from rq.store.server import ServerFacts

    from .finding import Level

__all__ = ['clock', 'eviction', 'findings', 'memory', 'persistence', 'rights', 'version']

LEAST = {'Redis': (6, 2), 'Valkey': (7, 2)}
# Longer, and a worker that asks for one job at a time does little else than wait.
SLOW_SECONDS = 0.02
# A worker's times in what people read are off by so much; leases are kept by the server's clock.
CLOCK_SECONDS = 2.0
# Share of maxmemory from which on there is little time.
FULL = 0.9


def findings(server: ServerFacts) -> list[tuple[str, Finding]]:
    """All that its own words tell, each with the name of its check."""
    checks = (('server', version), ('eviction', eviction), ('persistence', persistence), ('memory', memory))
    return [(name, check(server)) for name, check in checks]


def version(server: ServerFacts) -> Finding:
    """Whether it answers soon, and is new enough."""
    least = LEAST[server.kind]
    if server.version < least:
        needed = ' or '.join(f'{kind} {".".join(map(str, version))}' for kind, version in LEAST.items())
        return Finding('fault', f'{server.name} is too old: {needed} is needed')
    if server.round_trip > SLOW_SECONDS:
        return Finding('warning', f'{server.name} takes {server.round_trip * 1000:.0f} ms to answer: is it far away?')
    return Finding('ok', f'{server.name} answers')


def eviction(server: ServerFacts) -> Finding:
    """Whether it forgets jobs when it is full."""
    if server.policy in ('', 'noeviction'):
        return Finding('ok', 'it forgets nothing when it is full (noeviction)')
    what = 'jobs with a ttl, results and records of workers' if server.policy.startswith('volatile') else 'jobs'
    level: Level = 'fault' if server.maxmemory else 'warning'
    when = 'when it is full' if server.maxmemory else 'as soon as maxmemory is set'
    return Finding(level, f'{when} it forgets {what} ({server.policy}): set maxmemory-policy to noeviction')


def persistence(server: ServerFacts) -> Finding:
    """Whether jobs outlive its restart."""
    if server.aof:
        return Finding('ok', 'jobs outlive its restart (append-only file)')
    if server.snapshots:
        return Finding('warning', 'it keeps snapshots only: what came after the last one is lost when it dies')
    if server.snapshots is None:
        return Finding('warning', 'it has no append-only file, and does not tell whether it keeps snapshots')
    return Finding('warning', 'nothing is kept over its restart: set appendonly to yes')


def memory(server: ServerFacts) -> Finding:
    """Whether it is nearly full."""
    used, most = server.used / 2**20, server.maxmemory / 2**20
    if not server.maxmemory:
        return Finding('ok', f'it uses {used:.0f} MB and has no limit (maxmemory)')
    if server.used >= FULL * server.maxmemory:
        return Finding('warning', f'it uses {used:.0f} of {most:.0f} MB: soon it takes no more jobs')
    return Finding('ok', f'it uses {used:.0f} of {most:.0f} MB')


def clock(connection: Redis) -> Finding:
    """Whether this machine and the server have the same time. Raises redis-py's errors."""
    before = time.time()
    there = job.time(connection)
    gap = there - (before + time.time()) / 2
    if abs(gap) > CLOCK_SECONDS:
        where = 'ahead of' if gap > 0 else 'behind'
        words = f"the server's clock is {abs(gap):.1f} s {where} this machine's: times of jobs look wrong"
        return Finding('warning', words)
    return Finding('ok', "the server's clock is this machine's")


def rights(connection: Redis, local: bool) -> Finding:
    """Who we are to the server, and whether that is more than is good; `local`: it is on this machine."""
    found = found_rights(connection)
    if found is None:
        return Finding('ok', 'the server does not tell who we are')
    name = ' '.join(found.name.split())[:200]
    if found.refused:
        return Finding('fault', f'user {name} may not {", ".join(found.refused)}: docs/security.md has its rights')
    if found.open and not local:
        return Finding('warning', 'the server asks for no password: who reaches it can run code in workers')
    if found.all:
        return Finding('ok', f'user {name} may do everything (docs/security.md has users for each role)')
    if found.known:
        return Finding('ok', f'user {name} may do what a worker does, and not everything')
    return Finding('ok', f'user {name}, who may not ask for its own rights')
