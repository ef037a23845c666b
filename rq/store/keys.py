"""The name of every key in Redis: one function a key, with its type, its writer and when it dies.

Nobody spells a key anywhere else; `lua/lib/keys.lua` is this page's twin inside the scripts. The layout is RQ's
(`docs/internals.md` has the map); the keys that are ours alone are marked so. Functions that name a job take the
queue too where a later Cluster layout needs it for the hash tag; outside Cluster it changes nothing.
"""

from __future__ import annotations

from rq.defaults import RQ_KEY_PREFIX as PREFIX

__all__ = [
    'PREFIX', 'aftermath', 'audit', 'bulk', 'bulk_runner', 'canceled', 'clean_groups', 'clean_registries',
    'cron_history', 'cron_jobs', 'cron_scheduler', 'cron_schedulers', 'cron_state', 'deferred', 'dependencies',
    'dependents', 'deploys', 'error_group', 'error_groups', 'error_jobs', 'execution', 'executions', 'failed',
    'finished', 'first_seen', 'gone', 'group', 'groups', 'intermediate', 'job', 'lease', 'limit', 'limit_holders',
    'limit_waiters', 'limits', 'note', 'nudge', 'pack', 'queue', 'queue_name', 'queues', 'ready', 'recorded',
    'releasing', 'results', 'scheduled', 'said', 'scheduler', 'scheduler_lock', 'stack', 'stats', 'suspended',
    'suspended_queue', 'trash', 'trashed', 'trashed_job', 'trashed_results', 'trial', 'wake', 'wake_name', 'wip',
    'worker', 'worker_executions', 'worker_name', 'workers', 'workers_of',
]  # fmt: skip


def queues() -> str:
    """Set of full queue keys. Written by every enqueue; a member leaves by `Queue.delete()` only."""
    return f'{PREFIX}:queues'


def queue(name: str) -> str:
    """List of waiting job ids, head first. Lives while it has a member."""
    return f'{PREFIX}:queue:{name}'


def queue_name(key: str) -> str:
    """The name inside a full queue key; ValueError for a key that is not one."""
    prefix = f'{PREFIX}:queue:'
    if not key.startswith(prefix):
        raise ValueError(f'Not a valid RQ queue key: {key}')
    return key[len(prefix) :]


def intermediate(name: str) -> str:
    """List of RQ's: ids popped by an RQ worker and not yet started. We only adopt what is stranded there."""
    return f'{PREFIX}:queue:{name}:intermediate'


def first_seen(name: str, job_id: str) -> str:
    """String of RQ's: epoch when maintenance first saw an id on the intermediate list. Expires after a day."""
    return f'{PREFIX}:queue:{name}:intermediate:first_seen:{job_id}'


def job(job_id: str) -> str:
    """Hash of one job. Written at enqueue; expires with the job's ttl while waiting, result or failure TTL after."""
    return f'{PREFIX}:job:{job_id}'


def dependents(job_id: str) -> str:
    """Set of ids that wait for this job (RQ's). Dies with the job."""
    return f'{PREFIX}:job:{job_id}:dependents'


def dependencies(job_id: str) -> str:
    """Set of ids this job waits for (RQ's; two colons after `job`). Dies with the job."""
    return f'{PREFIX}:job::{job_id}:dependencies'


def results(job_id: str) -> str:
    """Stream of the last ten results. Written by finish; expires with the result or failure TTL."""
    return f'{PREFIX}:results:{job_id}'


def execution(job_id: str, execution_id: str) -> str:
    """Hash of one run, for readers. Written by announce after 100 ms; deleted by finish, else expires in 90 s."""
    return f'{PREFIX}:execution:{job_id}:{execution_id}'


def executions(job_id: str) -> str:
    """Sorted set of the runs of a job, for readers. As `execution`, 60 s longer."""
    return f'{PREFIX}:executions:{job_id}'


def wip(name: str) -> str:
    """Sorted set `{job}:{execution}` -> epoch at which the claim counts as abandoned. The lease of every running job."""
    return f'{PREFIX}:wip:{name}'


def finished(name: str) -> str:
    """Sorted set id -> epoch of expiry (`+inf`: never)."""
    return f'{PREFIX}:finished:{name}'


def failed(name: str) -> str:
    """Sorted set id -> epoch of expiry (-1: never). Failed and stopped jobs."""
    return f'{PREFIX}:failed:{name}'


def deferred(name: str) -> str:
    """Sorted set id -> epoch when it began to wait for other jobs."""
    return f'{PREFIX}:deferred:{name}'


def scheduled(name: str) -> str:
    """Sorted set id -> epoch to run at. RQ writes whole seconds and reads any; ours are exact to the millisecond."""
    return f'{PREFIX}:scheduled:{name}'


def canceled(name: str) -> str:
    """Sorted set id -> epoch of cancel."""
    return f'{PREFIX}:canceled:{name}'


def ready(name: str) -> str:
    """Sorted set of RQ 3.0's: dependencies met, not yet queued. Ours never rest there."""
    return f'{PREFIX}:ready:{name}'


def clean_groups() -> str:
    """String, RQ's lock for the maintenance of groups. Ours needs none; kept for `Group.acquire_maintenance_lock`."""
    return f'{PREFIX}:clean_groups'


def clean_registries(name: str) -> str:
    """String, RQ's maintenance lock of a queue (899 s). Ours need none; kept for `Queue.acquire_maintenance_lock`."""
    return f'{PREFIX}:clean_registries:{name}'


def workers() -> str:
    """Set of full worker keys. Written at registration; leaves at death or by the reaper."""
    return f'{PREFIX}:workers'


def workers_of(name: str) -> str:
    """Set of full keys of the workers that listen on a queue. As `workers`."""
    return f'{PREFIX}:workers:{name}'


def worker(name: str) -> str:
    """Hash of a worker, for readers. Written at registration and heartbeats; expires worker_ttl + 60 s after the last."""
    return f'{PREFIX}:worker:{name}'


def worker_name(key: str) -> str:
    """The name inside a full worker key; ValueError for a key that is not one."""
    prefix = f'{PREFIX}:worker:'
    if not key.startswith(prefix):
        raise ValueError(f'Not a valid RQ worker key: {key}')
    return key[len(prefix) :]


def worker_executions(name: str) -> str:
    """Set `{job}:{execution}` of the announced runs of a worker, for readers. Dies with the worker's hash."""
    return f'{PREFIX}:worker:{name}:executions'


def pack(worker_name: str) -> str:
    """Ours. Hash: the last numbered request of a worker and what it answered. Expires 600 s after the last."""
    return f'{PREFIX}:worker:{worker_name}:pack'


def lease(worker_name: str) -> str:
    """Ours. String: the incarnation of a living worker. Expires 30 s after the last renewal: then it counts as dead."""
    return f'{PREFIX}:lease:{worker_name}'


def trial() -> str:
    """Ours. String: who measures with `rq bench` on this server. Deleted at its end, else expires in 120 s."""
    return f'{PREFIX}:trial'


def wake(name: str) -> str:
    """Ours. List with at most one token that wakes one idle worker of a queue. Expires 60 s after the token came."""
    return f'{PREFIX}:wake:{name}'


def nudge() -> str:
    """Ours. String: the supervisor that looks for foreign pushes now. Expires in 2 s."""
    return f'{PREFIX}:nudge'


def gone(job_id: str) -> str:
    """Ours. String: a job that was deleted as it finished, so that its enqueue is not repeated. Expires in 30 s."""
    return f'{PREFIX}:gone:{job_id}'


def said(call: str) -> str:
    """Ours. String: what a call answered, by its nonce, in case it is sent again. Expires in 120 s."""
    return f'{PREFIX}:said:{call}'


def scheduler(name: str) -> str:
    """Hash of a scheduler, for readers. Written by RQScheduler; expires 61 s after its last heartbeat."""
    return f'{PREFIX}:scheduler:{name}'


def scheduler_lock(name: str) -> str:
    """String: the scheduler (of old RQs its pid) that alone queues a queue's due jobs. Expires 61 s after its renewal."""
    return f'{PREFIX}:scheduler-lock:{name}'


def cron_schedulers() -> str:
    """Sorted set of cron schedulers -> epoch of the last heartbeat. A name leaves at its orderly stop, or 120 s after that."""
    return f'{PREFIX}:cron_schedulers'


def cron_scheduler(name: str) -> str:
    """Hash of a cron scheduler with its cron jobs, for readers. Expires 120 s after the last heartbeat."""
    return f'{PREFIX}:cron_scheduler:{name}'


def cron_jobs() -> str:
    """Sorted set of the names of cron jobs -> epoch of the last enqueue. A name leaves a year after that."""
    return f'{PREFIX}:cron_jobs'


def cron_history(name: str) -> str:
    """Sorted set id -> epoch: the last 1,000 jobs that a cron job made. Expires a year after the last."""
    return f'{PREFIX}:cron_job:{name}:jobs'


def cron_state(name: str) -> str:
    """Ours. Hash of a cron job: last slot, paused, run now. Expires two years after the last change; a paused one stays."""
    return f'{PREFIX}:cron_job:{name}:state'


def group(name: str) -> str:
    """Set of the ids of a group's jobs (RQ's). A job leaves it when it is deleted."""
    return f'{PREFIX}:group:{name}'


def groups() -> str:
    """Set of group names (RQ's). A name leaves it when its group is empty and looked after."""
    return f'{PREFIX}:groups'


def limits() -> str:
    """Set of the rate limit keys in use (RQ 3.0's). One leaves it when nobody holds or awaits a slot of it."""
    return f'{PREFIX}:rl-keys'


def limit(name: str) -> str:
    """Hash of a rate limit: `concurrency` (RQ 3.0's). As `limits`."""
    return f'{PREFIX}:rl:{name}'


def limit_holders(name: str) -> str:
    """Sorted set id -> epoch of admission: the jobs that hold a slot of a rate limit, queued or running (RQ 3.0's)."""
    return f'{PREFIX}:rl:{name}:allowed'


def limit_waiters(name: str) -> str:
    """Sorted set id -> epoch of parking: the jobs that wait for a slot, status `rate_limited` (RQ 3.0's)."""
    return f'{PREFIX}:rl:{name}:rate_limited'


def releasing() -> str:
    """Ours. Hash id -> how it ended (`how:cursor`): jobs with many dependents that are still to be told. Empties itself."""
    return f'{PREFIX}:releasing'


def aftermath(name: str) -> str:
    """Ours. Sorted set `what:job:execution` -> epoch from which the note may be taken. Lives while it has a member."""
    return f'{PREFIX}:aftermath:{name}'


def note(member: str) -> str:
    """Ours. Hash of a note (`what:job:execution`): user code for the dead, webhooks. Dropped when done, else in a day."""
    return f'{PREFIX}:note:{member}'


def stack(job_id: str) -> str:
    """Ours. String (JSON): where a running job stood when somebody asked, written by its worker. Expires in 60 s."""
    return f'{PREFIX}:stack:{job_id}'


def suspended() -> str:
    """String: while it exists no worker takes a job. Expires with `rq suspend --duration`."""
    return f'{PREFIX}:suspended'


def suspended_queue(name: str) -> str:
    """Ours. String: while it exists nobody takes a job of this queue."""
    return f'{PREFIX}:suspended:{name}'


def stats(kind: str, bucket: str) -> str:
    """Ours. Hash of counters. `kind`: queues, functions, slowest, heaviest, errors, waiting. `bucket`: `{step}-{start}`, seconds. Expires."""
    return f'{PREFIX}:stats:{kind}:{bucket}'


def recorded(writer: str) -> str:
    """Ours. String: number of the last batch of counters that a writer has sent. Expires 1 h after it."""
    return f'{PREFIX}:recorded:{writer}'


def deploys() -> str:
    """Ours. Sorted set of the 100 newest code versions of workers -> epoch when first seen. Expires 400 days after the last."""
    return f'{PREFIX}:deploys'


def error_groups() -> str:
    """Ours. Sorted set of the fingerprints of the 1,000 latest kinds of failures -> epoch of the last. Expires 92 days after."""
    return f'{PREFIX}:errors'


def error_group(fingerprint: str) -> str:
    """Ours. Hash of one kind of failures: count, first, last, a sample. Expires 92 days after the last."""
    return f'{PREFIX}:error:{fingerprint}'


def error_jobs(fingerprint: str) -> str:
    """Ours. Sorted set of the newest 10,000 jobs that failed this way -> epoch. Expires 92 days after the last."""
    return f'{PREFIX}:error:{fingerprint}:jobs'


def audit() -> str:
    """Ours. Stream of what people did by the dashboard: who, what, on what. The last 10,000 stay."""
    return f'{PREFIX}:audit'


def bulk(bulk_id: str) -> str:
    """Ours. Hash of an action on many jobs: what it is, how far, what came of it. Expires in 26 h."""
    return f'{PREFIX}:bulk:{bulk_id}'


def bulk_runner(bulk_id: str) -> str:
    """Ours. String: who works on a bulk now. Expires 15 s after the last sign of life."""
    return f'{PREFIX}:bulk:{bulk_id}:runner'


def trash() -> str:
    """Ours. Sorted set of the bulks whose deleted jobs can be brought back -> epoch until which. Expires a day after the last."""
    return f'{PREFIX}:trash'


def trashed(bulk_id: str) -> str:
    """Ours. List of the ids that a bulk deleted and that can be brought back. Expires in 24 h."""
    return f'{PREFIX}:trash:{bulk_id}'


def trashed_job(bulk_id: str, job_id: str) -> str:
    """Ours. Hash of a deleted job, as it was. Expires in 24 h."""
    return f'{PREFIX}:trash:{bulk_id}:job:{job_id}'


def trashed_results(bulk_id: str, job_id: str) -> str:
    """Ours. Stream of the results of a deleted job, as it was. Expires in 24 h."""
    return f'{PREFIX}:trash:{bulk_id}:results:{job_id}'


def wake_name(key: str) -> str:
    """The name of the queue inside the key of a marker."""
    return key[len(wake('')) :]
