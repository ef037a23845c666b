"""The scenario of the whole public API: `run.py URL` with the interpreter of an RQ; answers JSON, on an empty database.

It must not import anything of ours: `rq` is the one of the interpreter.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / 'jobs')]

MODULES = ('enqueueing', 'reading', 'working', 'forking', 'deferring', 'grouping', 'lowlevel', 'shell')


def main(url: str) -> None:
    logging.disable(logging.CRITICAL)
    record = importlib.import_module('record')
    with importlib.import_module('redis').Redis.from_url(url) as redis:
        recorder = record.Recorder(redis)
        for module in MODULES:
            for section in importlib.import_module(module).SECTIONS:
                recorder.run(section)
        redis.flushdb()
    print(json.dumps({'calls': recorder.calls, 'told': recorder.told}))


if __name__ == '__main__':
    main(sys.argv[1])
