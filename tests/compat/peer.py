"""An RQ that answers questions: `peer.py URL` with the interpreter of a release; one line of JSON each way.

A question is Python: {"value": expression} or {"run": statements}. It must not import anything of ours.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / 'jobs'))


def known(url: str) -> dict[str, Any]:
    """What a question may name."""
    from redis import Redis

    names: dict[str, Any] = {'redis': Redis.from_url(url), 'UTC': UTC, 'datetime': datetime, 'timedelta': timedelta}
    exec(  # an interpreter is what this is
        'import compat_jobs, rq\n'
        'from rq import Callback, Queue, Repeat, Retry, SimpleWorker, Worker, cancel_job, requeue_job\n'
        'from rq.command import *\n'
        'from rq.group import Group\n'
        'from rq.job import Dependency, Job\n'
        'from rq.registry import *\n'
        'from rq.results import Result\n',
        names,
    )
    return names


def answer(names: dict[str, Any], question: dict[str, str]) -> Any:
    if 'run' in question:
        exec(question['run'], names)
        return None
    return eval(question['value'], names)


def main() -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter('ignore')
    names = known(sys.argv[1])
    for line in sys.stdin:
        try:
            told: dict[str, Any] = {'value': answer(names, json.loads(line))}
        except Exception as error:
            told = {'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(told, default=str), flush=True)


if __name__ == '__main__':
    main()
