"""A module that leaves its mark when it is imported: named as a serializer by a forged job."""

from __future__ import annotations

import pickle
from typing import Any

from tests.security.jobs import boom

boom()


def dumps(value: Any) -> bytes:
    return pickle.dumps(value)


def loads(data: bytes) -> Any:
    boom()
    return pickle.loads(data)
