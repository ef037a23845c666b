"""Where the scenario answers otherwise than RQ 3.0.0's, and why. The test holds the list in both directions."""

from __future__ import annotations

from tests.compat.compare import ABSENT, Difference

ANY = '.*'
GONE = r'\(absent\)'
assert GONE.replace('\\', '') == ABSENT
JOB = r'.*KEY rq:job:[^: ]+ '
ALL = '31536000'  # a year

# --- Data: what we write more, or do not write -----------------------------------------------------------------------

DATA = (
    Difference(JOB + r'(success|failure|stopped)_callback_name', '', GONE, 'fields that are empty are not written'),
    Difference(JOB + r'(group_id|worker_name|last_heartbeat|started_at|ended_at|exc_info)', '', GONE, 'the same'),
    Difference(JOB + r'enqueued_at', GONE, '', 'it is not queued any more, or not yet: an empty field is none'),
    Difference(JOB + r'last_heartbeat', 'now', GONE, 'the lease in rq:wip is the heartbeat; readers do without'),
    Difference(JOB + r'execution', GONE, '<hex>', 'ours: the run that holds the job, for the fence'),
    Difference(JOB + r'call', GONE, ANY, 'ours: a nonce of the call, so that a repeated request is no second job'),
    Difference(JOB + r'retries_used', GONE, ANY, 'ours: the retries so far, to find the interval'),
    Difference(r'.*KEY rq:wake:\w+( TTL)?', GONE, ANY, 'ours: the token that wakes one idle worker'),
    Difference(r'.*KEY rq:worker:[\w-]+:pack.*', GONE, ANY, 'ours: the last request of a worker; expires'),
    Difference(r'.*KEY rq:gone:\w+( TTL)?', GONE, ANY, 'ours: that a job was deleted at its end; expires'),
    Difference(r'.*KEY rq:clean_groups( TTL)?', ANY, GONE, "RQ's lock of its maintenance; ours has none to hold"),
    Difference(r'.*KEY rq:worker:[\w-]+ (successful|failed)_job_count', GONE, '0', 'counters begin at 0'),
    Difference(r'.*KEY rq:worker:[\w-]+ total_working_time', GONE, ANY, 'the same'),
    Difference(r'.*KEY rq:results:[\w-]+ TTL', GONE, f'about {ALL}',
               'results of a failed job expire with it; RQ leaves them for ever'),
    Difference(r'.*KEY rq:worker:[\w-]+ state', 'started', 'idle', 'a worker that has nothing to do is idle'),
    Difference(JOB + 'announced', GONE, '<hex>', 'ours: that the run was shown to readers'),
    Difference(r'.*KEY rq:lease:w( TTL)?', GONE, ANY, 'ours: that the worker lives, for half a minute'),
    Difference(r'.*KEY rq:worker:w incarnation', GONE, ANY, 'ours: which of the workers of this name'),
    Difference(r'.*KEY rq:job:(a|b|c|d) TTL', 'about .*', GONE, 'what is queued again does not expire meanwhile'),
    Difference(r'.*requeued: KEY rq:job:\w worker_name', 'w', GONE, 'no worker has what is queued'),
    Difference(r'in_process \| KEY rq:results:.*', r'.*worker_name: }\]', r'.*worker_name: sync}\]',
               'results say where and when they came to be'),
    Difference(r'in_process \| good.latest_result\(\)', '.*worker_name= .*', '.*worker_name=sync .*', 'the same'),
    Difference(r'in_process \| KEY rq:job:\w+ ended_at', '', 'now', 'what has failed has ended'),
    Difference(r'in_process \| KEY rq:job:bulk .*', '|queued', 'now|finished|sync',
               'enqueue_many runs in process as well; RQ runs the job and leaves it queued in the data'),
    Difference(r'in_process \| KEY rq:job:retried retries_left', '2', GONE, 'nothing is tried again in process, in RQ neither'),
)  # fmt: skip

# --- Answers: what is refused, earlier or in plainer words -----------------------------------------------------------

ERRORS = (
    Difference(r'.*\| (a number|None)', 'raises AttributeError Exception', 'raises NotAFunctionError .*',
               'what can be no job is said to be none'),
    Difference(r'scheduled \| enqueue_at a text', 'raises AttributeError .*', 'raises TypeError .*', 'the same'),
    Difference(r'jobs \| create with kwargs that are no dict', 'raises AttributeError .*', 'raises TypeError .*', 'the same'),
    Difference(r'registries \| without a connection', '<FinishedJobRegistry>', 'raises TypeError .*',
               'said when it is made, not at its first use'),
    Difference(r'workers \| no connection', 'raises AssertionError .*', 'raises TypeError .*', 'as queues do'),
    Difference(r'workers \| no queues', '<BaseWorker <hex>>', 'raises ValueError .*', 'it would wait for nothing for ever'),
    Difference(r'workers \| an unknown strategy', 'False', 'raises ValueError .*', 'RQ says so only when a job is there'),
    Difference(r'suspending \| suspend for (0|-1)', 'None', 'raises ValueError .*', 'Redis would resume at once'),
    Difference(r'suspending \| suspend for x', 'raises ResponseError .*', 'raises TypeError .*', 'seen before Redis does'),
    Difference(r'canceling \| delete again', 'raises InvalidJobOperation .*', 'None', 'deleting may be repeated'),
)  # fmt: skip

MORE = (
    Difference(r'changing_a_queue \| push_job_id.*', 'None', r'\d+', 'how many there are now, as the list says'),
    Difference(r'workers \| KEY rq:worker:w state', 'idle', 'busy', 'a burst that was refused touches no state'),
)  # fmt: skip

# --- Answers: what is wrong in RQ or lost by it ----------------------------------------------------------------------

BETTER = (
    Difference(r'meta_and_damage \| a (status|timeout|created_at|dependency_ids|retry_intervals) that is broken',
               'raises .*', '<Job .*>', 'one broken field makes no job unreadable'),
    Difference(r'.*\.(result|exc_info)', r'.* \(warns DeprecationWarning\)', ANY, 'they stay: nobody has to move'),
    Difference(r'.*KEY rq:results:(unknown|no-such)', r'.*Invalid attribute name: [\w.]+, .*', r'.*: [\w.]+ \(.*\), .*',
               'the error says what could not be imported, and why'),
    Difference(r'odd_work \| KEY rq:results:json', '.*DeserializationError,.*', '.*DeserializationError: .*', 'the same'),
    Difference(r'odd_work .*generator.*|odd_work \| KEY rq:(finished|failed):q', ANY, ANY,
               'a generator is a value that cannot be stored; RQ takes it for a coroutine'),
    Difference(r'odd_work \| KEY rq:worker:w (successful|failed)_job_count', ANY, ANY, 'the same'),
    Difference(r'odd_work \| KEY rq:results:twice', '.*}, {.*', r'[^}]*}\]', 'it ran once'),
    Difference(r"serializers \| resolve 'rq.serializers.PickleSerializer'", '<DefaultSerializer>', '<PickleSerializer>',
               'two names of the same'),
    Difference(r'registries \| equal', r'\[True, True, .*', r'\[True, False, .*', 'the finished are not the failed'),
    Difference(r'odd_work \| runs', '2', '1', 'an id that is twice in the list runs once (no job runs twice)'),
)  # fmt: skip

# --- Schedules -------------------------------------------------------------------------------------------------------

SCHEDULES = (
    Difference(r'cron .*KEY rq:cron_job:every:state.*', GONE, ANY,
               'ours: the last slot of a cron job, so that of several schedulers one enqueues it'),
    Difference(r'cron \| register a negative interval', '<CronJob .*>', 'raises ValueError .*',
               'RQ enqueues it at every look'),
    Difference(r'cron \| register a wrong string', 'raises Croniter.* ValueError .*', 'raises ValueError .*',
               'there is no croniter to raise its own'),
    Difference(r'schedulers .*KEY rq:scheduler:s packhorse', GONE, '1',
               'ours: by it supervisors know that they may promote beside this scheduler'),
)  # fmt: skip

DIFFERENCES = (*DATA, *ERRORS, *MORE, *BETTER, *SCHEDULES)
