"""The numbers and class paths that apply when nobody chose others, each with its reason.

Names and values are RQ 3.0's; a job or a worker that is set up by default means the same to both. Durations are seconds.
"""

from __future__ import annotations

import os
import re

__all__ = [
    'CALLBACK_TIMEOUT',
    'DEFAULT_CONNECTION_CLASS',
    'DEFAULT_CRON_JOB_HISTORY_LIMIT',
    'DEFAULT_CRON_JOB_HISTORY_TTL',
    'DEFAULT_CRON_SCHEDULER_TTL',
    'DEFAULT_DEATH_PENALTY_CLASS',
    'DEFAULT_FAILURE_TTL',
    'DEFAULT_JOB_CLASS',
    'DEFAULT_JOB_MONITORING_INTERVAL',
    'DEFAULT_LOGGING_DATE_FORMAT',
    'DEFAULT_LOGGING_FORMAT',
    'DEFAULT_MAINTENANCE_TASK_INTERVAL',
    'DEFAULT_QUEUE_CLASS',
    'DEFAULT_RESULT_TTL',
    'DEFAULT_SCHEDULER_FALLBACK_PERIOD',
    'DEFAULT_SERIALIZER_CLASS',
    'DEFAULT_WORKER_CLASS',
    'DEFAULT_WORKER_TTL',
    'FORMAT_KEY_PREFIX',
    'RQ_KEY_PREFIX',
    'UNSERIALIZABLE_RETURN_VALUE_PAYLOAD',
]


def _key_prefix(prefix: str) -> str:
    # The prefix goes into keys that are also glob patterns and % and {} templates in other people's tools.
    if not re.fullmatch(r'[A-Za-z0-9_.:{}-]+', prefix):
        raise ValueError(f'Invalid RQ_KEY_PREFIX {prefix!r}: only letters, digits, and _ . : - {{ }} are allowed')
    return prefix


# What every key in Redis begins with. Set the variable to let two installations share one database.
RQ_KEY_PREFIX = _key_prefix(os.environ.get('RQ_KEY_PREFIX', 'rq'))

# The same for use inside a str.format template, where a literal brace is written twice.
FORMAT_KEY_PREFIX = RQ_KEY_PREFIX.replace('{', '{{').replace('}', '}}')

# Class paths are text: nothing is imported before it is used, and the command line takes the same form.
DEFAULT_JOB_CLASS = 'rq.job.Job'
DEFAULT_QUEUE_CLASS = 'rq.Queue'
DEFAULT_WORKER_CLASS = 'rq.Worker'
DEFAULT_CONNECTION_CLASS = 'redis.Redis'
DEFAULT_SERIALIZER_CLASS = 'rq.serializers.DefaultSerializer'
DEFAULT_DEATH_PENALTY_CLASS = 'rq.timeouts.UnixSignalDeathPenalty'

# A worker's record must outlive its longest silence. RQ's idle workers block for this time less 15 s between two reports;
# ours report every few seconds, but their records are read, and cleaned up, by RQ's processes with RQ's number.
DEFAULT_WORKER_TTL = 420

# How often a running job is reported as alive.
DEFAULT_JOB_MONITORING_INTERVAL = 30

# How often a worker looks for what others left behind (RQ's rhythm; our reaper has a faster one of its own).
DEFAULT_MAINTENANCE_TASK_INTERVAL = 600

# A result is kept for the page that waits for it, not as an archive: a little over eight minutes.
DEFAULT_RESULT_TTL = 500

# Failures wait for a person, who may be on holiday: one year.
DEFAULT_FAILURE_TTL = 31536000

# A callback stores a line or sends a message; one that takes longer than a minute hangs.
CALLBACK_TIMEOUT = 60

# After how long a scheduler tries again for the queues that another one holds.
DEFAULT_SCHEDULER_FALLBACK_PERIOD = 120

# A cron scheduler reports at least every 60 s; missing two reports, it counts as gone.
DEFAULT_CRON_SCHEDULER_TTL = 120

# The latest jobs of a cron entry that are remembered: a job per minute for most of a day; and for a year.
DEFAULT_CRON_JOB_HISTORY_LIMIT = 1000
DEFAULT_CRON_JOB_HISTORY_TTL = 31536000

# What a log line looks like; the date is left to the service manager, which adds its own.
DEFAULT_LOGGING_FORMAT = '%(asctime)s %(message)s'
DEFAULT_LOGGING_DATE_FORMAT = '%H:%M:%S'

# Stored in place of a result that the serializer refuses; RQ's readers know this text.
UNSERIALIZABLE_RETURN_VALUE_PAYLOAD = 'Unserializable return value'
