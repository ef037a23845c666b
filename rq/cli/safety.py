"""The checks of `rq doctor` that docs/security.md speaks of: signing, functions that wait, rights, clock, memory."""

from __future__ import annotations

import json
import subprocess
import sys
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
    from rq.monitor import server

    from .chart import printable

    found = server.rights(patient.connection, patient.local)
    yield Finding(found.level, printable(found.text))


def _clock(patient: Patient) -> Iterator[Finding]:
    """Whether this machine and the server have the same time."""
    from rq.monitor import server

    yield server.clock(patient.connection)


def _memory(patient: Patient) -> Iterator[Finding]:
    """Whether it is nearly full."""
    from rq.monitor import server

    yield server.memory(patient.server)


SAFETY_CHECKS: list[tuple[str, Callable[[Patient], Iterator[Finding]], bool]] = [
    ('memory', _memory, True),
    ('clock', _clock, True),
    ('rights', _rights, True),
    ('signing', _signing, True),
    ('functions', _functions, True),
]
