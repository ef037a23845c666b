"""How a horse learns that it should end: a word on the board, a signal, or a supervisor that is no more."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any

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

    def fileno(self) -> int:
        """The pipe, to wait on."""
        return self._fd

    def take_signal(self) -> None:
        """Lets SIGTERM mean: end the job in hand, give back the rest, end. The kernel sends it when the parent dies."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, signum: int, frame: Any) -> None:
        self.stopping = True

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

    def pause(self, seconds: float) -> None:
        """Waits; a word from the supervisor ends it early."""
        if self.orphaned:
            time.sleep(seconds)  # at its end a pipe is ready at once, always
        else:
            select.select([self], [], [], seconds)
        self.told_to_stop()
