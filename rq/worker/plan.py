"""What the supervisor should do now: pure functions of what it sees. Processes, sockets and clocks are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import settings
from .board import Phase

__all__ = ['Rhythm', 'Watched', 'after_end', 'grace', 'on_signal', 'watch']

NS = 1_000_000_000


@dataclass(slots=True)
class Rhythm:
    """When each regular task is due next (monotonic seconds). `due` names the tasks of now and sets their next time."""

    every: dict[str, float]
    at: dict[str, float] = field(default_factory=dict)

    def due(self, now: float) -> list[str]:
        """The tasks whose time has come, in the order in which they are listed."""
        found = [task for task in self.every if self.at.get(task, 0.0) <= now]
        for task in found:
            self.at[task] = now + self.every[task]
        return found

    def delay(self, task: str, until: float) -> None:
        """Puts a task off."""
        self.at[task] = until

    def next(self) -> float:
        """When the next task is due; 0 before the first."""
        return min(self.at.get(task, 0.0) for task in self.every)


@dataclass(slots=True)
class Watched:
    """The run that the supervisor looks at: which one, and what was done about it."""

    run: tuple[int, int] | None = None  # monotonic nanoseconds of its begin, and its place on the board
    shown: bool = False
    shown_at: float = 0.0
    killed: bool = False


def watch(watched: Watched, run: tuple[int, int] | None, timeout: int, clock_ns: int) -> list[str]:
    """What to do about the running job: 'show' (announce, hand back the rest), 'renew' its announcement, 'kill' it."""
    if run != watched.run:
        watched.run, watched.shown, watched.killed = run, False, False
    if run is None:
        return []
    seconds = (clock_ns - run[0]) / NS
    todo = []
    if not watched.shown and seconds >= settings.ANNOUNCE_AFTER:
        watched.shown, watched.shown_at = True, clock_ns / NS
        todo.append('show')
    elif watched.shown and clock_ns / NS - watched.shown_at >= settings.ANNOUNCE_TTL / 3:
        watched.shown_at = clock_ns / NS
        todo.append('renew')
    if timeout > 0 and seconds >= timeout + settings.HARD_GRACE and not watched.killed:
        watched.killed = True
        todo.append('kill')
    return todo


def on_signal(stopping_since: float | None, now: float) -> str:
    """'warm' on the first signal; 'cold' on one at least a second later; '' for one that belongs to the first."""
    if stopping_since is None:
        return 'warm'
    return 'cold' if now - stopping_since >= 1.0 else ''


def grace(stopping_since: float | None, seconds: float | None, now: float) -> str:
    """What the grace of a stop means now: '' nothing (yet), 'kill' what still runs, 'leave' whatever is not done.

    It is killed a little early, so that there is time to say what became of it.
    """
    if stopping_since is None or seconds is None:
        return ''
    waited = now - stopping_since
    if waited >= seconds:
        return 'leave'
    return 'kill' if waited >= seconds - min(settings.GRACE_MARGIN, seconds / 4) else ''


def after_end(reason: int, clean: bool, stopping: bool) -> str:
    """'end' the worker, 'start' a new horse at once, or start one 'later' (it died): what the end of a horse means."""
    if stopping:
        return 'end'
    if not clean:
        return 'later'
    if reason in {Phase.BURST_DONE, Phase.MAX_JOBS, Phase.MAX_IDLE, Phase.SUSPENDED}:
        return 'end'
    return 'start'
