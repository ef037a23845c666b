"""Compares what happened with what was promised. Each finding names an invariant's breach, the job, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from chaos.facts import TERMINAL, Facts
from chaos.figures import Figures
from chaos.ledger import Attempt
from chaos.world import SLIP, Kill

__all__ = ['Finding', 'Report', 'check']

# A machine that vanishes takes with it what was claimed less than 100 ms ago and not yet shown to readers; on two busy
# cores the supervisor comes to showing it a little later.
UNSHOWN = 0.3
# A process that is killed just after its job's last line may die before the outcome is on its board.
BETWEEN = 0.3
# So many deaths fail a job, whatever its policy (I11).
DEATHS = 3
# A worker counts as dead 30 s after it renewed its lease, which it does every 5 s.
LEASE = 25.0
# After an outage a worker tries again within so many seconds.
WAIT = 2.0
BREACHES = ['lost', 'stuck', 'twice', 'stale', 'failed falsely', 'early', 'order', 'limit', 'callback', 'late', 'reaped falsely',
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
    figures = Figures(facts)
    report.numbers = figures.numbers()
    report.numbers |= {
        f'twice {why}': checks.twice[why] for why in ('by policy', 'as a host vanished', 'as a worker was cut off')
    }
    report.numbers |= {'failed, killed': checks.died, 'slip': round(facts.slip, 3)}
    if not report.void:
        report.findings += [Finding('late', 0, text) for text in figures.late()]
    return report


class _Checks:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.killed = {pid: kill for kill in facts.kills if kill.what != 'worker' for pid in kill.pids}
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
            if record['kind'] == 'once':
                yield Finding('twice', record['number'], f'never to begin again, it did so at {self.t(after.began)}')
            elif before.how == 'end' and runs > 1:
                runs -= 1
            elif dead and left > 1:
                left -= 1
                self.twice['by policy'] += 1
            elif kill is not None and self.facts.vanished(kill) and self._in_touch(before.began, kill.at) < UNSHOWN:
                self.twice['as a host vanished'] += 1
            elif self._stood_still(before, after.began):
                self.twice['as a worker was cut off'] += 1
            else:
                how = {'end': 'ended', 'raise': 'raised', '': 'did not end'}[before.how]
                told = f'began at {self.t(before.began)} in {before.pid} and {how} {self.t(before.ended)}'
                told += f', again at {self.t(after.began)} in {after.pid}'
                told += f'; {kill.what} killed at {self.t(kill.at)}' if kill else ''
                yield Finding('twice', record['number'], told)

    def _death(self, attempt: Attempt) -> Kill | None:
        """The kill that this run did not survive: it was the last of its process, and had not ended long before."""
        kill = self.killed.get(attempt.pid)
        # What a horse ran before is on its board, which outlives it, but not its host.
        if kill is None or (self.facts.last[attempt.pid] is not attempt and not self.facts.vanished(kill)):
            return None
        if not attempt.ended:
            return kill
        since = self._in_touch(attempt.ended, kill.at) if self.facts.vanished(kill) else kill.at - attempt.ended
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
        if record['kind'] == 'fails' and tries and tries[-1].how == 'raise':
            return ''
        # A death before the first line of the function is a try as well, and leaves no line.
        allowed = record.get('tries', 1)
        deaths = int(self.facts.hashes[record['id']].get('losses') or 0)
        if deaths < DEATHS and (record['kind'] == 'requeued' or (len(tries) < allowed / 2 and allowed > 1)):
            return f'it had {allowed} tries, took {len(tries)} and died {deaths} times: {text}'
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
                number = self.by_id.get(job_id, {}).get('number', 0)
                yield Finding('reaped falsely', number, f'{job_id} from {worker}, which was not killed')
        yield from (Finding('exit', 0, text) for text in self.facts.exits)
        yield from (Finding('leak', 0, text) for text in [*self.facts.fds, *self.facts.left])
        yield from (Finding('census', 0, text) for text in self.facts.violations)
