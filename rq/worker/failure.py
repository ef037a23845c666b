"""What a failure looks like to people: the traceback of the job's own code, or one line where there is none."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

import rq
from rq.exceptions import RQError
from rq.timeouts import BaseTimeoutException

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ['exception_text', 'reason_of', 'shortened']

_OURS = os.path.join(os.path.dirname(os.path.abspath(rq.__file__)), '')


def _own_code(error: BaseException) -> TracebackType | None:
    """The traceback from where the job's code begins.

    Where none of it is the job's: nothing for what we raise on purpose, all of it for what may be a mistake of ours.
    """
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_OURS):
        first = first.tb_next
    if first is None and not isinstance(error, (RQError, BaseTimeoutException)):
        return error.__traceback__
    return first


def exception_text(error: BaseException) -> str:
    """The traceback as Python prints it. An exception that cannot be printed is named by its class."""
    try:
        return ''.join(traceback.format_exception(type(error), error, _own_code(error)))
    except BaseException as trouble:  # noqa: BLE001 - printing runs the exception's own code
        return f'{_class(error)} (cannot be printed: {type(trouble).__name__})\n'


def reason_of(error: BaseException) -> str:
    """One line: the class and what it says."""
    try:
        said = ' '.join(str(error).split())
    except BaseException as trouble:  # noqa: BLE001 - as above
        return f'{_class(error)} (cannot be printed: {type(trouble).__name__})'
    return f'{_class(error)}: {said}' if said else _class(error)


def _class(error: BaseException) -> str:
    return f'{type(error).__module__}.{type(error).__qualname__}'.removeprefix('builtins.')


def shortened(text: str, most: int) -> str:
    """The text, or its two ends and how much is left out between them."""
    if len(text) <= most:
        return text
    return f'{text[: most // 2]}\n... {len(text) - most} characters left out ...\n{text[-(most // 2) :]}'
