"""How a horse learns that it should end: a word on the board, a signal, or a supervisor that is no more."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any

from rq._faultpoints import ARMED, reach

from . import board as layout

if TYPE_CHECKING:
    from .board import Board

__all__ = ['Lifeline']


class Lifeline:
    """A pipe whose other end the supervisor holds: a byte in it says "look at the board", its end that it is dead."""

    def __init__(self, fd: int, board: Board) -> None:
        self._fd = fd
        self._words = board.words
        self.stopping = False
        self.orphaned = False
        self._waiting = False

    def fileno(self) -> int:
        """The pipe, to wait on."""
        return self._fd

    def take_signal(self) -> None:
        """Lets SIGTERM mean: end the job in hand, give back the rest, end. The kernel sends it when the parent dies."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, signum: int, frame: Any) -> None:
        if ARMED:
            reach('in.horse_signal_handler')
        self.stopping = True
        if self._waiting:
            raise InterruptedError('told to stop')  # else Python goes on waiting

    def told_to_stop(self) -> bool:
        """Whether to begin nothing any more; looks at the board and at the pipe."""
        if not self.stopping:
            self.look()
            self.stopping = self.orphaned or bool(self._words[layout.STOP])
        return self.stopping

    def look(self) -> None:
        """Learns whether there still is a supervisor."""
        try:
            self.orphaned = self.orphaned or os.read(self._fd, 64) == b''
        except BlockingIOError:
            pass

    def wait(self, files: list[Any], seconds: float) -> list[Any]:
        """Which files are ready, none after so many seconds, or as soon as there is a word from the supervisor."""
        ready: list[Any] = []
        try:
            self._waiting = True
            if not self.stopping:
                ready, _, _ = select.select([*files, self], [], [], seconds)
        except InterruptedError:
            return []
        finally:
            self._waiting = False
        if self in ready:
            self.told_to_stop()
        return [] if self.stopping else [file for file in ready if file is not self]

    def pause(self, seconds: float) -> None:
        """Waits; being told to stop ends it early, but whoever was told before has to wait."""
        if self.stopping:
            time.sleep(seconds)
            self.look()
        else:
            self.wait([], seconds)
