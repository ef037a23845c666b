"""The system under test: ours from this checkout, or a release of RQ from an environment of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bench.systems import OURS, RQ_VERSION, VENVS, prepare

__all__ = ['OUR_TARGET', 'Target', 'find']

JOBS = Path(__file__).parent / 'jobs'


@dataclass(frozen=True)
class Target:
    """Which Python runs the producer, and how a worker is started."""

    key: str
    python: str
    worker: tuple[str, ...]
    import_path: tuple[Path, ...] = ()
    ours: bool = False

    def environment(self, **more: str) -> dict[str, str]:
        """For each process of it; `more` says where its ledger is."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(('RQ_', 'REDIS_URL', 'PYTHON'))
        }
        return {**kept, 'PYTHONPATH': os.pathsep.join(str(folder) for folder in (*self.import_path, JOBS)), **more}


OUR_TARGET = Target('packhorse', str(OURS.python), OURS.worker, OURS.import_path, True)


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
