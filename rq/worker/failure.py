"""What a failure looks like to people: the traceback of the job's own code, or one line where there is none."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from rq.exceptions import RQError
from rq.limits import tame
from rq.timeouts import BaseTimeoutException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ['exception_text', 'one_line', 'reason_of', 'shortened']

_OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), '')


def exception_text(error: BaseException) -> str:
    """The traceback as Python prints it, from where the job's code begins.

    What we raise on purpose about a job comes alone if none of the job's code was under way. An exception that cannot
    be printed is named by its class.
    """
    frames = _own_code(error.__traceback__)
    chain = True
    if frames is None and isinstance(error, (RQError, BaseTimeoutException)):
        chain = any(_own_code(cause.__traceback__) for cause in _causes(error))
    elif frames is None:
        frames = error.__traceback__  # perhaps a mistake of ours
    try:
        return ''.join(traceback.format_exception(type(error), error, frames, chain=chain))
    except BaseException as trouble:  # noqa: BLE001 - printing runs the exception's own code
        return f'{_class(error)} (cannot be printed: {type(trouble).__name__})\n'


def _own_code(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is not of this package; None where there is no such frame."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OURS):
        frames = frames.tb_next
    return frames


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__


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


def one_line(text: str, most: int = 0) -> str:
    """The text as a log line may have it: control characters, which could forge lines or steer a terminal, escaped.

    `most`: characters of it that are shown; 0: all.
    """
    if most and len(text) > most:
        text = f'{text[:most]}...'
    return tame(text)
