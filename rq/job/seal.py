"""A job and its signature: signed as it is stored, checked before anything of it is unpacked, imported or loaded.

Each function is called where `signing.active` is not None, or asks for it itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq import signing
from rq.exceptions import SignatureError
from rq.limits import printable
from rq.serializers import named

from . import call

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['admits', 'check', 'check_meta', 'dump_meta', 'fault', 'is_required', 'serializer', 'sign', 'stored_meta']


def is_required(queue: str | None) -> bool:
    """Whether jobs of a queue have to be signed."""
    return signing.active is not None and bool(signing.active.mode(queue) == 'require')


def fault(job: Any) -> str | None:
    """What is wrong with the signature of the hash that the job was read from; None for none, and for a new job."""
    have = job.__dict__
    if '_seal' not in have:
        raw = job._raw
        have['_seal'] = signing.active.job_fault(job.id, raw) if raw else None
    found: str | None = have['_seal']
    return found


def check(job: Any) -> None:
    """Nothing for a job that may be unpacked and run. Raises SignatureError; says once what is let through."""
    have = job.__dict__
    if '_admitted' in have:
        return
    queue = have.get('_taken_from')
    wrong = fault(job) or _displaced(job, queue)
    if wrong is not None:
        signing.active.judge(f'Job {printable(job.id)}', wrong, queue)
        if job._raw.get(b'serializer'):  # not imported before
            job.serializer = named(job.serializer, job._raw[b'serializer'])
    have['_admitted'] = True


def _displaced(job: Any, queue: str | None) -> str | None:
    """Whether a worker has found a job in a queue for which it was not signed."""
    if queue is None or not (job._raw or '_stored' in job.__dict__):  # in its caller's hands, or never stored
        return None
    origin = job.__dict__.get('_stored', {}).get('origin') or job._raw.get(b'origin', b'')
    if signing.as_bytes(origin) == signing.as_bytes(queue):
        return None
    return f'it is of queue {signing.shown(origin)!r} and was found in queue {signing.shown(queue)!r}'


def admits(job: Any) -> bool:
    """Whether a job may be unpacked and run."""
    try:
        if signing.active is not None:
            check(job)
    except SignatureError:
        return False
    return True


def serializer(job: Any, name: bytes) -> Any:
    """The serializer that a job's hash names, imported only if the hash may be believed; else the reader's own."""
    if signing.active is not None and signing.active.strict and fault(job) is not None:
        return job.serializer
    return named(job.serializer, name)


def sign(job: Any, fields: dict[str, Any], whole: Mapping[str, Any]) -> None:
    """Puts the signature among the fields that are about to be stored; `whole`: the hash as it will be.

    What was read and cannot be believed is not signed by being saved: it keeps the signature that it had.
    """
    if fault(job) is None:
        if whole is fields or not _BOUND.isdisjoint(fields):
            fields['sig'] = signing.active.sign_job(job.id, whole)
    elif whole is fields and b'sig' in job._raw:
        fields['sig'] = job._raw[b'sig']


_BOUND = {*signing.SIGNED, 'origin'}


# --- meta data


def check_meta(job: Any) -> None:
    """Nothing for meta data that may be loaded. Raises SignatureError."""
    signing.active.check_meta(job.id, job._raw, job.__dict__.get('_taken_from'))


def dump_meta(job: Any, meta: dict[Any, Any]) -> dict[str, bytes]:
    """The fields of meta data, signed where anything is. Raises what `call.dump_meta` raises."""
    stored = call.dump_meta(job.serializer, meta)
    if signing.active is None:
        return {'meta': stored}
    return {'meta': stored, 'meta_sig': signing.active.sign_meta(job.id, stored)}


def stored_meta(before: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of meta data that nobody has looked at."""
    return {name: before[name] for name in ('meta', 'meta_sig') if before.get(name)}
