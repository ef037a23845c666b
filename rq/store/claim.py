"""A worker's requests: outcomes in, jobs out. And what goes back unbegun."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rq._faultpoints import ARMED, reach

from . import keys
from .script import Script
from .wire import bulk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .wire import Wire

__all__ = [
    'Answer',
    'Claim',
    'Claimed',
    'Lease',
    'Outcome',
    'claimed',
    'exchange',
    'finish',
    'finish_inline',
    'finish_packed',
    'hold',
    'is_leased',
    'release',
    'release_pack',
]

_finish_and_claim = Script('finish_and_claim')
_finish = Script('finish')
_finish_inline = Script('finish_inline')
_hold = Script('hold')
_release = Script('release')
_release_pack = Script('release_pack')

# Payload a pack may carry: 1 MB. One job more than that is claimed alone.
PACK_BYTES = 1_000_000


class Lease(NamedTuple):
    """What makes a running job somebody's: queue, job id and execution id."""

    queue: str
    id: str
    execution: str

    @property
    def member(self) -> str:
        """The member of `rq:wip:<queue>`."""
        return f'{self.id}:{self.execution}'


class Claimed(NamedTuple):
    """A job as claimed: which of the worker's queues it came from (by number), ids, and its hash."""

    queue: int
    id: bytes
    execution: bytes
    hash: dict[bytes, bytes]


class Outcome(NamedTuple):
    """What became of a claimed job. `payload`: base64 text of the pickled value, or of the zlib-packed traceback."""

    kind: str  # of lua/lib/settle.lua: F finished, X raised, L lost, S stopped ...
    lease: Lease
    started_us: int  # microseconds of Redis time; 0 unknown
    ended_us: int
    # F: seconds the result is kept, -1 for ever, 0 not at all. R, A: seconds until the next try. X, Y: -2, only the status.
    ttl: int
    payload: bytes

    def packed(self) -> bytes:
        """The eight arguments of lua/lib/results.lua as bulk strings."""
        queue, job, execution = (part.encode() for part in self.lease)
        return b''.join(
            (
                bulk(self.kind.encode()),
                bulk(queue),
                bulk(job),
                bulk(execution),
                bulk(b'%d' % self.started_us),
                bulk(b'%d' % self.ended_us),
                bulk(b'%d' % self.ttl),
                bulk(self.payload),
            )
        )


@dataclass(slots=True)
class Claim:
    """One numbered request of a horse. `outcomes` are packed (Outcome.packed), `queues` are names with pack sizes."""

    worker: bytes
    incarnation: str  # 16 hex
    seq: int
    queues: Sequence[tuple[bytes, int]]
    room: int  # jobs at most; 0: only the outcomes are sent
    outcomes: Sequence[bytes] = ()
    token: bytes = b''  # the queue whose marker woke the caller
    show: bytes = b''  # state for readers when nothing is claimed: idle, busy or '' (leave it)
    # Finished, failed, seconds worked: written as they are. None: whoever ran the jobs has counted them.
    counters: tuple[int, int, float] | None = field(default=(0, 0, 0.0))

    def packed(self) -> tuple[int, bytes]:
        """How many arguments, and they as bulk strings."""
        execution = f'{self.incarnation}{self.seq:014x}'
        counters = (b'', b'', b'') if self.counters is None else (b'%d %d %.6f' % self.counters).split()
        args = [
            keys.PREFIX.encode(),
            self.worker,
            b'%d' % self.seq,
            execution.encode(),
            self.show,
            *counters,
            b'%d' % self.room,
            b'%d' % PACK_BYTES,
            self.token,
            b'%d' % len(self.queues),
        ]
        for name, limit in self.queues:
            args += (name, b'%d' % limit)
        args.append(b'%d' % len(self.outcomes))
        return len(args) + 8 * len(self.outcomes), b''.join(map(bulk, args)) + b''.join(self.outcomes)

    def send(self, wire: Wire) -> None:
        """Sends the request; `exchange` and `receive` bring the answer."""
        if ARMED:
            reach('before.finish.send' if self.outcomes else 'before.claim.send')
        wire.send_script(_finish_and_claim, keys.queue(self.queues[0][0].decode()).encode(), *self.packed())
        if ARMED:
            reach('after.finish.send' if self.outcomes else 'after.claim.send')

    def receive(self, wire: Wire) -> Answer:
        """The answer of a request sent before."""
        key = keys.queue(self.queues[0][0].decode()).encode()
        reply = wire.receive_script(_finish_and_claim, key, *self.packed())
        if ARMED:
            reach('after.finish.reply' if self.outcomes else 'after.claim.reply')
        return Answer.of(reply)


class Answer(NamedTuple):
    """What a request brought. `code` is b'OK', b'SAME' (it had been here before) or b'OLD' (refused)."""

    code: bytes
    now_us: int
    became: list[bytes]  # of each outcome: FINISHED FAILED STOPPED QUEUED SCHEDULED GONE KEPT STALE
    jobs: list[Claimed]
    dropped: list[bytes]  # ids on the list without a readable hash, canceled, or running already
    suspended: list[bytes]  # queues that are suspended
    broken: list[bytes]  # queues with keys of a wrong type; nothing was claimed there

    @classmethod
    def of(cls, reply: list[Any]) -> Answer:
        """From the script's reply."""
        jobs = [
            Claimed(number, job, execution, dict(zip(flat[::2], flat[1::2], strict=True)))
            for number, job, execution, flat in reply[3]
        ]
        return cls(reply[0], int(reply[1]), reply[2], jobs, reply[4], reply[5], reply[6])


def exchange(wire: Wire, claim: Claim) -> Answer:
    """Sends a request and waits for its answer. Raises redis-py's errors; sending it again is safe."""
    claim.send(wire)
    return claim.receive(wire)


def finish(connection: Any, worker: str, outcomes: Sequence[Outcome]) -> list[bytes]:
    """What became of each outcome, applied while its lease is held."""
    return finish_packed(connection, worker, [part for o in outcomes for part in _args(o)])


def _args(o: Outcome) -> tuple[Any, ...]:
    return (o.kind, *o.lease, o.started_us, o.ended_us, o.ttl, o.payload)


def finish_packed(connection: Any, worker: str, args: Sequence[Any]) -> list[bytes]:
    """As `finish`, from outcomes' arguments in a row, eight each."""
    if not args:
        return []
    answer: list[bytes] = _finish(connection, keys.queue(_text(args[1])), worker, len(args) // 8, *args)
    return answer


def finish_inline(connection: Any, worker: str, outcome: Outcome) -> bytes:
    """What became of a job that ran in its caller's process, without a lease."""
    answer: bytes = _finish_inline(connection, keys.job(outcome.lease.id), worker, *_args(outcome))
    return answer


def claimed(connection: Any, worker: str, seq: int) -> list[Lease]:
    """What the request with this number has claimed; nothing if it was not the worker's last."""
    last, members = connection.hmget(keys.pack(worker), 'seq', 'members')
    if last is None or int(last) != seq:
        return []
    return [Lease(*member) for member in json.loads(members or b'[]')]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def hold(connection: Any, worker: str, lease: Lease) -> tuple[str, int]:
    """OK: the job, which its caller took off its list by hand, is started and leased. HELD: another run of it is
    alive. NONE: there is no such job. And Redis time in microseconds."""
    answer, now_us = _hold(connection, keys.job(lease.id), worker, *lease)
    return _text(answer), int(now_us)


def is_leased(connection: Any, lease: Lease) -> bool:
    """Whether nobody has settled this run yet."""
    return connection.zscore(keys.wip(lease.queue), lease.member) is not None


def release(connection: Any, leases: Sequence[Lease]) -> int:
    """How many unbegun jobs went back to the heads of their queues; give them in the order they were claimed."""
    if not leases:
        return 0
    args = [part for lease in leases for part in lease]
    return int(_release(connection, keys.queue(leases[0].queue), len(leases), *args))


def release_pack(connection: Any, worker: str, seq: int) -> int:
    """How many jobs of the request with this number went back; a request still under way will claim nothing."""
    return int(_release_pack(connection, keys.pack(worker), worker, seq))
