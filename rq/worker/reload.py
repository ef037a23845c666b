"""Edited code is live: notices that a source file of the jobs' modules has changed since it was imported."""

from __future__ import annotations

import os
import sys
import sysconfig
import time

__all__ = ['SourceWatch']

# A worker that is never idle looks once a second; one that was woken looks at once.
LOOK_EVERY = 1.0
# Times of files come from a clock that ticks every 4 ms, or 10.
TICK = 10_000_000


class SourceWatch:
    """The project's own modules that this process imported: not the library, not what is installed, not rq."""

    def __init__(self) -> None:
        self._base = set(sys.modules)
        self._known = len(sys.modules)
        self._stamps: dict[str, tuple[int, int]] = {}
        self._next = 0.0
        self._looked = time.time_ns()
        self._outdated = False
        paths = sysconfig.get_paths()
        installed = [paths[name] for name in ('stdlib', 'platstdlib', 'purelib', 'platlib')]
        installed.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self._installed = tuple({os.path.join(path, '') for path in installed})

    def learn(self) -> None:
        """Notes the files of the modules imported since the last call."""
        if len(sys.modules) == self._known:
            return
        self._known = len(sys.modules)
        for name in list(sys.modules):
            if name in self._base:
                continue
            self._base.add(name)
            path = getattr(sys.modules.get(name), '__file__', None)
            if isinstance(path, str) and path.endswith('.py') and not path.startswith(self._installed):
                self._note(path)

    def _note(self, path: str) -> None:
        stamp = _stamp(path)
        if stamp is not None:
            self._stamps[path] = stamp
            # Imported after `changed` looked last. A file written since then may be newer than what was imported.
            if self._looked - TICK < stamp[0] < time.time_ns() + TICK:
                self._outdated = True

    def changed(self, now: bool) -> bool:
        """Whether a file is not as it was. Looks at once or, without `now`, once a second. To be asked before each pack."""
        self._looked = time.time_ns()
        clock = time.monotonic()
        if not now and clock < self._next:
            return self._outdated
        self._next = clock + LOOK_EVERY
        self._outdated = self._outdated or any(
            _stamp(path) not in (stamp, None) for path, stamp in self._stamps.items()
        )
        return self._outdated


def _stamp(path: str) -> tuple[int, int] | None:
    # A file that is gone for a moment is one that an editor is writing.
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
