"""`python -m bench`: measure, and write the page, the chart and the raw figures."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from bench.chart import chart
from bench.check import check_counts
from bench.readme import README, put
from bench.report import WITH_AOF, Setting, look_around, page, table
from bench.run import Progress, run
from bench.server import running_server
from bench.steps import CORE, FULL, QUICK
from bench.systems import BENCH, OURS, REPOSITORY, RQ, prepare

__all__ = ['main']


def main() -> int:
    """Run what the command line asks for; 0 when it was measured, whatever the figures are."""
    options = _options()
    plan = QUICK if options.quick else FULL
    systems = [system for system in (OURS, RQ) if options.only in (None, system.key)]
    progress = Progress()
    progress.say(f'preparing {RQ.name} in {RQ.python.parents[1]}')
    prepare()
    with running_server(options.aof) as server:
        progress.say(f'{server.version} at {server.url}')
        if options.check_counts:
            print('\n'.join(check_counts(server, systems)))
            return 0
        versions = {system.name: system.ask(server.url, 'versions') for system in systems}
        command = ' '.join(['python -m bench', *sys.argv[1:]])
        setting = look_around(command, server.version, plan.rounds, versions)
        if options.aof:
            setting = replace(setting, persistence=WITH_AOF)
        samples = run(server, plan, systems, progress, _wanted(options))
    print(table(samples))
    if options.output or not (options.only or options.steps):
        aside = options.quick or options.aof  # the page is about a server without persistence
        folder = options.output or (BENCH / '.last' if aside else REPOSITORY / 'docs')
        _write(folder, setting, samples)
        progress.say(f'written: {folder}/benchmarks.md, .svg and .json')
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m bench', description=__doc__)
    parser.add_argument(
        '--quick', action='store_true', help='one short round of the main steps, to see that it works (< 40 s)'
    )
    parser.add_argument(
        '--only', choices=['ours', 'rq'], help='one system alone; writes no page unless --output says where'
    )
    parser.add_argument('--steps', help='some steps alone, as the table names them, or `all`; writes no page either')
    parser.add_argument('--aof', action='store_true', help='with an append-only file, synced once a second')
    parser.add_argument('--output', type=Path, help='folder for page, chart and figures (docs; --quick: bench/.last)')
    parser.add_argument('--check-counts', action='store_true', help='hold what is counted against MONITOR and a proxy')
    return parser.parse_args()


def _wanted(options: argparse.Namespace) -> tuple[str, ...]:
    """The names of the steps; none: all of them."""
    if options.steps:
        return () if options.steps == 'all' else tuple(options.steps.split(','))
    return CORE if options.quick else ()


def _write(folder: Path, setting: Setting, samples: dict[str, dict[str, list[float]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'benchmarks.svg').write_text(chart(samples))
    (folder / 'benchmarks.md').write_text(page(setting, samples, 'benchmarks.svg'))
    raw = {'setting': asdict(setting), 'samples': samples}
    (folder / 'benchmarks.json').write_text(json.dumps(raw, indent=1) + '\n')
    if folder == REPOSITORY / 'docs':
        README.write_text(put(README.read_text(), setting, samples))


if __name__ == '__main__':
    raise SystemExit(main())
