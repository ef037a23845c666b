"""`python -m chaos`: runs of random faults, and whether anything that was promised was broken."""

from __future__ import annotations

import argparse
import signal
import sys

from chaos import long, report
from chaos.harness import Settings, run
from chaos.plan import FAULTS, STORM
from chaos.target import HURRIED, find

VOID_AGAIN = 2


def main() -> int:
    """0: all held. 1: a promise was broken. 3: the machine was too busy to tell."""
    parser = argparse.ArgumentParser(prog='python -m chaos', description=__doc__)
    parser.add_argument('--seed', type=int, action='append', help='a seed is a plan; repeatable (default: 1)')
    parser.add_argument('--seconds', type=float, default=45.0, help='of faults; then everything has to come to its end')
    parser.add_argument(
        '--faults', default='all', help=f'all, none, storm ({", ".join(STORM)}), or names: {", ".join(FAULTS)}'
    )
    parser.add_argument('--rate', type=float, default=40.0, help='jobs a second')
    parser.add_argument('--burst', type=int, default=300, help='and so many at once, every five seconds')
    parser.add_argument('--often', type=float, default=1.0, help='faults a second')
    parser.add_argument('--patience', type=float, default=90.0, help='seconds after the last fault')
    parser.add_argument('--target', default='packhorse', help='packhorse, or rq==3.0.0')
    parser.add_argument('--hurry', action='store_true', help='workers with shorter waits: rare moments come often')
    parser.add_argument('--long', action='store_true', help='each fault alone, then five storms; writes docs/chaos.md')
    parser.add_argument('--plan', action='store_true', help='show the plan and do nothing')
    told = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    names = _names(told.faults or ('each' if told.long else 'all'))
    if set(names) - set(FAULTS):
        parser.error(f'No such fault: {", ".join(sorted(set(names) - set(FAULTS)))}')
    target = HURRIED if told.hurry else find(told.target)
    if told.long:
        # Some rows of the page may be made anew: those faults, or those storms.
        seeds = told.seed or ([] if told.faults else long.SEEDS)
        return long.main(target, told.patience, names, seeds)
    worst = 0
    for seed in told.seed or [1]:
        settings = Settings(target, seed, told.seconds, names, told.rate, told.often, told.patience, burst=told.burst)
        if told.plan:
            print(report.plan(settings))
            continue
        worst = max(worst, _until_it_counts(settings))
    return worst


def _names(told: str) -> list[str]:
    usual = [name for name, kind in FAULTS.items() if not kind.long]
    known = {'all': usual, 'each': list(FAULTS), 'storm': STORM, 'none': []}
    return known[told] if told in known else told.split(',')


def _until_it_counts(settings: Settings) -> int:
    """A run that was void is repeated; what it broke is broken all the same."""
    for again in range(VOID_AGAIN + 1):
        done = run(settings)
        print(report.run(done), flush=True)
        if done.report.findings:
            return 1
        if not done.report.void:
            return 0
        print(
            f'void: the clock of this machine slipped {done.report.slip:.2f} s'
            + ('; again' if again < VOID_AGAIN else '')
        )
    return 3


if __name__ == '__main__':
    sys.exit(main())
