"""`python chaos_operator.py '{...}'`: cancels, deletes, stops and requeues jobs of the kind `raced`, whatever they do now.

One line of JSON a call. Runs under any RQ: only its public names.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from redis import Redis

from rq.command import send_stop_job_command
from rq.job import Job

DEEDS = ['cancel', 'delete', 'stop', 'requeue']


def raced(path: Path, seen: int) -> tuple[list[tuple[int, str]], int]:
    """Raced jobs that were logged after byte `seen`."""
    with path.open('rb') as file:
        file.seek(seen)
        text = file.read()
    whole = text[: text.rfind(b'\n') + 1]
    records = [json.loads(line) for line in whole.splitlines()]
    found = [(r['number'], r['id']) for r in records if r['kind'] == 'raced' and r['state'] == 'acknowledged']
    return found, seen + len(whole)


def do(deed: str, job_id: str, connection: Any) -> str:
    """What came of it, in a word."""
    try:
        if deed == 'stop':
            send_stop_job_command(connection, job_id)
        else:
            getattr(Job.fetch(job_id, connection=connection), deed)()
    except Exception as error:  # noqa: BLE001 - most are refusals, as they should be
        return type(error).__name__
    return 'done'


def main() -> None:
    told = json.loads(sys.argv[1])
    chance = random.Random(told['seed'])
    connection = Redis.from_url(told['url'], socket_timeout=5, socket_connect_timeout=5)
    path, seen, victims = Path(told['produced']), 0, []
    until = time.monotonic() + told['seconds']
    with open(told['log'], 'a', buffering=1, encoding='utf-8') as log:
        while time.monotonic() < until:
            time.sleep(chance.uniform(0.02, 0.3))
            found, seen = raced(path, seen)
            victims = [*victims, *found][-12:]
            if victims:
                number, job_id = chance.choice(victims)
                deed = chance.choice(DEEDS)
                began = time.monotonic()
                came = do(deed, job_id, connection)
                log.write(
                    json.dumps(
                        {
                            'number': number,
                            'id': job_id,
                            'deed': deed,
                            'came': came,
                            'from': began,
                            'to': time.monotonic(),
                        }
                    )
                    + '\n'
                )


if __name__ == '__main__':
    main()
