"""Every job queue that is measured has one adapter and pinned packages; ours is measured as they are."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.measure.peer import Amounts, measure_enqueueing, measure_peer_pickup, measure_work
from bench.measure.pickup import percentiles
from bench.peers import PEERS, Missing, Peer
from bench.peers_page import COLUMNS, chart, page, table
from bench.server import running_server
from bench.systems import BENCH
from tests.bench.test_report import SETTING

OURS = PEERS[0]
SAMPLES = {
    metric: {'ours': [90.0, 100.0, 110.0], 'rq': [2.0, 1.0, 3.0], 'huey': [10.0] * 3} for metric, _, _ in COLUMNS
}


def test_every_queue_has_an_adapter_and_every_adapter_a_queue() -> None:
    adapters = {path.name for path in (BENCH / 'adapters').glob('on_*.py')}
    assert {peer.adapter for peer in PEERS} == adapters
    assert len({peer.key for peer in PEERS}) == len(PEERS) >= 12


@pytest.mark.parametrize('peer', PEERS[2:], ids=lambda peer: peer.key)
def test_its_packages_are_pinned(peer: Peer) -> None:
    assert '==' in peer.requirements[0]
    assert all('==' in wanted for wanted in peer.requirements if wanted.startswith(('redis', 'hiredis', 'coredis')))


def test_a_queue_that_cannot_be_installed_is_missing_and_says_why() -> None:
    with pytest.raises(Missing, match=r'it needs Python 3\.99'):
        Peer('x', 'X', 'on_rq.py', ('x==1',), python='3.99').prepare()


@pytest.mark.serial
def test_ours_is_measured_as_they_are() -> None:
    with running_server() as server:
        found = measure_work(server, OURS, 300)
        found |= measure_enqueueing(server, OURS, Amounts(1, 0, single=50, bulk=200, pickup=0))
        found |= measure_peer_pickup(server, OURS, 4)
    assert found.keys() >= {metric for metric, _, _ in COLUMNS}
    assert all(value > 0 for value in found.values()), found
    assert found['round_trips'] < 1 < found['commands']


def test_the_table_begins_with_the_fastest_and_says_what_could_not_be_measured() -> None:
    rows = table(SAMPLES, {'ardiq': 'it needs Python 3.12, and there is none here\nmore'}).splitlines()
    assert [row.split(' | ')[0] for row in rows[2:]] == ['| Packhorse', '| Huey', '| RQ 3.0.0', '| ardiq']
    assert rows[4].startswith('| RQ 3.0.0 | 2 (1 to 3) | 2 ms (1 to 3) |')
    assert rows[4].endswith('| 50 |')
    assert rows[5].startswith('| ardiq | not measured: it needs Python 3.12, and there is none here |')


def test_the_page_has_its_setting_its_table_and_its_method() -> None:
    text = page(SETTING, SAMPLES, {}, 'peers.svg')
    for part in ('2 cores', 'peers.svg', '| Huey |', '## How it is measured'):
        assert part in text
    bars = [element for element in ElementTree.fromstring(chart(SAMPLES)).iter() if element.tag.endswith('rect')]
    assert [bar.attrib['class'] for bar in bars] == ['better', 'worse', 'worse']


def test_percentiles_are_of_what_was_seen() -> None:
    assert percentiles([3.0, 1.0, 2.0]) == {'p50_ms': 2.0, 'p99_ms': 3.0}
