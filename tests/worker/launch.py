"""The command `rq` with other numbers: `python -m tests.worker.launch '{"HARD_GRACE": 0.5}' worker --burst`."""

from __future__ import annotations

import json
import sys

from rq.worker import settings


def main() -> None:
    for name, value in json.loads(sys.argv.pop(1)).items():
        assert hasattr(settings, name), name
        setattr(settings, name, value)
    from rq.cli import main as command  # after the numbers are set

    sys.argv[0] = 'rq'
    command()


if __name__ == '__main__':
    main()
