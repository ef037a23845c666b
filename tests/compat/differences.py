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
    Difference(r'.*KEY rq:said:\w+( TTL)?', GONE, ANY, 'ours: what a call answered, should it be sent again; expires'),
    Difference(r'.*KEY rq:gone:\w+( TTL)?', GONE, ANY, 'ours: that a job was deleted at its end; expires'),
    Difference(r'.*KEY rq:(stats:|errors?\b|recorded:|deploys\b).*', GONE, r'(?s:.*)', 'ours: what workers count; expires'),
    Difference(r'.*KEY rq:worker:[\w-]+ (code|rss|cpu|horses)', GONE, ANY, 'ours: its code, memory, CPU and horses, for readers'),
    Difference(r'.*KEY rq:clean_groups( TTL)?', ANY, ANY, "RQ's lock of its maintenance; ours has none to hold"),
    Difference(r'groups \| the lock', 'False', 'True', 'the same'),
    Difference(JOB + 'serializer', GONE, 'json', 'ours: the serializer that wrote the job, so that any reader can read it'),
    Difference(JOB + 'expire_at', GONE, r'\d+', 'ours: the end of a ttl, for when the job is given back'),
    Difference(JOB + 'result', ANY, GONE, 'the results are in their stream; the field is from before there was one'),
    Difference(r'jobs \| to_dict', ANY, ANY, 'the same'),
    Difference(JOB + 'enqueue_at_front', '0', GONE, 'what is not set is not written'),
    Difference(r'every_option \| retry.enqueue_at_front_on_retry', 'False', 'None', 'the same'),
    Difference(r'(retries) \| KEY rq:job:(evenly|later|asks-later) ended_at', 'now', GONE, 'what will run again has not ended'),
    Difference(r'explicit_and_in_bulk \| prepared', ANY, r'.*, None, None\]', 'ours: on_lost and durable, after the fields of RQ'),
    Difference(r'explicit_and_in_bulk \| KEY rq:job:made meta', '{x: 1}', GONE, 'an id that is enqueued anew is a new job'),
    Difference(r'.*KEY rq:worker:[\w-]+ (successful|failed)_job_count', GONE, '0', 'counters begin at 0'),
    Difference(r'.*KEY rq:worker:[\w-]+ total_working_time', GONE, ANY, 'the same'),
    Difference(r'.*KEY rq:results:[\w-]+ TTL', f'{GONE}|about 600', f'about {ALL}',
               'results of a failed job expire with it; RQ leaves them for ever'),
    Difference(r'.*KEY rq:worker:[\w-]+ state', 'started', 'idle', 'a worker that has nothing to do is idle'),
    Difference(JOB + r'losses', GONE, r'\d+', 'ours: how often its process died; after three deaths it is given up'),
    Difference(JOB + r'deaths', GONE, ANY, 'ours: when, where and how, the evidence'),
    Difference(JOB + 'announced', GONE, '<hex>', 'ours: that the run was shown to readers'),
    Difference(r'.*KEY rq:lease:w( TTL)?', GONE, ANY, 'ours: that the worker lives, for half a minute'),
    Difference(r'.*KEY rq:worker:w incarnation', GONE, ANY, 'ours: which of the workers of this name'),
    Difference(r'.*KEY rq:job:(a|b|c|d) TTL', 'about .*', GONE, 'what is queued again does not expire meanwhile'),
    Difference(r'.*(requeued|suspended): KEY rq:job:\w worker_name', 'w', GONE, 'no worker has what is queued'),
    Difference(r'(in_process|callbacks) \| KEY rq:results:.*', r'.*worker_name: }\]', r'.*worker_name: sync}\]',
               'results say where and when they came to be'),
    Difference(r'in_process \| good.latest_result\(\)', '.*worker_name= .*', '.*worker_name=sync .*', 'the same'),
    Difference(r'(in_process|callbacks) \| KEY rq:job:[\w-]+ ended_at', '', 'now', 'what has failed has ended'),
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
    Difference(r'rate_limits \| a text', 'raises AttributeError .*', 'raises TypeError .*', 'the same'),
    Difference(r'bad_options \| kwargs that are no dict', 'raises AttributeError .*', 'raises TypeError .*', 'the same'),
    Difference(r'bad_options \| a queue without a name', '<Queue >', 'raises ValueError .*', 'a worker could not be told of it'),
    Difference(r'at_once \| on itself', '<Job self>', 'raises InvalidJobDependency .*', 'a circle would wait for ever'),
    Difference(r'at_once \| KEY rq:job:self.*', ANY, GONE, 'the same'),
    Difference(r'at_once \| (queued|KEY rq:queue:q)', '.*on-half, self\\]', '.*on-half\\]', 'the same'),
    Difference(r'at_once \| a Dependency of None', '<Dependency .*', 'raises ValueError .*', 'None is no job'),
    Difference(r'canceling \| delete again', 'raises InvalidJobOperation .*', 'None', 'deleting may be repeated'),
)  # fmt: skip

MORE = (
    Difference(r'bad_options \| KEY rq:queues', ANY, GONE, 'a queue is known from its first job on'),
    Difference(r'at_once \| dependency of (gone|unknown)', 'raises NoSuchJobError .*', 'None', 'there is none'),
    Difference(r'at_once \| on .*dependency_ids', r'\[\]', r'\[.+\]', 'it says what the job was to wait for'),
    Difference(r'at_once \| KEY rq:job:on-twice dependency_ids', r'\["done", "done"\]', r'\["done"\]', 'each once'),
    Difference(r'emptied \| a child in it', 'raises RedisError .*', '<Job c>', 'a pipeline with commands takes it, too'),
    Difference(r'emptied \| KEY rq:(job::?c.*|deferred:q|job:b:dependents)', ANY, ANY, 'the same'),
    Difference(r'groups \| KEY rq:groups?(:h)?', GONE, 'set .*', 'enqueue_many(group_id=) makes the jobs members'),
    Difference(r'in_process \| inside a job', '<Job outer>', r'<Job outer> \(warns UserWarning\)',
               'an option that the function has as a parameter, too, is taken with a warning'),
    Difference(r'results \| fetch', 'None', '<Result .*', 'the newest one, as its name says'),
    Difference(r'retries \| KEY rq:worker:w (successful|failed)_job_count', ANY, ANY, 'who asks to be run again has not failed'),
    Difference(r'retries \| never.get_retry_interval\(\)', 'raises AssertionError .*', '0', 'nothing is left to wait for'),
    Difference(r'changing_a_queue \| push_job_id.*', 'None', r'\d+', 'how many there are now, as the list says'),
    Difference(r'commands \| heard [01]', ANY, r'.*, "call": "\w+"\}', 'a nonce: a copy that redis-py sent does nothing'),
    Difference(r'workers \| KEY rq:worker:w state', 'idle', 'busy', 'a burst that was refused touches no state'),
)  # fmt: skip

# --- Answers: what is wrong in RQ or lost by it ----------------------------------------------------------------------

BETTER = (
    Difference(r'meta_and_damage \| a (status|timeout|created_at|dependency_ids|retry_intervals) that is broken',
               'raises .*', '<Job .*>', 'one broken field makes no job unreadable'),
    Difference(r'.*\.(result|exc_info)', r'.* \(warns DeprecationWarning\)', ANY, 'they stay: nobody has to move'),
    Difference(r'.*KEY rq:results:(unknown|no-such)', r'.*Invalid attribute name: [\w.]+, .*', r'.*: [\w.]+ \(.*\), .*',
               'the error says what could not be imported, and why'),
    Difference(r'odd_work \| (KEY rq:(job|results):json.*|JSON .*)', ANY, ANY, 'the job names its serializer: any worker can run it'),
    Difference(r'odd_work .*generator.*|odd_work \| KEY rq:(finished|failed):q', ANY, ANY,
               'a generator is a value that cannot be stored; RQ takes it for a coroutine'),
    Difference(r'odd_work \| KEY rq:worker:w (successful|failed)_job_count', ANY, ANY, 'the same'),
    Difference(r'odd_work \| KEY rq:results:twice', '.*}, {.*', r'[^}]*}\]', 'it ran once'),
    Difference(r"serializers \| resolve 'rq.serializers.PickleSerializer'", '<DefaultSerializer>', '<PickleSerializer>',
               'two names of the same'),
    Difference(r'registries \| equal', r'\[True, True, .*', r'\[True, False, .*', 'the finished are not the failed'),
    Difference(r'(unique|explicit_and_in_bulk) \| (KEY rq:queue:q|the ids.*)', ANY, ANY, 'an id is in its queue once'),
    Difference(r'repeats \| KEY rq:finished:q', '.*later .*', 'thrice .*', 'what waits for its next run is not among the finished'),
    Difference(r'repeats \| KEY rq:results:later TTL', 'about 500', GONE, 'results stay as long as the job'),
    Difference(r'odd_work \| runs', '2', '1', 'an id that is twice in the list runs once (no job runs twice)'),
)  # fmt: skip

# --- Dependencies ----------------------------------------------------------------------------------------------------

WAITING = (
    Difference(r'.*KEY rq:job::[\w-]+:dependencies( TTL)?', '(set|about) .*', GONE,
               'who waits no longer is in no set; RQ leaves both until they expire'),
    Difference(r'.*KEY rq:job:\w+:dependents( TTL)?', '(set|about) .*', f'{GONE}|set .*|about {ALL}', 'the same'),
    Difference(r'canceled_parents \| dependents then', r'\[c\]', r'\[\]', 'the same'),
    Difference(r'at_once \| KEY rq:job:bad:dependents TTL', GONE, f'about {ALL}', 'the set goes with its job'),
    Difference(r'failing_parents \| KEY rq:job:bad TTL', f'about {ALL}', GONE, 'what is queued again does not expire meanwhile'),
    Difference(r'(canceled_parents|emptied) \| (KEY rq:(canceled|deferred):q|deferred|children|KEY rq:job:(c2|b) status)',
               ANY, ANY, 'a job whose parent was deleted is canceled; RQ leaves it deferred for ever'),
    Difference(r'waiting .*KEY rq:job:on-id enqueue_at_front', GONE, '1', 'at_front counts for a job that has to wait, too'),
    Difference(r'waiting \| what is queued', r'\[\[front, b\].*', r'\[\[front, on-id\].*', 'the same'),
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

# --- What lies below -------------------------------------------------------------------------------------------------

BELOW = (
    Difference(r'of_jobs \| KEY rq:queue:q', GONE, r'\[a\]', 'who deletes what runs takes it from where what runs is'),
    Difference(r'of_jobs \| restore', 'raises ValueError .*', 'None', 'a time that cannot be read is none'),
    Difference(r'of_queues \| KEY rq:job:run (started_at|worker_name)', '', 'now|sync', 'it has run, in process'),
    Difference(r'of_queues \| KEY rq:results:(run|sync)', r'.*worker_name: }\]', r'.*worker_name: sync}\]',
               'results say where and when they came to be'),
    Difference(r'of_registries \| (ready|status of the ready|enqueue_jobs)', ANY, ANY,
               'reading does not enqueue what is ready: reading never writes'),
    Difference(r'of_registries \| KEY rq:queues', GONE, 'set .*', 'a queue that has a job is known'),
    Difference(r'of_registries \| remove_jobs', r'1 \(warns DeprecationWarning\)', '1', 'it stays'),
    Difference(r'of_workers \| set_shutdown_requested_date', 'raises AttributeError .*', 'None', 'it works'),
    Difference(r'of_workers .*KEY rq:worker:w shutdown_requested_date', GONE, 'now', 'the same'),
    Difference(r'of_workers .*KEY rq:(job:a .*|queue:q|wip:q|worker:w current_job)', ANY, ANY,
               'prepare_execution claims the job: its lease is there before anything runs'),
)  # fmt: skip

# --- Commands --------------------------------------------------------------------------------------------------------

COMMANDS = (
    Difference(r'enqueueing \| rq enqueue compat_jobs.add .*--(job-id a b|timeout x|schedule-at tomorrow|schedule-in x)', '1', '2',
               'an option that cannot be is a mistake of the command line, as those that click finds'),
    Difference(r'the_rest \| rq worker .*-(w no.such.Worker|dequeue-strategy backwards) q', '1', '2', 'the same'),
)  # fmt: skip

# --- Jobs whose process ends badly -----------------------------------------------------------------------------------

DEAD = (
    Difference(r'bad_ends \| (KEY rq:\w+:gone-well.*|.*gone-well.*|started|failed|KEY rq:(failed|wip):q)', ANY, ANY,
               'a process that ends with 0 in the middle of a job has lost it as well; RQ waits for its lease'),
    Difference(r'bad_ends \| KEY rq:worker:w failed_job_count', '8', '9', 'the same'),
    Difference(r'bad_ends \| (KEY )?callbacks', ANY, '.*failure killed AbandonedJobError.*',
               'the failure callback of a job is called when its process was lost, too'),
    Difference(r'handlers_of_the_dead \| (KEY )?handlers', ANY, '.*first killed AbandonedJobError.*',
               'and so are exception handlers'),
    Difference(r'(bad_ends|handlers_of_the_dead) \| .*worker_name', '|None', 'w', 'it stays known who had the job'),
    Difference(r'(bad_ends|handlers_of_the_dead) \| KEY rq:results:(gone|killed|killed-retry)',
               '.*Work-horse terminated unexpectedly; waitpid returned .*', '.*Work-horse terminated unexpectedly; waitpid returned .*',
               'the signal by its name, and the memory that it had'),
)  # fmt: skip

DIFFERENCES = (*DATA, *ERRORS, *MORE, *BETTER, *WAITING, *SCHEDULES, *BELOW, *COMMANDS, *DEAD)
