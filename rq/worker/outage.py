"""Redis is away: waiting longer and longer, saying so once, and saying when it is back."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from rq.store.replies import Trouble, classify

if TYPE_CHECKING:
    import logging

__all__ = ['Outage']

SHORTEST, LONGEST = 0.1, 5.0  # seconds between tries: invariant I12


class Outage:
    """One process's trouble with Redis, from the first error to the next success."""

    def __init__(self, log: logging.Logger, who: str) -> None:
        self._log = log
        self._who = who
        self._since = 0.0
        self._wait = 0.0
        self._told = ''

    @property
    def on(self) -> bool:
        """Whether the last try failed."""
        return self._since > 0

    @property
    def seconds(self) -> float:
        """How long the trouble has lasted; 0 while there is none."""
        return time.monotonic() - self._since if self._since else 0.0

    def failed(self, error: BaseException) -> float:
        """Takes in an error; answers how many seconds to wait before the next try."""
        kind = classify(error)
        if not self._since:
            self._since = time.monotonic()
            self._wait = SHORTEST
        else:
            self._wait = min(self._wait * 2, LONGEST)
        text = f'{type(error).__name__}: {error}'
        if kind.value != self._told:
            self._told = kind.value
            what = 'Redis refuses' if kind is Trouble.REFUSED else 'Redis trouble'
            self._log.error(f'{self._who}: {what} ({text}); trying again')
        if kind is not Trouble.TRANSIENT:
            self._wait = max(self._wait, 1.0)  # nobody but an operator can help: slowly
        return self._wait * random.uniform(0.7, 1.0)

    def passed(self) -> float:
        """Takes in a success; answers how many seconds it had lasted (0: there was none)."""
        if not self._since:
            return 0.0
        seconds = time.monotonic() - self._since
        self._since, self._told = 0.0, ''
        self._log.warning(f'{self._who}: Redis is back after {seconds:.1f} seconds')
        return seconds
