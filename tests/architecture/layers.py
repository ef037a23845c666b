"""Which module may import which: the floor plan, and the two questions that the tests ask about it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.architecture.tree import Import, imports, modules_below

LEAVES = [
    'version', 'defaults', 'exceptions', 'limits', 'types', 'utils', 'timeouts', 'serializers', 'logutils', 'respawn',
    'distributions', 'signing', 'allow', 'durations', 'fingerprint', '_faultpoints',
]  # fmt: skip

# Room by room, from the bottom up. A room may import the rooms in its list, and itself.
DOMAIN = ['store', *LEAVES]
ROOMS: dict[str, list[str]] = {
    **dict.fromkeys(LEAVES, LEAVES),
    'store': ['_faultpoints', 'defaults', 'exceptions', 'limits', 'types', 'utils', 'version'],
    'server': ['defaults', 'exceptions', 'types', 'version'],
    'webhook': LEAVES,
    'connections': DOMAIN,
    'inert': DOMAIN,
    'callbacks': LEAVES,
    'repeat': LEAVES,
    'rate_limit': DOMAIN,
    'job': ['callbacks', 'webhook', *DOMAIN],
    'dependency': ['job', *DOMAIN],
    'results': ['job', *DOMAIN],
    'intermediate_queue': ['results', 'job', *DOMAIN],
    'maintenance': ['intermediate_queue', *DOMAIN],
    'job_lifecycle': ['registry', 'results', 'queue', 'job', *DOMAIN],
    'queue': ['intermediate_queue', 'results', 'job', *DOMAIN],
    'group': ['queue', 'results', 'job', *DOMAIN],
    'scripts': ['queue', 'job', *DOMAIN],
    'executions': ['registry', 'results', 'queue', 'job', *DOMAIN],
    'registry': ['executions', 'results', 'queue', 'job', *DOMAIN],
    'worker_registration': DOMAIN,
    'suspension': DOMAIN,
}
ROOMS['command'] = ['executions', 'job', *DOMAIN]
ROOMS['cron_job_registry'] = ROOMS['cron_scheduler_registry'] = DOMAIN
ROOMS['cron'] = ['cron_job_registry', 'cron_scheduler_registry', 'queue', 'job', 'webhook', *DOMAIN]
ROOMS['scheduler'] = ['registry', 'queue', 'job', *DOMAIN]
BELOW_WORKER = [*ROOMS]
ROOMS['decorators'] = ['queue', 'results', 'job', *DOMAIN]
ROOMS['worker'] = BELOW_WORKER
ROOMS['worker_pool'] = [*BELOW_WORKER, 'worker']
# What a person wants to know, as plain values: the dashboard shows it as pages, the commands as text.
ROOMS['monitor'] = BELOW_WORKER
ROOMS['dashboard'] = [*BELOW_WORKER, 'monitor']
ROOMS['cli'] = [*BELOW_WORKER, 'worker', 'worker_pool', 'decorators', 'monitor', 'dashboard']
ROOMS['contrib'] = [*BELOW_WORKER, 'worker']
ROOMS['rq'] = [*ROOMS]  # the package itself: the public names

# Lazy imports that point up, because RQ's public properties do (`job.finished_job_registry`, `queue.started_job_registry`).
# They are in these files and nowhere else.
LINKS = {'rq.job.links', 'rq.queue.registries'}


def room(module: str) -> str:
    """The room of a module: the first name below the package, or the package itself."""
    return module.split('.')[1] if '.' in module else module


def edges(root: Path) -> list[Import]:
    """All imports within the package that bind at run time, but for the permitted lazy ones."""
    known = modules_below(root)
    found = []
    for name, path in known.items():
        for found_import in imports(name, path, known):
            inside = found_import.target.split('.')[0] == 'rq'
            permitted = found_import.typing or (found_import.lazy and name in LINKS)
            if inside and not permitted:
                found.append(found_import)
    return found


def wrong_arrows(found: Iterable[Import]) -> list[str]:
    """Imports that the floor plan does not have, in words."""
    wrong = []
    for edge in found:
        source, target = room(edge.source), room(edge.target)
        if source not in ROOMS:
            wrong.append(f'{edge.source}: {source} is not in the floor plan (layers.py)')
        elif target != source and target not in ROOMS[source]:
            wrong.append(f'{edge.source}:{edge.line} imports {edge.target}; {source} may not import {target}')
    return wrong


def cycles(found: Iterable[Import]) -> list[str]:
    """Circles of modules that import each other, each once, in words."""
    graph: dict[str, set[str]] = {}
    for edge in found:
        if edge.source != edge.target:
            graph.setdefault(edge.source, set()).add(edge.target)
            graph.setdefault(edge.target, set())
    # Modules that import nothing that is left are in no circle; what cannot be taken away is in one, or above one.
    for side in (graph, _turned(graph)):
        free = [name for name in side if not side[name] & graph.keys()]
        while free:
            for name in free:
                graph.pop(name, None)
            free = [name for name in graph if not side[name] & graph.keys()]
    return [f'{name} -> {", ".join(sorted(graph[name] & graph.keys()))}' for name in sorted(graph)]


def _turned(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    return {name: {source for source in graph if name in graph[source]} for name in graph}
