"""`rq doctor`: what is wrong, or may go wrong, with an installation and its server; a line per check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from .errors import ExitCode
from .options import common_options
from .patient import Finding, Patient
from .safety import SAFETY_CHECKS

if TYPE_CHECKING:
    from .config import CliConfig
    from .patient import Level

__all__ = ['CHECKS', 'Finding', 'Patient', 'doctor', 'examine']

SHOWN = 5


# --- the checks ---------------------------------------------------------------------------------------------------


def _files(patient: Patient) -> Iterator[Finding]:
    """Whether another distribution owns the same files."""
    from rq.distributions import ADVICE, DASHBOARD_ADVICE

    if owners := _others('rq'):
        yield Finding('fault', f'{owners} owns the files of `rq` as well; do: {ADVICE}')
    else:
        yield Finding('ok', 'no other distribution owns the files of `rq`')
    if owners := _others('rq_dashboard'):
        told = f'{owners} owns the files of `rq_dashboard` as well, and what came last is used'
        yield Finding('warning', f'{told}; for ours do: {DASHBOARD_ADVICE}')


def _others(package: str) -> str:
    """The distributions beside ours that have a package of this name."""
    from importlib import metadata

    found = [each for each in metadata.distributions() if each.name and each.name.lower() != 'packhorse']
    file = f'{package}/__init__.py'
    return ', '.join(sorted(f'{each.name} {each.version}' for each in found if file in map(str, each.files or ())))


def _server(patient: Patient) -> Iterator[Finding]:
    """Whether it answers, soon, and is new enough."""
    from rq.monitor import server

    yield server.version(patient.server)


def _eviction(patient: Patient) -> Iterator[Finding]:
    """Whether it forgets jobs when it is full."""
    from rq.monitor import server

    yield server.eviction(patient.server)


def _persistence(patient: Patient) -> Iterator[Finding]:
    """Whether jobs outlive its restart."""
    from rq.monitor import server

    yield server.persistence(patient.server)


def _suspended(patient: Patient) -> Iterator[Finding]:
    """Whether workers are suspended."""
    if patient.survey.suspended:
        yield Finding('warning', 'workers are suspended: none takes a job until `rq resume`')
    else:
        yield Finding('ok', 'workers are not suspended')


def _workers(patient: Patient) -> Iterator[Finding]:
    """Whether some are dead, and nobody has noticed."""
    from .chart import printable

    for worker in patient.survey.workers:
        if worker.name in patient.silent:
            who = f'{printable(worker.name)} ({printable(worker.hostname)}.{printable(worker.pid)})'
            yield Finding('warning', f'{who} is dead: another worker of its queues takes its jobs within a minute')
    alive = len(patient.survey.workers) - len(patient.silent)
    yield Finding('ok', f'{alive} {"is" if alive == 1 else "are"} alive')


def _queues(patient: Patient) -> Iterator[Finding]:
    """Whether jobs wait where nobody listens."""
    from .chart import printable

    alive = [worker for worker in patient.survey.workers if worker.name not in patient.silent]
    heard = {name for worker in alive for name in worker.queues}
    unheard = [row for row in patient.survey.queues if row.waiting and row.name not in heard]
    for row in unheard[:SHOWN]:
        name = printable(row.name)
        yield Finding(
            'fault', f'{row.waiting} jobs wait in queue {name}, and no worker listens on it: `rq worker {name}`'
        )
    if len(unheard) > SHOWN:
        yield Finding('fault', f'the same is so of {len(unheard) - SHOWN} more queues')
    if not unheard:
        yield Finding('ok', 'each queue in which jobs wait has a worker')


# Name, check, and whether it needs the server. In this order; add yours.
CHECKS: list[tuple[str, Callable[[Patient], Iterator[Finding]], bool]] = [
    ('files', _files, False),
    ('server', _server, True),
    ('eviction', _eviction, True),
    ('persistence', _persistence, True),
    ('suspended', _suspended, True),
    ('workers', _workers, True),
    ('queues', _queues, True),
    *SAFETY_CHECKS,
]


# --- the command --------------------------------------------------------------------------------------------------


def examine(patient: Patient) -> Iterator[tuple[str, Finding]]:
    """Each finding with the name of its check. A server that cannot be asked is a fault, once."""
    from redis.exceptions import RedisError

    from .errors import explain

    asked = True
    for name, check, of_server in CHECKS:
        if of_server and not asked:
            continue
        try:
            for finding in check(patient):
                yield name, finding
        except (RedisError, OSError) as error:
            yield name, Finding('fault', explain(error).message)
            asked = name != 'server'


@click.command()
@click.option('--json', 'as_json', is_flag=True, help='One line of JSON.')
@common_options
def doctor(config: CliConfig, as_json: bool) -> None:
    """Checks the installation and the server."""
    found = list(examine(Patient(config.quick_connection)))
    if as_json:
        import json

        click.echo(json.dumps([{'check': name, **asdict(finding)} for name, finding in found], ensure_ascii=False))
    else:
        width = max(len(name) for name, _ in found)
        for name, finding in found:
            click.echo(f'{_coloured(finding.level)} {name:<{width}}  {finding.text}')
    if any(finding.level == 'fault' for _, finding in found):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _coloured(level: Level) -> str:
    from rq.logutils import green, red, yellow

    paint = {'ok': green, 'warning': yellow, 'fault': red}[level]
    return str(paint(f'{level:<7}'))
