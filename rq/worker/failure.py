"""What a failure looks like to people: the traceback of the job's own code, or one line where there is none."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ['exception_text', 'reason_of']

_OURS = os.path.join(Path(__file__).parents[1], '')


def _own_code(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from where the job's code begins; all of it when the failure is not in the job's code."""
    first = frames
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_OURS):
        first = first.tb_next
    return first or frames


def exception_text(error: BaseException) -> str:
    """The traceback as Python prints it. An exception that cannot be printed is named by its class."""
    try:
        return ''.join(traceback.format_exception(type(error), error, _own_code(error.__traceback__)))
    except BaseException as trouble:  # printing runs the exception's own code
        return f'{type(error).__module__}.{type(error).__qualname__} (cannot be printed: {type(trouble).__name__})\n'


def reason_of(error: BaseException) -> str:
    """One line: the class and what it says."""
    try:
        return traceback.format_exception_only(type(error), error)[-1].strip()
    except BaseException:
        return type(error).__qualname__
