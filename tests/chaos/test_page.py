"""The page of what happened, and that the one in docs/ is made from the data beside it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from chaos.long import DATA, PAGE
from chaos.page import render

NUMBERS = {
    'enqueued': 210,
    'unknown': 10,
    'began': 203,
    'twice by policy': 2,
    'twice as a host vanished': 1,
    'longest gap': 0.5,
}
RECOVERY = {'recovery horse n': 4, 'recovery horse p50': 0.02, 'recovery horse max': 0.5}


def seen(**breaches: int) -> dict[str, Any]:
    return {'times': {'horse_killed': 9}, 'numbers': NUMBERS | RECOVERY, 'breaches': breaches, 'void': False}


def test_a_row_has_what_was_expected_what_was_seen_and_what_rq_did() -> None:
    told = {'when': '2026-11-24', 'machine': '2 cores', 'patience': 60.0}
    ours = {**told, 'rows': {'horse_killed': seen(), 'seed 3': seen()}}
    theirs = {**told, 'rows': {'horse_killed': seen(lost=3, stuck=5)}}
    page = render({'packhorse': ours, 'rq==3.0.0': theirs})
    row = next(line for line in page.splitlines() if line.startswith('| kill -9 of a work-horse'))
    assert '| 9 x | 200 | 0 |' in row and 'max 0.50 s (4)' in row and row.endswith('| 5 stuck, 3 lost (of 200) |')
    storm = next(line for line in page.splitlines() if line.startswith('| 3 |'))
    assert '9 horse' in storm and 'vanished' in storm and storm.endswith('| not run |')


@pytest.mark.skipif(not DATA.exists(), reason='no long run yet')
def test_the_page_is_what_the_data_says() -> None:
    assert PAGE.read_text() == render(json.loads(DATA.read_text()))


@pytest.mark.skipif(not DATA.exists(), reason='no long run yet')
def test_the_readme_has_the_sums_of_the_storms_of_the_page() -> None:
    rows = json.loads(DATA.read_text())['packhorse']['rows']
    storms = [seen for name, seen in rows.items() if name.startswith('seed ')]
    jobs = sum(storm['numbers']['enqueued'] - storm['numbers']['unknown'] for storm in storms)
    kills = Counter[str]()
    for storm in storms:
        kills.update(storm['times'])
    servers = kills.pop('server_killed')
    told = f'{jobs:,} jobs, {kills.total()} kills of processes and {servers} of the server; 0 lost, 0 stuck, 0 falsely failed'
    assert told in ' '.join((PAGE.parents[1] / 'README.md').read_text().split())
    assert [storm['breaches'] for storm in storms] == [{}] * 5
