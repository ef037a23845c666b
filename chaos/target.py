"""The system under test: ours from this checkout, or a release of RQ from an environment of its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from bench.systems import OURS, RQ_VERSION, VENVS, prepare

__all__ = ['HURRIED', 'OUR_TARGET', 'Target', 'find']

JOBS = Path(__file__).parent / 'jobs'


@dataclass(frozen=True)
class Target:
    """Which Python runs the producer, and how a worker is started."""

    key: str
    python: str
    worker: tuple[str, ...]
    import_path: tuple[Path, ...] = ()
    ours: bool = False
    settings: str = ''  # JSON of other numbers for rq/worker (tests/faults/launch.py)

    def command(self, url: str, name: str, queues: list[str]) -> list[str]:
        """How one of its workers is started."""
        if self.settings:
            told = json.dumps({'settings': json.loads(self.settings), 'worker': {'name': name}, 'level': 'WARNING'})
            return [self.python, '-m', 'tests.faults.launch', told, *queues]
        return [*self.worker, '--url', url, '--name', name, '--quiet', *queues]

    def environment(self, **more: str) -> dict[str, str]:
        """For each process of it; `more` says where its ledger is."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(('RQ_', 'REDIS_URL', 'PYTHON'))
        }
        return {**kept, 'PYTHONPATH': os.pathsep.join(str(folder) for folder in (*self.import_path, JOBS)), **more}


OUR_TARGET = Target('packhorse', str(OURS.python), OURS.worker, OURS.import_path, True)


# What happens in production once in a million packs is then met every second.
HURRY = {
    'ANNOUNCE_AFTER': 0.01,
    'WATCH_EVERY': 0.005,
    'RENEW_WIP_EVERY': 1.0,
    'RENEW_LEASE_EVERY': 0.5,
    'outage.SHORTEST': 0.01,
    'outage.LONGEST': 0.2,
    'supervisor.FRUITLESS_WAIT': 0.01,
    'courier.WIRE_TIMEOUT': 0.5,
    'SUPERVISOR_TIMEOUT': 0.3,
}
HURRIED = replace(OUR_TARGET, settings=json.dumps(HURRY))


def find(spec: str) -> Target:
    """`packhorse`, or `rq==3.0.0`, which is installed if it is not there. Raises ValueError for anything else."""
    if spec == OUR_TARGET.key:
        return OUR_TARGET
    name, _, version = spec.partition('==')
    if name != 'rq' or not version.replace('.', '').isdigit():
        raise ValueError(f'A target is packhorse or rq=={RQ_VERSION}, not {spec}')
    python = prepare(version)
    assert python.is_relative_to(VENVS)
    # Due jobs are moved by a process that only this option starts.
    return Target(spec, str(python), (str(python.parent / 'rq'), 'worker', '--with-scheduler'))
