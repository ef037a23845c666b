"""The numbers of the worker, each with its reason, and the options of its horses."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    'ANNOUNCE_AFTER',
    'ANNOUNCE_TTL',
    'CGROUPS',
    'CLEAN_EVERY',
    'GRACE_MARGIN',
    'HARD_GRACE',
    'LEASE',
    'NOTES_EVERY',
    'NUDGE_EVERY',
    'NUDGE_RIGHT',
    'PACK_MOST',
    'PACK_WORK',
    'PROMOTE_EVERY',
    'REAP_EVERY',
    'RECORD_EVERY',
    'RENEW_LEASE_EVERY',
    'RENEW_WIP_EVERY',
    'SAMPLE_EVERY',
    'SUPERVISOR_TIMEOUT',
    'SWEEP_EVERY',
    'WATCH_EVERY',
    'WIRE_TIMEOUT',
    'HorseOptions',
]

# A job that has run so long is shown to readers, and those behind it in its pack are handed back.
ANNOUNCE_AFTER = 0.1
# How often the supervisor looks at the board: a job behind a long one waits ANNOUNCE_AFTER + this, at most 150 ms.
WATCH_EVERY = 0.04
# Seconds the readers' traces of a run live between renewals: RQ's heartbeat TTL (30 s interval + 60).
ANNOUNCE_TTL = 90

# A worker counts as dead after LEASE without renewal; renewed six times as often, a lost one or two do no harm.
LEASE = 30
RENEW_LEASE_EVERY = 5.0
RENEW_WIP_EVERY = 15.0
REAP_EVERY = 5.0
# Registries forget expired jobs; nobody waits for it, since readers leave them out.
CLEAN_EVERY = 30.0
# What only a death in the wrong moment, or somebody's DEL, leaves behind: looked for by one worker.
SWEEP_EVERY = 15.0
# Counters for the dashboard: a batch a second, and how many jobs wait once a minute, the finest step of its charts.
RECORD_EVERY = 1.0
SAMPLE_EVERY = 60.0
# Due jobs start at most 1 s late.
PROMOTE_EVERY = 0.5
# User code for the dead, and webhooks: looked for so often, for all queues at once.
NOTES_EVERY = 0.5
# Pushes of foreign producers leave no token: looked for twice a second by one supervisor, whose right outlives a tick.
NUDGE_EVERY = 0.4
NUDGE_RIGHT = 2.0

# User code gets this long after its timeout to end by itself; then its process group is killed.
HARD_GRACE = 5.0
# Seconds before the end of `--grace` at which what still runs is killed: for its outcome, and one call to a slow Redis.
GRACE_MARGIN = 1.0

# Where Linux tells of the control group of this process: which it is, and its files.
CGROUPS = ('/proc/self/cgroup', '/sys/fs/cgroup')

# A pack holds about this much expected work (seconds) and at most so many jobs.
PACK_WORK = 0.010
PACK_MOST = 64

# The supervisor serves signals and deadlines between its Redis calls; none may take longer.
SUPERVISOR_TIMEOUT = 1.0
# A horse waits for a reply at most so long before it sends its request again: well under half a lease.
WIRE_TIMEOUT = 10.0


@dataclass(slots=True)
class HorseOptions:
    """How the horses of a worker live."""

    fork_per_job: bool = False  # a new process for every job, as RQ
    max_jobs_per_horse: int = 0  # a new process after so many jobs; 0: never
    preload: tuple[str, ...] = ()  # modules to import once, before horses are forked
    reload: bool = True  # a new process when a source file of the jobs' modules changed

    @property
    def life(self) -> int:
        """Jobs a horse may run; 0: no limit."""
        return 1 if self.fork_per_job else self.max_jobs_per_horse
