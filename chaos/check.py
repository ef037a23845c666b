"""Compares what happened with what was promised. Each finding names an invariant's breach, the job, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from chaos.facts import TERMINAL, Facts
from chaos.ledger import Attempt
from chaos.plan import CALM
from chaos.world import SLIP, Kill

__all__ = ['Finding', 'Report', 'check']

# A machine that vanishes takes with it what was claimed less than 100 ms ago and not yet shown to readers; on two busy
# cores the supervisor comes to showing it a little later.
UNSHOWN = 0.3
# A process that is killed just after its job's last line may die before the outcome is on its board.
BETWEEN = 0.3
# A worker that is silent for so long counts as dead.
LEASE = 30.0
# After an outage a worker tries again within so many seconds.
WAIT = 2.0
BREACHES = ['lost', 'stuck', 'twice', 'stale', 'failed falsely', 'early', 'order', 'limit', 'callback', 'reaped falsely',
            'exit', 'leak', 'census']  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One breach: its kind (of BREACHES), the producer's number of the job (0: of none), and the evidence."""

    kind: str
    number: int
    text: str


@dataclass
class Report:
    """What a run has shown."""

    findings: list[Finding] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    slip: float = 0.0

    @property
    def void(self) -> bool:
        """Whether the machine was too busy for the figures to mean anything."""
        return self.slip > SLIP

    def counts(self) -> dict[str, int]:
        """How many of each breach."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in BREACHES}


def check(facts: Facts) -> Report:
    """All of it."""
    report = Report(slip=facts.slip)
    checks = _Checks(facts)
    for record in facts.records:
        report.findings += checks.job(record)
    report.findings += checks.limits()
    report.findings += checks.machinery()
    report.numbers = checks.numbers()
    return report


class _Checks:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.killed = {pid: kill for kill in facts.kills if kill.what != 'worker' for pid in kill.pids}
        self.last = {}  # of each process: the job that it began last
        for attempt in sorted((a for each in facts.attempts.values() for a in each), key=lambda a: a.began):
            self.last[attempt.pid] = attempt
        self.phases = Counter((entry.number, entry.phase) for entry in facts.entries)
        self.blamed: Counter[int] = Counter()  # kills, by place: how many jobs that left no line are theirs
        self.by_id = {record['id']: record for record in facts.records if record['id']}
        self.twice: Counter[str] = Counter()
        self.died = 0  # jobs that failed because their process was killed

    def t(self, at: float) -> str:
        """A moment as the history of the run has it."""
        return f'{at - self.facts.began:.2f} s' if at else '(never)'

    # --- one job

    def job(self, record: dict[str, Any]) -> Iterator[Finding]:
        number, job_id = record['number'], record['id']
        tries = self.facts.attempts.get(number, [])
        status = self.facts.status(job_id)
        yield from self._whereabouts(record, status, tries)
        yield from self._repetitions(record, tries)
        yield from self._outcomes(record, tries)
        if status == 'failed' and record['kind'] != 'raced':
            why = self._false_failure(record, tries)
            if why:
                yield Finding('failed falsely', number, why)
        yield from self._beginnings(record, tries)
        yield from self._callbacks(record, status)

    def _whereabouts(self, record: dict[str, Any], status: str, tries: list[Attempt]) -> Iterator[Finding]:
        number, job_id = record['number'], record['id']
        if not job_id:
            return
        if not status:
            if record['state'] == 'acknowledged' and record['kind'] != 'raced':
                yield Finding('lost', number, 'it was acknowledged, and Redis has no such job')
            return
        where = self.facts.places.get(job_id)
        parents = {self.facts.status(parent) for parent in record.get('parents', [])}
        if status == 'deferred' and not record['lenient'] and parents & {'failed', 'stopped', 'canceled'}:
            return
        if status not in TERMINAL:
            if not where and status != 'rate_limited':
                yield Finding('lost', number, f'it is {status} and in no structure')
            else:
                yield Finding(
                    'stuck', number, f'it is {status}, in {where}, {self.facts.rested:.0f} s after the last fault'
                )
        elif status == 'finished' and not any(attempt.how == 'end' for attempt in tries):
            yield Finding('stale', number, 'it is finished, and no run of it came to its end')

    def _repetitions(self, record: dict[str, Any], tries: list[Attempt]) -> Iterator[Finding]:
        """Why did each begin after the first take place?"""
        if record['kind'] == 'raced':
            return
        runs, left = record.get('runs', 1), record.get('tries', 1)
        for before, after in pairwise(tries):
            kill = self._death(before)
            dead = before.how == 'raise' or kill is not None
            if before.how == 'end' and runs > 1:
                runs -= 1
            elif dead and left > 1:
                left -= 1
                self.twice['policy'] += 1
            elif kill is not None and self._vanished(kill) and self._in_touch(before.began, kill.at) < UNSHOWN:
                self.twice['host'] += 1
            elif self._stood_still(before, after.began):
                self.twice['cut off'] += 1
            else:
                self.twice['not allowed'] += 1
                how = {'end': 'ended', 'raise': 'raised', '': 'did not end'}[before.how]
                told = f'began at {self.t(before.began)} in {before.pid} and {how} {self.t(before.ended)}, again at {self.t(after.began)} in {after.pid}'
                yield Finding(
                    'twice', record['number'], told + (f'; {kill.what} killed at {self.t(kill.at)}' if kill else '')
                )

    def _death(self, attempt: Attempt) -> Kill | None:
        """The kill that this run did not survive: it was the last of its process, and had not ended long before."""
        kill = self.killed.get(attempt.pid)
        # What a horse ran before is on its board, which outlives it, but not its host.
        if kill is None or (self.last[attempt.pid] is not attempt and not self._vanished(kill)):
            return None
        if not attempt.ended:
            return kill
        since = self._in_touch(attempt.ended, kill.at) if self._vanished(kill) else kill.at - attempt.ended
        return kill if since < BETWEEN else None

    def _stood_still(self, attempt: Attempt, then: float) -> bool:
        """Whether its worker was taken for dead, since it stood still for longer than its lease."""
        return any(
            attempt.pid in pause.pids and attempt.began < pause.at + BETWEEN and pause.at + LEASE <= then
            for pause in self.facts.pauses
        )

    def _in_touch(self, start: float, end: float) -> float:
        """Seconds between two moments in which Redis could be told something: outages, and the waits after them, are not."""
        away = sum(max(0.0, min(end, over + WAIT) - max(start, began)) for _, began, over in self.facts.outages)
        return end - start - away

    def _vanished(self, kill: Kill) -> bool:
        """Whether the whole host went: both halves of a worker, before one had told of the other."""
        return kill.what == 'host' or any(
            other.worker == kill.worker and other.what != 'horse' and 0 <= other.at - kill.at < 5
            for other in self.facts.kills
        )

    def _outcomes(self, record: dict[str, Any], tries: list[Attempt]) -> Iterator[Finding]:
        if record['kind'] == 'raced':
            return
        good = [outcome for outcome in self.facts.outcomes.get(record['id'], []) if outcome.kind == 1]
        if len(good) > record.get('runs', 1):
            yield Finding('stale', record['number'], f'{len(good)} results were stored')
        for outcome in good:
            mine = [attempt for attempt in tries if [attempt.attempt, attempt.pid] == outcome.value]
            stored = outcome.at - self.facts.offset
            later = [other for other in tries if mine and mine[0].began < other.began < stored - 0.005]
            if later:
                told = f'the result of the run at {self.t(mine[0].began)} was stored at {self.t(stored)}'
                yield Finding('stale', record['number'], f'{told}; another had begun at {self.t(later[0].began)}')

    def _false_failure(self, record: dict[str, Any], tries: list[Attempt]) -> str:
        """Why it should not have failed, '' if it should."""
        stored = self.facts.outcomes.get(record['id'], [])
        text = stored[-1].text.strip().splitlines()[-1:] if stored else []
        if record['kind'] in ('fails', 'flaky') and tries and tries[-1].how == 'raise':
            return ''
        if tries and self._death(tries[-1]) is not None:
            self.died += 1
            return ''
        if tries and self._stood_still(tries[-1], self.facts.moment(record['id'], 'ended_at') or 0.0):
            return ''
        if tries and tries[-1].how == 'end':
            return f'its run ended well at {self.t(tries[-1].ended)}, and it is failed: {text}'
        if tries:
            return f'its process {tries[-1].pid} was not killed: {text}'
        ended = self.facts.moment(record['id'], 'ended_at') or 0.0
        for place, kill in enumerate(self.facts.kills):
            if -0.5 < ended - kill.at < 60 and not self.blamed[place] and kill.what != 'worker':
                self.blamed[place] += 1
                self.died += 1
                return ''  # it died between its ticket and the first line of its function
        return f'it never began: {text}'

    def _beginnings(self, record: dict[str, Any], tries: list[Attempt]) -> Iterator[Finding]:
        number = record['number']
        if tries and 'due' in record and tries[0].began + self.facts.offset < record['due']:
            early = record['due'] - tries[0].began - self.facts.offset
            yield Finding('early', number, f'it began {early:.3f} s before its time')
        for parent in record.get('parents', []):
            other = self.by_id.get(parent)
            if other is None or not tries or record['lenient']:
                continue
            ends = [attempt.ended for attempt in self.facts.attempts.get(other['number'], []) if attempt.how == 'end']
            if not ends or tries[0].began < min(ends):
                yield Finding('order', number, f'it began at {self.t(tries[0].began)}; {parent} had not ended')

    def _callbacks(self, record: dict[str, Any], status: str) -> Iterator[Finding]:
        number, kind = record['number'], record['kind']
        if kind == 'callback' and status == 'finished' and not self.phases[number, 'success']:
            yield Finding('callback', number, 'it is finished, and its success callback has not run')
        if kind in ('callback', 'fails', 'flaky') and status == 'failed' and not self.phases[number, 'failure']:
            yield Finding('callback', number, 'it is failed, and its failure callback has not run')

    # --- all of them

    def limits(self) -> Iterator[Finding]:
        """Never more than two jobs of the rate limit at a time."""
        moments = []
        for record in self.facts.records:
            if record['kind'] == 'limited':
                for attempt in self.facts.attempts.get(record['number'], []):
                    kill = self.killed.get(attempt.pid)
                    end = attempt.ended or (kill.at if kill else attempt.began)
                    moments += [(attempt.began, 1, record['number']), (end, -1, record['number'])]
        now = 0
        for at, change, number in sorted(moments):
            now += change
            if now > 2 and change > 0:
                yield Finding('limit', number, f'{now} jobs of a limit of 2 ran at {self.t(at)}')

    def machinery(self) -> Iterator[Finding]:
        """Workers, processes, keys."""
        for job_id, worker in self.facts.reaped:
            if worker not in self.facts.killed_workers:
                yield Finding(
                    'reaped falsely',
                    self.by_id.get(job_id, {}).get('number', 0),
                    f'{job_id} from {worker}, which was not killed',
                )
        yield from (Finding('exit', 0, text) for text in self.facts.exits)
        yield from (Finding('leak', 0, text) for text in [*self.facts.fds, *self.facts.left])
        yield from (Finding('census', 0, text) for text in self.facts.violations)

    # --- figures

    def numbers(self) -> dict[str, float]:
        """What was measured."""
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
            'failed, killed': self.died,
            'kills': len(facts.kills),
            'twice by policy': self.twice['policy'],
            'twice, host vanished': self.twice['host'],
            'twice, cut off for a lease': self.twice['cut off'],
            'twice, not allowed': self.twice['not allowed'],
            'births failed': facts.births,
            'rested after': round(facts.rested, 1),
            'slip': round(facts.slip, 3),
        }
        for what in ('horse', 'host'):
            found |= _spread(f'recovery {what}', self._recoveries(what, False))
            found |= _spread(f'recovery {what}, Redis away meanwhile', self._recoveries(what, True))
        found |= _spread('resume', self._resumptions(begins))
        found |= self._throughput(begins)
        return found

    def _recoveries(self, what: str, disturbed: bool) -> list[float]:
        """Seconds from a kill until what the victim held moved on; by whether Redis was away from somebody meanwhile.

        A server that comes back is given a lease in which nobody is reaped, so that it may take longer then.
        """
        seconds: list[float] = []
        for kill in self.facts.kills:
            if self._what(kill) != what or self._is_disturbed(kill) != disturbed:
                continue
            victims = [a for a in (self.last.get(pid) for pid in kill.pids) if a and not a.ended and a.began < kill.at]
            ids = {attempt.id for attempt in victims} | set(kill.held)
            for job_id in ids:
                seconds += self._next_move(job_id, kill.at)
        return seconds

    def _what(self, kill: Kill) -> str:
        return 'host' if kill.what == 'horse' and self._vanished(kill) else kill.what

    def _is_disturbed(self, kill: Kill) -> bool:
        after = 40.0 if self._what(kill) == 'host' else 1.0
        return any(begin < kill.at + after and kill.at - 30 < end for _, begin, end in self.facts.outages)

    def _next_move(self, job_id: str, after: float) -> list[float]:
        record = self.by_id.get(job_id)
        tries = self.facts.attempts.get(record['number'], []) if record else []
        moves = [attempt.began for attempt in tries if attempt.began > after]
        moves += [
            o.at - self.facts.offset for o in self.facts.outcomes.get(job_id, []) if o.at - self.facts.offset > after
        ]
        return [min(moves) - after] if moves else []

    def _resumptions(self, begins: list[float]) -> list[float]:
        """Seconds from the server's return until a job begins."""
        ends = [end for name, _, end in self.facts.outages if name in ('server_killed', 'server_paused', 'black_hole')]
        after = [next((at for at in begins if at > end), None) for end in ends]
        return [at - end for at, end in zip(after, ends, strict=True) if at is not None]

    def _throughput(self, begins: list[float]) -> dict[str, float]:
        start, end = self.facts.began, self.facts.stormed
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
