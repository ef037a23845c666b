"""Reading a stored call without loading it: nothing in it is imported, and nothing of it is run."""

from __future__ import annotations

import json

from .store.fields import expand

__all__ = ['function_name']

# What is looked at; the name stands at the beginning.
MOST = 1_000_000
SKIPPED = {'PROTO', 'FRAME', 'MARK', 'MEMOIZE', 'BINPUT', 'LONG_BINPUT', 'PUT'}
TEXTS = {'SHORT_BINUNICODE', 'BINUNICODE', 'BINUNICODE8', 'UNICODE'}


def function_name(stored: bytes) -> str | None:
    """The dotted path that a stored call (pickle or JSON) names; None for a method, and for what cannot be told."""
    try:
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
