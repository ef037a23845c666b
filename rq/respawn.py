"""When a worker process that died is started again."""

from __future__ import annotations

import time

__all__ = ['FIRST_PAUSE', 'LONGEST_PAUSE', 'QUICK_SECONDS', 'Respawn']

# A worker that dies sooner than this has hardly run a job: it counts as one that cannot start.
QUICK_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


class Respawn:
    """The pause before the next start: none after a death, longer and longer while they die right after their start."""

    def __init__(self) -> None:
        self.quick_deaths = 0
        self._next_start = 0.0

    def note_death(self, lived: float) -> None:
        """Takes down that one has died, so many seconds after its start."""
        self.quick_deaths = self.quick_deaths + 1 if lived < QUICK_SECONDS else 0
        # The first one at once: whatever killed a worker, its jobs wait.
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self.quick_deaths - 2)) if self.quick_deaths > 1 else 0.0
        self._next_start = time.monotonic() + pause

    @property
    def pause(self) -> float:
        """Seconds until one may be started; 0: now."""
        return max(0.0, self._next_start - time.monotonic())
