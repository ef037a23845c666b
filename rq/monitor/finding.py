"""What a check of an installation or of a server finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ['Finding', 'Level']

Level = Literal['ok', 'warning', 'fault']


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found. A fault: jobs are lost or do not run. A warning: they may."""

    level: Level
    text: str
