"""What kind of failure a traceback tells of: failures of one kind have one fingerprint, of whichever job and line.

It is made of the text that is stored with the job, so that failures of other RQs and of former days have theirs too. In
it are the class of the exception and the innermost functions of the job's own code: no line numbers, which an edit
moves, and no message, which names ids. A failure without a traceback is told by its first line, numbers left out.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

__all__ = ['Failure', 'describe']

# Of a traceback both ends are read; what tells stands there.
HEAD, TAIL = 4_000, 60_000
# Functions that tell where it happened; what called them may differ from job to job.
PLACES = 3
MESSAGE = 500
FRAME = re.compile(r'^ *(?:\| *)?  File "(.{1,1000})", line \d+(?:, in (.{1,200}))?$')
# Whose frames are not the job's own code: ours, and installed packages and the standard library.
OURS = re.compile(r'[/\\]rq[/\\](?:(?:job|worker|queue)[/\\])?\w+\.py$')
NOT_OWN = re.compile(rf'[/\\](?:site-packages|dist-packages|lib[/\\]python3[^/\\]*)[/\\]|^<frozen |{OURS.pattern}')
CLASS = re.compile(r'^[ |]*([\w.]+)(?:: |:$|$)(.*)')
NUMBERS = re.compile(r'0x[0-9a-fA-F]+|(?<!\d)(?<!signal )\d+(?:\.\d+)?')  # which signal it was tells kinds apart


class Failure(NamedTuple):
    """A failure as it is grouped and shown."""

    fingerprint: str  # 12 hex digits
    type: str
    message: str  # one line
    place: str  # the functions, innermost last: `shop.py charge > gateway.py send`


def describe(traceback: str) -> Failure:
    """The kind of failure that the text of an exception tells of."""
    if len(traceback) > HEAD + TAIL:
        traceback = f'{traceback[:HEAD]}\n{traceback[-TAIL:]}'
    frames, last = _frames(traceback.splitlines())
    kind, message = _raised(last)
    own = [frame for frame in frames if not NOT_OWN.search(frame[0])]
    own = own or [frame for frame in frames if not OURS.search(frame[0])][-1:]
    places = [f'{_file(path)} {function}'.strip() for path, function in own[-PLACES:]]
    told = [kind, *places] if places else [kind, NUMBERS.sub('#', message)]
    digest = sha256('\n'.join(told).encode('utf-8', 'backslashreplace')).hexdigest()[:12]
    return Failure(digest, kind, message, ' > '.join(places))


def _frames(lines: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The frames of the exception that was raised last, and the lines that say what it was."""
    frames: list[tuple[str, str]] = []
    last: list[str] = []
    for line in lines:
        found = FRAME.match(line)
        if found:
            if last:  # the exception before has been told: this is the next one
                frames = []
            frames.append((found[1], found[2] or ''))
            last = []
        elif (line.strip(' |') and not re.match(r'^ *\|? {4}|^Traceback ', line)) or not frames:
            last.append(line)
    return frames, last


def _raised(lines: list[str]) -> tuple[str, str]:
    for number, line in enumerate(lines):
        found = CLASS.match(line)
        if found and line.strip():
            rest = ' '.join([found[2], *lines[number + 1 : number + 4]])
            if ' ' not in found[1] and (
                found[2] or ':' in line or len(lines) == 1 or '.' in found[1] or found[1][:1].isupper()
            ):
                return found[1][:200], ' '.join(rest.split())[:MESSAGE]
    first = next((line for line in lines if line.strip()), '')
    return '', ' '.join(first.split())[:MESSAGE]


def _file(path: str) -> str:
    return re.split(r'[/\\]', path)[-1]
