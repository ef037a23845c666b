"""How a run failed: its traceback with the lines of source that were stored with it, what kind of failure, its last stack."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rq import inert
from rq.exceptions import PayloadTooLarge
from rq.fingerprint import describe
from rq.store import fields as codec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rq.store.view_page import Entry

__all__ = ['Failure', 'failure', 'text_of']

# Bytes that a stored traceback may expand to, and characters of it that are shown: both ends.
EXPANDED, SHOWN = 8_000_000, 60_000
# Where the stack begins that a supervisor has saved with what it knows of a death (worker/killing.py).
STACK = re.compile(r'\n\n(?=(?:Fatal Python error|Current thread |Thread 0x|Stack \(most recent))')


@dataclass(frozen=True, slots=True)
class Failure:
    """How a run failed."""

    text: str  # the traceback
    title: str  # its last line
    fingerprint: str  # 12 hex digits: the group of such failures
    stack: str  # of the process, saved as it was killed or crashed; '' none


def failure(last: Entry | None, told: Mapping[str, bytes], status: str, most: int = SHOWN) -> Failure | None:
    """The failure that a job's newest result tells of, or the hash that an old RQ has written."""
    stored = last.fields.get('exc_string') if last is not None else None
    if stored is None and status in ('failed', 'stopped'):
        stored = told.get('exc_info')
    if not stored:
        return None
    whole = text_of(stored)
    kind = describe(whole)
    text, _, stack = _divided(whole)
    title = f'{kind.type}: {kind.message}' if kind.type else kind.message
    return Failure(
        text=inert.scrub(_cut(text, most)),
        title=inert.scrub(title[:500]),
        fingerprint=kind.fingerprint,
        stack=inert.scrub(_cut(stack, most)),
    )


def text_of(stored: bytes) -> str:
    """The text of a stored traceback; what cannot be unpacked as it is."""
    try:
        return codec.text(codec.expand(b64decode(stored, validate=True), EXPANDED))
    except PayloadTooLarge:
        return '(a traceback that would expand to more than is shown)'
    except ValueError:
        try:
            return codec.text(codec.expand(stored, EXPANDED))
        except PayloadTooLarge:
            return '(a traceback that would expand to more than is shown)'


def _divided(text: str) -> tuple[str, str, str]:
    found = STACK.search(text)
    return (text[: found.start()], '\n\n', text[found.end() :]) if found else (text, '', '')


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f'{text[:half]}\n... {len(text) - 2 * half:,} characters left out ...\n{text[-half:]}'
