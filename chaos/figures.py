"""What a run has measured: recovery, resumption, throughput."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from chaos.facts import Facts
from chaos.plan import CALM
from chaos.world import Kill

__all__ = ['BOUNDS', 'Figures']

# Seconds after which what a victim held has moved on (I9), where everybody could reach Redis.
BOUNDS = {'horse': 1.0, 'host': 40.0}
# An outage that ended so long before a kill still tells: the server is given a lease in which nobody is reaped.
BEFORE = {'horse': 3.0, 'host': 31.0}


class Figures:
    """Of one run's facts."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.numbers_of = {record['id']: record['number'] for record in facts.records if record['id']}

    def numbers(self) -> dict[str, float]:
        """By name; times are seconds."""
        facts = self.facts
        statuses = Counter(facts.status(record['id']) or 'gone' for record in facts.records)
        states = Counter(record['state'] for record in facts.records)
        begins = sorted(attempt.began for each in facts.attempts.values() for attempt in each)
        found: dict[str, float] = {
            'enqueued': len(facts.records),
            'unknown': states['unknown'],
            'began': len(begins),
            'finished': statuses['finished'],
            'failed': statuses['failed'],
            'kills': len(facts.kills),
            'births failed': facts.births,
            'rested after': round(facts.rested, 1),
        }
        for what in BOUNDS:
            found |= _spread(f'recovery {what}', [seconds for _, seconds in self._recoveries(what, False)])
            disturbed = [seconds for _, seconds in self._recoveries(what, True)]
            found |= _spread(f'recovery {what}, Redis away meanwhile', disturbed)
        return found | _spread('resume', self._resumptions(begins)) | self._throughput(begins)

    def late(self) -> Iterator[str]:
        """Recoveries that took longer than promised."""
        for what, bound in BOUNDS.items():
            for job_id, seconds in self._recoveries(what, False):
                if seconds > bound:
                    yield f'{job_id} moved on {seconds:.2f} s after its {what} was killed'

    def _recoveries(self, what: str, disturbed: bool) -> Iterator[tuple[str, float]]:
        """Jobs that victims held, and the seconds from the kill until each moved on."""
        for kill in self.facts.kills:
            if self._what(kill) == what and self._is_disturbed(kill) == disturbed:
                last = (self.facts.last.get(pid) for pid in kill.pids)
                begun = {run.id for run in last if run and not run.ended and run.began < kill.at}
                for job_id in begun | set(kill.held):
                    moved = self._next_move(job_id, kill.at)
                    if moved is not None:
                        yield job_id, moved

    def _what(self, kill: Kill) -> str:
        return 'host' if kill.what == 'horse' and self.facts.vanished(kill) else kill.what

    def _is_disturbed(self, kill: Kill) -> bool:
        """Whether Redis was away from somebody meanwhile, or somebody stood still."""
        what = self._what(kill)
        spans = [(begin, end) for _, begin, end in self.facts.outages] + self.facts.halts
        return any(begin < kill.at + BOUNDS[what] and kill.at - BEFORE[what] < end for begin, end in spans)

    def _next_move(self, job_id: str, after: float) -> float | None:
        moves = [run.began for run in self.facts.attempts.get(self.numbers_of.get(job_id, 0), [])]
        moves += [outcome.at - self.facts.offset for outcome in self.facts.outcomes.get(job_id, [])]
        moves.append(self.facts.moment(job_id, 'enqueued_at') or 0.0)  # for another try, which may wait its turn
        moves = [move for move in moves if move > after]
        return min(moves) - after if moves else None

    def _resumptions(self, begins: list[float]) -> list[float]:
        """Seconds from the server's return until a job begins."""
        ends = [end for name, _, end in self.facts.outages if name in ('server_killed', 'server_paused', 'black_hole')]
        after = [next((at for at in begins if at > end), None) for end in ends]
        return [at - end for at, end in zip(after, ends, strict=True) if at is not None]

    def _throughput(self, begins: list[float]) -> dict[str, float]:
        start = self.facts.began
        end = max([start, *(record['at'] for record in self.facts.records if 'at' in record)])  # of enqueueing
        inside = [at for at in begins if at <= end]
        calm = sum(1 for at in inside if start + 1 < at < start + CALM)
        gaps = [after - before for before, after in pairwise(inside)]
        return {
            'jobs a second': round(len(inside) / max(end - start, 0.1), 1),
            'calm jobs a second': round(calm / (CALM - 1), 1),
            'longest gap': round(max(gaps, default=0.0), 2),
        }


def _spread(name: str, values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    found = sorted(values)
    at = {'p50': found[len(found) // 2], 'p99': found[min(int(len(found) * 0.99), len(found) - 1)], 'max': found[-1]}
    return {f'{name} n': len(found), **{f'{name} {key}': round(value, 3) for key, value in at.items()}}
