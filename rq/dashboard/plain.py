"""Any of a page's values as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

__all__ = ['as_json', 'plain']


def plain(value: Any) -> Any:
    """The value as JSON has it: dataclasses as objects, times as ISO text, no number that JSON lacks, no broken text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return str(value).encode('utf-8', 'replace').decode('utf-8')
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def as_json(value: Any) -> str:
    """JSON in ASCII, with an end of line."""
    return json.dumps(plain(value), allow_nan=False) + '\n'
