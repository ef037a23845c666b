"""`python -m bench.all`: Packhorse beside RQ and every other job queue for Python on Redis, in interleaved rounds."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path

from bench.measure.peer import Amounts, measure_enqueueing, measure_peer_pickup, measure_work
from bench.peers import PEERS, Missing, Peer
from bench.peers_page import chart, page, table
from bench.report import WITH_AOF, look_around
from bench.run import Progress
from bench.server import Server, running_server
from bench.systems import BENCH

__all__ = ['main']

Samples = dict[str, dict[str, list[float]]]

FULL = Amounts(seconds=4.0, warm_up=300, single=2000, bulk=10_000, pickup=60)
QUICK = Amounts(seconds=0.5, warm_up=100, single=100, bulk=500, pickup=5)


def main() -> int:
    """Measure; 1 if a queue that could be installed could not be measured."""
    options = _options()
    amounts, rounds = (QUICK, 1) if options.quick else (FULL, options.rounds)
    wanted = options.only.split(',') if options.only else [peer.key for peer in PEERS]
    progress, samples, troubles = Progress(), _empty(), {}
    with running_server(options.aof) as server:
        present = []
        for peer in (peer for peer in PEERS if peer.key in wanted):
            try:
                progress.say(f'preparing {peer.name}')
                peer.prepare()
                present.append(peer)
            except Missing as error:
                troubles[peer.key] = str(error)
        versions = {peer.name: peer.ask(server.url, 'versions') for peer in present}
        setting = look_around(' '.join(['python -m bench.all', *sys.argv[1:]]), server.version, rounds, versions)
        if options.aof:
            setting = replace(setting, persistence=WITH_AOF)
        failed = _measure(server, present, amounts, rounds, samples, progress)
    troubles |= failed
    print(table(samples, troubles))
    folder = options.output or BENCH / '.last'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'benchmarks-peers.svg').write_text(chart(samples))
    (folder / 'benchmarks-peers.md').write_text(page(setting, samples, troubles, 'benchmarks-peers.svg'))
    raw = {'setting': asdict(setting), 'samples': samples, 'troubles': troubles}
    (folder / 'benchmarks-peers.json').write_text(json.dumps(raw, indent=1) + '\n')
    progress.say(f'written: {folder}/benchmarks-peers.md, .svg and .json')
    return 1 if failed else 0


def _empty() -> Samples:
    return defaultdict(lambda: defaultdict(list))


def _measure(
    server: Server, peers: list[Peer], amounts: Amounts, rounds: int, samples: Samples, progress: Progress
) -> dict[str, str]:
    """Rounds; in each all queues in turn. Answers which could not be measured, and why."""
    failed: dict[str, str] = {}
    jobs: dict[str, int] = {}
    for number in range(rounds + 1):
        for peer in peers:
            if peer.key in failed:
                continue
            try:
                if number == 0:
                    rate = measure_work(server, peer, amounts.warm_up)['jobs_per_s']
                    jobs[peer.key] = max(amounts.warm_up, round(rate * amounts.seconds))
                    progress.say(f'warm-up    {peer.name:18} {rate:,.0f} jobs/s')
                    continue
                answer = measure_work(server, peer, jobs[peer.key])
                answer |= measure_enqueueing(server, peer, amounts)
                answer |= measure_peer_pickup(server, peer, amounts.pickup)
            except RuntimeError as error:
                failed[peer.key] = str(error)
                progress.say(f'{peer.name}: {error}')
                continue
            for metric, value in answer.items():
                samples[metric][peer.key].append(value)
            figures = '  '.join(f'{metric} {value:,.4g}' for metric, value in answer.items())
            progress.say(f'round {number}/{rounds}  {peer.name:18} {figures}')
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m bench.all', description=__doc__)
    parser.add_argument('--quick', action='store_true', help='one short round, to see that all of it works')
    parser.add_argument('--rounds', type=int, default=5, help='rounds of the full run (5)')
    parser.add_argument('--only', help=f'some of them: {",".join(peer.key for peer in PEERS)}')
    parser.add_argument('--aof', action='store_true', help='with an append-only file, synced once a second')
    parser.add_argument('--output', type=Path, help='folder for page, chart and figures (bench/.last)')
    return parser.parse_args()


if __name__ == '__main__':
    raise SystemExit(main())
