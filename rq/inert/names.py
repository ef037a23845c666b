"""The function that a stored call names: what lists of thousands of jobs ask for, so it stops as soon as it knows."""

from __future__ import annotations

import json

from rq.store.fields import expand

__all__ = ['function_name']

# What is looked at; the name stands at the beginning.
MOST = 1_000_000
SKIPPED = {'PROTO', 'FRAME', 'MARK', 'MEMOIZE', 'BINPUT', 'LONG_BINPUT', 'PUT'}
TEXTS = {'SHORT_BINUNICODE', 'BINUNICODE', 'BINUNICODE8', 'UNICODE'}
# How nearly all calls begin, with protocol 4 and later: a frame of 8 bytes of length, a mark, a short text, its length.
PROTOCOLS = (b'\x80\x04\x95', b'\x80\x05\x95')
MARK_TEXT = b'(\x8c'


def function_name(stored: bytes) -> str | None:
    """The dotted path that a stored call (pickle or JSON) names; None for a method, and for what cannot be told."""
    try:
        if stored[:3] in PROTOCOLS and stored[11:13] == MARK_TEXT:
            end = 14 + stored[13]
            if stored[end : end + 2] == b'\x94N':  # remembered, and no object that it is a method of
                return stored[14:end].decode()
        plain = expand(stored, MOST)
        if plain[:1] == b'[':
            name, instance = json.loads(plain)[:2]
            return name if isinstance(name, str) and instance is None else None
        return _of_pickle(plain)
    except Exception:  # noqa: BLE001 - whatever is stored there
        return None


def _of_pickle(plain: bytes) -> str | None:
    """From the pickle's instructions, which are read and not followed: (name, None, ...)."""
    from pickletools import genops

    name = None
    for code, argument, _ in genops(plain):
        if code.name in SKIPPED:
            continue
        if name is None and code.name in TEXTS:
            name = str(argument)
        else:
            return name if code.name == 'NONE' else None
    return None
