"""Places in the worker and the store where a test makes something go wrong. In production nothing here is ever called.

The environment variable `RQ_FAULTPOINTS`, read once at import, arms them: `<folder>:<point>=<action>[@<n>]`, as in
`/tmp/here:before.begin=kill@3`. Every place is guarded by `if ARMED:`, so an unarmed one costs no call. The fault strikes
once, in whichever process comes to the point for the n-th time of its own; the folder tells who came and what was done.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['ACTIONS', 'ARMED', 'POINTS', 'Fault', 'arm', 'reach']

VARIABLE = 'RQ_FAULTPOINTS'
ARMED = bool(os.environ.get(VARIABLE))

# Where, and in which process. The scripts' own are `before.<script>` and `after.<script>`, around each request.
POINTS = {
    'horse.starts': 'horse: before its first line',
    'before.claim.send': 'horse: a request without outcomes is about to be sent',
    'after.claim.send': 'horse: it is sent, the answer not read',
    'after.claim.reply': 'horse: the answer is read, nobody else knows of it',
    'before.finish.send': 'horse: a request with outcomes is about to be sent',
    'after.finish.send': 'horse: it is sent, the answer not read',
    'after.finish.reply': 'horse: the answer is read, the board still has the outcomes',
    'after.board': 'horse: a pack is on the board, its tickets are not out',
    'before.begin': 'horse: a job is ours, and nobody knows that it begins',
    'after.begin': 'horse: the board says so, its code has not run',
    'after.user_code': 'horse: it has run, its outcome is not on the board',
    'after.outcome': 'horse: its outcome is on the board',
    'before.block': 'horse: nothing to do, it is about to wait',
    'after.block': 'horse: a token woke it',
    'before.note': 'aftermath: a note is taken, its user code has not run',
    'after.note': 'aftermath: it has run, the note is still there',
    'after.fork': 'supervisor: a child has just been forked',
    'in.signal_handler': 'supervisor: it is told to stop',
    'in.horse_signal_handler': 'horse: it is told to stop',
    'before.enqueue': 'whoever enqueues',
    'after.enqueue': 'whoever enqueues: the job is there, its caller does not know',
    'before.renew': 'supervisor: its lease and those of its jobs',
    'after.renew': 'supervisor',
    'before.announce': 'supervisor: a job runs for 100 ms, readers are about to be told',
    'after.announce': 'supervisor',
    'before.release': 'supervisor or horse: unbegun jobs are about to go back',
    'after.release': 'supervisor or horse: they are back, nobody knows',
    'before.finish': 'supervisor: outcomes of a horse, dead or in a long job, are about to be sent',
    'after.finish': 'supervisor: Redis has them, the board does not know',
    'before.reap': 'supervisor: jobs of the dead are about to be taken',
    'after.reap': 'supervisor',
    'before.promote_due': 'supervisor: due jobs are about to be moved',
    'after.promote_due': 'supervisor',
    'after.take_notes': 'supervisor: a note is taken, its process not forked',
    'before.drop_note': 'aftermath',
    'after.drop_note': 'aftermath',
    'before.retire': 'supervisor: all is done, it is about to sign off',
}
ACTIONS = ('kill', 'stop', 'raise', 'sleep', 'drop')
# Of `sleep`: longer than what tests give a lease.
SECONDS = 1.5

_folder = Path()
_point = _action = ''
_number = 1
_seen: Counter[str] = Counter()
drop: Callable[[], object] = str  # the store says how


class Fault(Exception):
    """What the action `raise` raises: a mistake of ours."""


def arm(plan: str) -> None:
    """From now on `<folder>:<point>=<action>[@<n>]` is to happen; `<folder>:` only takes down who comes by."""
    global _folder, _point, _action, _number
    folder, _, told = plan.rpartition(':')
    point, _, what = told.partition('=')
    action, _, number = what.partition('@')
    if told and (point not in POINTS or action not in ACTIONS):
        raise ValueError(f'{VARIABLE}: no such point or action: {told}')
    _folder, _point, _action, _number = Path(folder), point, action, int(number or 1)
    _seen.clear()


def reach(name: str) -> None:
    """This process is at a point: takes that down, and lets happen what was armed."""
    if name not in POINTS:
        return  # one of the many scripts
    _seen[name] += 1
    if _seen[name] == 1:
        (_folder / f'{name}.reached').touch()
    if name == _point and _seen[name] == _number and _first_to_strike(name):
        _strike(name)


def _first_to_strike(name: str) -> bool:
    try:
        fd = os.open(_folder / f'{name}.struck', os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return False
    os.write(fd, b'%d' % os.getpid())
    os.close(fd)
    return True


def _strike(name: str) -> None:
    if _action == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
    elif _action == 'stop':
        os.kill(os.getpid(), signal.SIGSTOP)
    elif _action == 'sleep':
        time.sleep(SECONDS)
    elif _action == 'drop':
        drop()
    else:
        raise Fault(f'fault point {name}')


if ARMED:
    arm(os.environ[VARIABLE])
