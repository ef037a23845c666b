"""The checks of `rq doctor` that docs/security.md speaks of: signing, functions that wait, rights, clock, memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .patient import Finding, Patient

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['SAFETY_CHECKS']

# Jobs looked at: of each queue, of how many queues; larger ones are left out.
SAMPLE, QUEUES, LARGEST = 20, 20, 1_000_000
SHOWN = 5
# Seconds that importing may take.
PATIENCE = 30
# A worker's times in what people read are off by so much; leases are kept by the server's clock.
CLOCK_SECONDS = 2.0
# Share of maxmemory from which on there is little time.
FULL = 0.9
# In a process of its own: importing is user code, which may print, hang or end it.
IMPORTER = """
import json, os, sys
answer = os.fdopen(os.dup(1), 'w')
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
told = json.load(sys.stdin)
sys.path[:] = told['path']
from rq.utils import import_attribute
for name in told['names']:
    try:
        import_attribute(name)
        found = ''
    except BaseException as error:
        found = f'{type(error).__name__}: {error}'
    print(json.dumps([name, found]), file=answer, flush=True)
os._exit(0)
"""


def _waiting(patient: Patient) -> list[tuple[str, str, dict[bytes, bytes]]]:
    """Queue, id and hash of some jobs that wait; asked for once."""
    found: list[tuple[str, str, dict[bytes, bytes]]] | None = patient.__dict__.get('waiting')
    if found is None:
        from rq.store import job, queue

        found = []
        for row in [row for row in patient.survey.queues if row.waiting][:QUEUES]:
            ids = queue.ids(patient.connection, row.name, 0, SAMPLE - 1)
            hashes = job.fetch_small(patient.connection, ids, LARGEST)
            found += [(row.name, job_id, raw) for job_id, raw in zip(ids, hashes, strict=True) if raw]
        patient.__dict__['waiting'] = found
    return found


def _signing(patient: Patient) -> Iterator[Finding]:
    """Whether jobs are signed, and whether those that wait would pass."""
    from rq import signing
    from rq.exceptions import SigningConfigError

    try:
        active = signing.load()
    except SigningConfigError as error:
        yield Finding('fault', f'jobs cannot be signed: {error}')
        return
    if active is None:
        yield Finding('ok', 'signing is off: who can write to the server can run code in workers (docs/security.md)')
        return
    if signing.readable_by_others():
        yield Finding('warning', f'every user of this machine can read {signing.readable_by_others()}: chmod 640')
    jobs = _waiting(patient)
    refused = [name for name, job_id, raw in jobs if active.mode(name) != 'off' and active.job_fault(job_id, raw)]
    if refused:
        queues = ', '.join(sorted({_name(name) for name in refused})[:SHOWN])
        told = f'{len(refused)} of {len(jobs)} jobs that wait are not signed as they should be (queue {queues})'
        if any(active.mode(name) == 'require' for name in refused):
            yield Finding('fault', f'{told}: they will fail')
        else:
            yield Finding('warning', f'{told}: they would fail where signing is required')
    else:
        keys = ', '.join(active.keys.ids)
        own = ''.join(f', {_name(name)}: {mode}' for name, mode in active.queues.items())
        yield Finding('ok', f'signing: {active.default}{own}; {active.keys.ids[0]} signs, accepted: {keys}')


def _functions(patient: Patient) -> Iterator[Finding]:
    """Whether the functions that wait can be imported here, and may be."""
    from rq.inert import function_name

    names = {name for _, _, raw in _waiting(patient) if (name := function_name(raw.get(b'data', b'')))}
    refused = _refused(names)
    if refused:
        yield from _listed(refused, 'is not on the allow-list of this environment')
    failed = _imported(sorted(names - {name for name, _ in refused}))
    yield from _listed(failed, 'waits and cannot be imported here')
    if not failed and not refused:
        told = f'{len(names)} functions of jobs that wait can be imported' if names else 'no function waits'
        yield Finding('ok', told)


def _listed(wrong: Sequence[tuple[str, str]], what: str) -> Iterator[Finding]:
    for name, why in wrong[:SHOWN]:
        yield Finding('warning', f'{_name(name)} {what}{f" ({_name(why)})" if why else ""}')
    if len(wrong) > SHOWN:
        yield Finding('warning', f'the same is so of {len(wrong) - SHOWN} more functions')


def _refused(names: set[str]) -> list[tuple[str, str]]:
    from rq.allow import allow_list
    from rq.exceptions import FunctionNotAllowed

    allowed = allow_list(None)
    found = []
    for name in sorted(names) if allowed is not None else ():
        try:
            allowed.check(name)  # type: ignore[union-attr]
        except FunctionNotAllowed:
            found.append((name, ''))
    return found


def _imported(names: list[str]) -> list[tuple[str, str]]:
    """Those that cannot be imported, and why."""
    if not names:
        return []
    told = json.dumps({'path': sys.path, 'names': names})
    command = [sys.executable, '-c', IMPORTER]
    why = 'the process that imported it ended'
    try:
        done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=PATIENCE, check=False)
        said = done.stdout
    except subprocess.TimeoutExpired as error:
        said, why = _text(error.stdout), f'it took longer than {PATIENCE} s'
    answers: dict[str, str] = dict(json.loads(line) for line in said.splitlines() if line.endswith(']'))
    answers |= dict.fromkeys(names[len(answers) : len(answers) + 1], why)
    return [(name, answer) for name, answer in answers.items() if answer]


def _text(output: Any) -> str:
    return output.decode('utf-8', 'replace') if isinstance(output, bytes) else output or ''


def _name(text: str) -> str:
    from .chart import printable

    return printable(' '.join(text.split())[:200])


def _rights(patient: Patient) -> Iterator[Finding]:
    """Who we are to the server, and whether that is more than is good."""
    from rq.store.server import rights

    found = rights(patient.connection)
    if found is None:
        yield Finding('ok', 'the server does not tell who we are')
    elif found.refused:
        yield Finding(
            'fault', f'user {_name(found.name)} may not {", ".join(found.refused)}: docs/security.md has its rights'
        )
    elif found.open and not patient.local:
        yield Finding('warning', 'the server asks for no password: who reaches it can run code in workers')
    elif found.all:
        yield Finding('ok', f'user {_name(found.name)} may do everything (docs/security.md has users for each role)')
    elif found.known:
        yield Finding('ok', f'user {_name(found.name)} may do what a worker does, and not everything')
    else:
        yield Finding('ok', f'user {_name(found.name)}, who may not ask for its own rights')


def _clock(patient: Patient) -> Iterator[Finding]:
    """Whether this machine and the server have the same time."""
    from rq.store import job

    before = time.time()
    there = job.time(patient.connection)
    gap = there - (before + time.time()) / 2
    if abs(gap) > CLOCK_SECONDS:
        where = 'ahead of' if gap > 0 else 'behind'
        yield Finding(
            'warning', f"the server's clock is {abs(gap):.1f} s {where} this machine's: times of jobs look wrong"
        )
    else:
        yield Finding('ok', "the server's clock is this machine's")


def _memory(patient: Patient) -> Iterator[Finding]:
    """Whether it is nearly full."""
    server = patient.server
    used, most = server.used / 2**20, server.maxmemory / 2**20
    if not server.maxmemory:
        yield Finding('ok', f'it uses {used:.0f} MB and has no limit (maxmemory)')
    elif server.used >= FULL * server.maxmemory:
        yield Finding('warning', f'it uses {used:.0f} of {most:.0f} MB: soon it takes no more jobs')
    else:
        yield Finding('ok', f'it uses {used:.0f} of {most:.0f} MB')


SAFETY_CHECKS: list[tuple[str, Callable[[Patient], Iterator[Finding]], bool]] = [
    ('memory', _memory, True),
    ('clock', _clock, True),
    ('rights', _rights, True),
    ('signing', _signing, True),
    ('functions', _functions, True),
]
