"""A stored job for another place: as a copy, or on another queue. Its call is not unpacked, and nothing of it is imported."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from rq import signing
from rq.store import enqueue
from rq.store import job as store
from rq.utils import now, utcformat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

__all__ = ['copy_id', 'enqueue_copy', 'signatures_for']

# What a copy takes along: the call and how it is to be run. Not what came of it, whom it waited for, nor its group.
COPIED = (
    'data', 'description', 'timeout', 'serializer', 'ttl', 'result_ttl', 'failure_ttl',
    'retry_intervals', 'enqueue_at_front_on_retry', 'retry_on', 'give_up_on', 'on_lost', 'rate_limit_key',
    'rate_limit_concurrency', 'webhooks', 'success_callback_name', 'success_callback_timeout', 'failure_callback_name',
    'failure_callback_timeout', 'stopped_callback_name', 'stopped_callback_timeout', 'meta',
)  # fmt: skip


def copy_id(job_id: str, once: str) -> str:
    """The id of a job's copy; the same for the same `once`, so that what is asked for twice is done once."""
    return hashlib.blake2b(f'{once}:{job_id}'.encode(), digest_size=16).hexdigest()


def enqueue_copy(connection: Redis, job_id: str, once: str) -> str:
    """QUEUED, GONE, or SIGNED for a job whose signature this process cannot make anew.

    It does not wait for other jobs; retries are as many as the job had at first.
    """
    raw = store.fetch(connection, job_id)
    if b'data' not in raw or b'origin' not in raw:
        return 'GONE'
    new_id, fields = copy_id(job_id, once), _copied(raw)
    if not _sign(job_id, raw, new_id, fields):
        return 'SIGNED'
    queue = raw[b'origin'].decode('utf-8', 'backslashreplace')
    entry = enqueue.Entry(new_id, fields, ttl=_number(raw.get(b'ttl')), waits=b'rate_limit_key' in raw)
    put = enqueue.enqueue_when_ready if entry.waits else enqueue.enqueue
    put(connection, queue, entry)
    return 'QUEUED'


def _copied(raw: dict[bytes, bytes]) -> dict[str, Any]:
    at = utcformat(now())
    fields: dict[str, Any] = {name: raw[name.encode()] for name in COPIED if raw.get(name.encode())}
    used = max(_number(raw.get(b'retries_used')), _number(raw.get(b'number_of_retries')))
    if retries := _number(raw.get(b'retries_left')) + used:
        fields['retries_left'] = retries
    return {**fields, 'origin': raw[b'origin'], 'created_at': at, 'enqueued_at': at, 'status': 'queued'}


def _number(stored: bytes | None) -> int:
    return int(stored) if stored and stored.isdigit() and len(stored) < 10 else 0


def _sign(job_id: str, raw: dict[bytes, bytes], new_id: str, fields: dict[str, Any]) -> bool:
    """Whether the copy is as well signed as the job was."""
    signer = signing.load()
    if signer is None:
        return b'sig' not in raw
    if signer.job_fault(job_id, raw) is not None:  # what cannot be believed is not made to look so
        return not signer.strict
    fields['sig'] = signer.sign_job(new_id, fields)
    if 'meta' in fields:
        fields['meta_sig'] = signer.sign_meta(new_id, fields['meta'])
    return True


def signatures_for(connection: Redis, job_ids: Sequence[str], queue: str) -> list[tuple[str, bytes, bytes]]:
    """Each job's id, its signature, and the one that it needs on another queue; b'' where there is none, or no key."""
    signed = [signature or b'' for signature in store.one_field(connection, job_ids, 'sig')]
    signer, found = signing.load() if any(signed) else None, []
    for job_id, old in zip(job_ids, signed, strict=True):
        new = b''
        if old and signer is not None:
            raw = store.fetch(connection, job_id)
            if signer.job_fault(job_id, raw) is None:
                fields = {name.decode('ascii', 'replace'): value for name, value in raw.items()}
                new = signer.sign_job(job_id, {**fields, 'origin': queue})
        found.append((job_id, old, new))
    return found
