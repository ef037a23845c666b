"""The checker finds each breach of a promise, and takes nothing for a breach that a policy allows."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.check import check
from chaos.facts import Facts, Outcome
from chaos.ledger import Entry, attempts
from chaos.world import Kill, Pause

HORSE, OTHER = 100, 200
NS = 1_000_000_000


def line(phase: str, at: float, pid: int = HORSE, attempt: float = 10.0, number: int = 1) -> Entry:
    return Entry(number, f'j{number}', int(attempt * NS), pid, phase, at)


def facts(*entries: Entry, status: str = 'finished', kills: list[Kill] | None = None, **told: Any) -> Facts:
    """One job, `j1`; moments are seconds of one clock."""
    record = {'number': 1, 'id': 'j1', 'kind': 'plain', 'queue': 'a', 'state': 'acknowledged'}
    record |= {name: told.pop(name) for name in ('kind', 'tries', 'runs', 'due', 'state') if name in told}
    more = told.pop('records', [])
    made = Facts(True, [record, *more], [], list(entries), kills or [], told.pop('outages', []), 0.0, 0.0)
    made.attempts = attempts(made.entries)
    made.hashes = {'j1': {'status': status}} if status else {}
    made.places = {'j1': [f'{status} a']}
    for name, value in told.items():
        setattr(made, name, value)
    return made


def breaches(found: Facts) -> list[str]:
    return [finding.kind for finding in check(found).findings]


def killed(at: float, what: str = 'horse', pid: int = HORSE) -> list[Kill]:
    return [Kill(at, what, 'w1', [pid])]


RUN = [line('begin', 10.0), line('end', 10.1)]
AGAIN = [line('begin', 20.0, OTHER, 20.0), line('end', 20.1, OTHER, 20.0)]


def test_a_job_that_ran_once_is_in_order() -> None:
    assert breaches(facts(*RUN, outcomes={'j1': [Outcome(1, 10.1, [10 * NS, HORSE])]})) == []


def test_a_job_that_is_gone_or_in_no_structure_is_lost() -> None:
    assert breaches(facts(status='')) == ['lost']
    assert breaches(facts(status='queued', places={})) == ['lost']
    assert breaches(facts(status='', state='unknown')) == []
    assert breaches(facts(status='', kind='raced')) == []


def test_a_job_that_has_not_ended_is_stuck() -> None:
    assert breaches(facts(status='started')) == ['stuck']
    assert breaches(facts(status='queued')) == ['stuck']


def test_a_job_without_a_run_that_ended_must_not_be_finished() -> None:
    assert breaches(facts(line('begin', 10.0))) == ['stale']


@pytest.mark.parametrize(
    ('kills', 'told', 'found'),
    [
        ([], {}, ['twice']),
        (killed(15.0), {}, ['twice']),
        (killed(15.0, 'host'), {}, ['twice']),
        (killed(15.0, 'host'), {'tries': 2}, ['twice']),  # its outcome had been taken long before
        (killed(10.15), {'tries': 2}, []),  # it may have died with its outcome in hand
        (killed(10.15), {}, ['twice']),
        (killed(10.15, 'host'), {}, []),  # claimed less than 100 ms before, counted apart
        (killed(11.9, 'host'), {'outages': [('server_killed', 10.05, 11.8)]}, []),
        ([], {'runs': 2}, []),
    ],
)
def test_a_second_run_needs_a_reason(kills: list[Kill], told: dict[str, Any], found: list[str]) -> None:
    assert breaches(facts(*RUN, *AGAIN, kills=kills, **told)) == found


def test_a_run_that_died_may_be_repeated_if_its_job_has_retries() -> None:
    died = facts(line('begin', 10.0), *AGAIN, kills=killed(19.5), tries=2)
    assert breaches(died) == []
    assert check(died).numbers['twice by policy'] == 1
    assert breaches(facts(line('begin', 10.0), *AGAIN, kills=killed(19.5))) == ['twice']


def test_a_job_that_is_never_to_run_twice_does_not_whatever_dies() -> None:
    assert breaches(facts(*RUN, *AGAIN, kills=killed(10.15, 'host'), kind='once')) == ['twice']


def test_a_job_that_died_three_times_may_fail_with_tries_left() -> None:
    died = {'status': 'failed', 'kills': killed(10.5), 'tries': 11}
    assert breaches(facts(line('begin', 10.0), **died)) == ['failed falsely']
    assert breaches(facts(line('begin', 10.0), **died, hashes={'j1': {'status': 'failed', 'losses': '3'}})) == []


def test_a_worker_that_stood_still_for_a_lease_may_lose_its_job_to_another() -> None:
    later = [line('begin', 45.0, OTHER, 45.0), line('end', 45.1, OTHER, 45.0)]
    still = [Pause(10.05, 35.0, 'w1', [HORSE])]
    assert breaches(facts(*RUN, *later, pauses=still)) == []
    assert breaches(facts(*RUN, *AGAIN, pauses=still)) == ['twice']


def test_a_result_of_a_run_that_was_given_up_is_stale() -> None:
    late = [line('begin', 10.0), line('begin', 11.0, OTHER, 11.0), line('end', 12.0), line('end', 12.1, OTHER, 11.0)]
    stored = {'j1': [Outcome(1, 12.0, [10 * NS, HORSE])]}
    assert 'stale' in breaches(facts(*late, outcomes=stored))
    twice = {'j1': [Outcome(1, 10.1, [10 * NS, HORSE]), Outcome(1, 10.2, [10 * NS, HORSE])]}
    assert breaches(facts(*RUN, outcomes=twice)) == ['stale']


def test_only_what_raised_or_was_killed_may_fail() -> None:
    assert breaches(facts(*RUN, status='failed')) == ['failed falsely']
    assert breaches(facts(line('begin', 10.0), status='failed')) == ['failed falsely']
    assert breaches(
        facts(status='failed', hashes={'j1': {'status': 'failed', 'ended_at': '1970-01-01T00:00:11Z'}})
    ) == ['failed falsely']
    assert breaches(facts(line('begin', 10.0), status='failed', kills=killed(10.5))) == []
    assert breaches(facts(line('begin', 10.0), status='failed', kills=killed(10.5), tries=11)) == ['failed falsely']
    raised = [line('begin', 10.0), line('raise', 10.1), line('failure', 10.2)]
    assert breaches(facts(*raised, status='failed', kind='fails')) == []
    assert breaches(facts(*raised[:2], status='failed', kind='fails')) == ['callback']


def test_nothing_begins_before_its_time_or_before_what_it_waits_for() -> None:
    assert breaches(facts(*RUN, due=10.5)) == ['early']
    child = {
        'number': 2,
        'id': 'j2',
        'kind': 'child',
        'queue': 'a',
        'state': 'unknown',
        'parents': ['j1'],
        'lenient': False,
    }
    early = [line('begin', 10.05, OTHER, 10.05, 2), line('end', 10.06, OTHER, 10.05, 2)]
    assert breaches(facts(*RUN, *early, records=[child])) == ['order']


def test_no_more_of_a_rate_limit_run_at_a_time_than_it_says() -> None:
    records = [
        {'number': n, 'id': f'j{n}', 'kind': 'limited', 'queue': 'a', 'state': 'unknown'} for n in (2, 3, 4)
    ]  # fmt: skip
    runs = [line(phase, at, n, 10.0, n) for n in (2, 3, 4) for phase, at in (('begin', 10.0 + n / 100), ('end', 11.0))]
    assert breaches(facts(*RUN, *runs, records=records)) == ['limit']
    assert breaches(facts(*RUN, *runs[:4], records=records)) == []


def test_only_dead_workers_are_reaped_and_none_ends_by_itself() -> None:
    assert breaches(facts(*RUN, reaped=[('j1', 'w2')])) == ['reaped falsely']
    assert breaches(facts(*RUN, reaped=[('j1', 'w2')], killed_workers={'w2'})) == []
    assert breaches(facts(*RUN, exits=['w1 ended'], left=['process 5 is left'], violations=['I1'])) == [
        'exit',
        'leak',
        'census',
    ]


def test_recovery_is_the_time_until_what_was_held_moved_on() -> None:
    report = check(facts(line('begin', 10.0), *AGAIN, kills=killed(10.5), tries=2))
    assert report.numbers['recovery horse max'] == 9.5
    assert [finding.kind for finding in report.findings] == ['late']


def test_a_run_whose_clock_slipped_is_void() -> None:
    assert check(facts(*RUN, slip=0.3)).void and not check(facts(*RUN, slip=0.1)).void
