"""What each fault does. One function a fault (plan.py names them): it gets the world and the step, and notes what it did."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from functools import partial

from redis.exceptions import RedisError

from chaos.actions import black_hole, drop_reply, drop_request, error
from chaos.plan import Step
from chaos.proxy import Shape
from chaos.world import Kill, Pause, Worker, World

__all__ = ['run']

# Requests that move jobs, whichever system sends them: scripts, transactions, and what takes from lists.
MOVES = 'EVALSHA EVAL EXEC BLPOP BLMOVE LMOVE LPOP'
ERRORS = [
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Errors writing to the AOF file: No space left on device',
    'CLUSTERDOWN The cluster is down',
]


def run(world: World, step: Step) -> None:
    """Does it. A fault that finds nobody to do it to is noted as none."""
    DEEDS[step.fault](world, step)


def _worker(world: World, step: Step) -> Worker | None:
    alive = [worker for worker in world.workers if worker.alive]
    if not alive:
        world.note(f'{step.fault}: no worker')
        return None
    return alive[step.who % len(alive)]


def horse_killed(world: World, step: Step) -> None:
    found = world.horse(step)
    if found is None:
        world.note('horse_killed: no horse')
        return
    worker, horse = found
    world.signal(horse, signal.SIGKILL)
    world.kills.append(Kill(time.monotonic(), 'horse', worker.name, [horse.pid]))
    world.note(f'horse {horse.pid} of {worker.name} killed')


def worker_killed(world: World, step: Step) -> None:
    worker = _worker(world, step)
    if worker is None:
        return
    world.signal(worker.popen.pid, signal.SIGKILL)
    world.kills.append(Kill(time.monotonic(), 'worker', worker.name, [worker.popen.pid]))
    world.note(f'worker {worker.name} ({worker.popen.pid}) killed, its horses live')
    world.ended(worker, 'kill')


def host_killed(world: World, step: Step) -> None:
    worker = _worker(world, step)
    if worker is None:
        return
    # Stopped first, so that none of them sees another die: as when a machine goes.
    world.signal(worker.popen.pid, signal.SIGSTOP)
    children = [child.pid for child in worker.family()]
    for pid in children:
        world.signal(pid, signal.SIGSTOP)
    at = time.monotonic()
    held = world.held_by(worker) if not world.troubles else []
    for pid in [worker.popen.pid, *children]:
        world.signal(pid, signal.SIGKILL)
    world.kills.append(Kill(at, 'host', worker.name, [worker.popen.pid, *children], held))
    world.note(f'worker {worker.name} killed with {children}; it held {held}')
    world.ended(worker, 'kill')


def worker_terminated(world: World, step: Step) -> None:
    worker = _worker(world, step)
    if worker is None:
        return
    world.signal(worker.popen.pid, signal.SIGTERM)
    world.note(f'SIGTERM to worker {worker.name}')
    world.ended(worker, 'term')


def _pause(world: World, pid: int, who: str, seconds: float) -> None:
    world.signal(pid, signal.SIGSTOP)
    world.halt(seconds)
    world.later(seconds, lambda: world.signal(pid, signal.SIGCONT))
    world.note(f'{who} ({pid}) stopped for {seconds:.2f} s')


def worker_paused(world: World, step: Step) -> None:
    worker = _worker(world, step)
    if worker is not None:
        _pause(world, worker.popen.pid, f'worker {worker.name}', step.lasts)


def horse_paused(world: World, step: Step) -> None:
    found = world.horse(step)
    if found is not None:
        _pause(world, found[1].pid, f'horse of {found[0].name}', step.lasts)


def host_paused(world: World, step: Step) -> None:
    found = world.horse(step)
    if found is None:
        world.note('host_paused: nobody')
        return
    worker = found[0]
    pids = [worker.popen.pid, *(child.pid for child in worker.family())]
    for pid in pids:
        world.signal(pid, signal.SIGSTOP)
    world.pauses.append(Pause(time.monotonic(), step.lasts, worker.name, pids))
    world.note(f'worker {worker.name} stopped with {pids[1:]} for {step.lasts:.2f} s; it held {world.held_by(worker)}')
    for pid in pids:
        world.later(step.lasts, partial(world.signal, pid, signal.SIGCONT))


def server_killed(world: World, step: Step) -> None:
    if not world.server.running:
        return
    world.server.kill()
    world.outage('server_killed', step.lasts, lambda: world.server.start() and None)
    world.note(f'server killed for {step.lasts:.2f} s')


def server_paused(world: World, step: Step) -> None:
    if not world.server.running:
        return
    pid = world.server.pid
    world.signal(pid, signal.SIGSTOP)
    world.outage('server_paused', step.lasts, lambda: world.signal(pid, signal.SIGCONT))
    world.note(f'server stopped for {step.lasts:.2f} s')


def scripts_flushed(world: World, step: Step) -> None:
    try:
        world.redis.script_flush()  # type: ignore[no-untyped-call]
        world.note('SCRIPT FLUSH')
    except (RedisError, OSError) as trouble:
        world.note(f'SCRIPT FLUSH: {type(trouble).__name__}')


def connections_cut(world: World, step: Step) -> None:
    world.proxy.cut_all()
    world.note('all connections reset')


def reply_lost(world: World, step: Step) -> None:
    world.proxy.on(MOVES, drop_reply(), k=step.k)
    world.note(f'the reply of move {step.k} from now is lost')


def request_lost(world: World, step: Step) -> None:
    world.proxy.on(MOVES, drop_request(), k=step.k)
    world.note(f'request {step.k} from now is lost')


def black_hole_all(world: World, step: Step) -> None:
    world.proxy.black_hole()
    world.outage('black_hole', step.lasts, world.proxy.heal)
    world.note(f'silence for {step.lasts:.2f} s')


def one_silent(world: World, step: Step) -> None:
    world.proxy.on(MOVES, black_hole(), k=step.k)
    world.halt(step.lasts)
    world.later(step.lasts, world.proxy.heal)
    world.note(f'one connection is silent for {step.lasts:.2f} s')


def _shape(world: World, step: Step, shape: Shape) -> None:
    world.shape(shape)
    world.outage(step.fault, step.lasts, lambda: world.shape(Shape()))
    world.note(f'{shape} for {step.lasts:.2f} s')


def slow(world: World, step: Step) -> None:
    _shape(world, step, Shape(delay=0.02 * step.k))


def trickle(world: World, step: Step) -> None:
    _shape(world, step, Shape(rate=20_000, pieces=3))


def errors(world: World, step: Step) -> None:
    text = ERRORS[step.who % len(ERRORS)]
    rule = world.proxy.on(MOVES, error(text), times=step.k)
    world.outage('errors', 0.5, lambda: world.forget(rule))
    world.note(f'{step.k} times {text[:24]}...')


DEEDS: dict[str, Callable[[World, Step], None]] = {
    'horse_killed': horse_killed,
    'worker_killed': worker_killed,
    'host_killed': host_killed,
    'worker_terminated': worker_terminated,
    'worker_paused': worker_paused,
    'horse_paused': horse_paused,
    'host_paused': host_paused,
    'server_killed': server_killed,
    'server_paused': server_paused,
    'scripts_flushed': scripts_flushed,
    'connections_cut': connections_cut,
    'reply_lost': reply_lost,
    'request_lost': request_lost,
    'black_hole': black_hole_all,
    'one_silent': one_silent,
    'slow': slow,
    'trickle': trickle,
    'errors': errors,
}
