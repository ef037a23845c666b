"""Every error this package raises on purpose.

    RQError (Exception)
    |
    |-- NoSuchJobError                 the job is not in Redis (any more)
    |-- NoSuchGroupError               the group is not in Redis (any more)
    |-- InvalidJobOperation            the job's state does not allow this
    |   `-- InvalidJobOperationError   RQ's older name
    |-- InvalidJobDependency (ValueError)  a dependency cannot be used
    |-- DuplicateJobError              unique=True and the id is in use
    |-- StaleExecution                 this run no longer owns its job
    |
    |-- NotAFunctionError (TypeError)  what was enqueued cannot be called
    |-- InvalidFunction (ValueError)   a worker could not import that function
    |-- InvalidJobId (ValueError)      an id with characters that keys use
    |-- TimeoutFormatError (ValueError)  not a duration
    |-- PayloadTooLarge (ValueError)   arguments or meta data over the limit
    |   `-- ResultTooLarge               a result over the limit
    |-- DeserializationError           a payload cannot be read
    |-- SignatureError                 a payload is not signed by who should have
    |-- SigningConfigError (ValueError)  keys or modes of signing cannot be used
    |-- FunctionNotAllowed             the worker's allow-list does not have it
    |
    |-- JobFailed                      a job of `queue.map` did not return
    |-- AbandonedJobError              the worker of this job vanished
    |-- WorkerNameTaken (ValueError)   another live worker has that name
    |-- DequeueTimeout                 no job came in the time allowed
    |-- StopRequested                  the worker was told to stop
    |
    |-- ScriptsUnavailable             the server runs no Lua scripts
    |-- NotDurable                     a job is queued, but not as safely as asked
    |
    |-- SchedulerNotFound              the scheduler is not in Redis (any more)
    |-- DuplicateSchedulerError        a live scheduler has that name
    |-- CronConfigError                a cron file raises
    |
    `-- ServerError                    the embedded server
        |-- ServerNotFound               no server binary on this machine
        `-- ServerStartError             the binary would not serve

    ShutDownImminentException (BaseException)   Heroku is about to stop the dyno

Timeouts are elsewhere (`rq.timeouts`): they are `BaseException`s and no `RQError`, because a job's own `except` clauses
must not catch them by accident. A base class in brackets is what RQ raises in the same place, or what Python's habits
suggest, so that an `except` written for RQ still catches ours.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    'AbandonedJobError',
    'CronConfigError',
    'DequeueTimeout',
    'DeserializationError',
    'DuplicateJobError',
    'DuplicateSchedulerError',
    'FunctionNotAllowed',
    'InvalidFunction',
    'InvalidJobDependency',
    'InvalidJobId',
    'InvalidJobOperation',
    'InvalidJobOperationError',
    'JobFailed',
    'NoSuchGroupError',
    'NoSuchJobError',
    'NotAFunctionError',
    'NotDurable',
    'PayloadTooLarge',
    'RQError',
    'ResultTooLarge',
    'SchedulerNotFound',
    'ScriptsUnavailable',
    'ServerError',
    'ServerNotFound',
    'ServerStartError',
    'ShutDownImminentException',
    'SignatureError',
    'SigningConfigError',
    'StaleExecution',
    'StopRequested',
    'TimeoutFormatError',
    'WorkerNameTaken',
]


class RQError(Exception):
    """Catch this for anything that this package refuses or reports, whatever it is."""


class NoSuchJobError(RQError):
    """Catch this around `Job.fetch` and `job.refresh()`: the job expired, was deleted, or never was."""


class NoSuchGroupError(RQError):
    """Catch this around `Group.fetch`: a group disappears with its last job."""


class InvalidJobOperation(RQError):
    """Catch this around `cancel` and `requeue`: the job is in a state that does not allow it."""


class InvalidJobOperationError(InvalidJobOperation):
    """Catch `InvalidJobOperation` instead; this is RQ's older name for the same thing."""


class InvalidJobDependency(RQError, ValueError):
    """Catch this where you pass `depends_on`: the job to wait for cannot be waited for."""


class DuplicateJobError(RQError):
    """Catch this around `enqueue(..., unique=True)`: a job with that id is still kept in Redis."""


class StaleExecution(RQError):
    """Catch this around finish, fail and renew: the lease is gone, another run owns the job, and nothing was changed."""


class NotAFunctionError(RQError, TypeError):
    """Catch this around `enqueue`: a class, a module or a plain value was given where a function is needed."""


class InvalidFunction(RQError, ValueError):
    """Catch this around `enqueue`: a lambda, a local function or one of `__main__`, which no worker could import."""


class InvalidJobId(RQError, ValueError):
    """Catch this where users choose ids: only letters, digits, `_` and `-` are allowed, and at least one."""


class TimeoutFormatError(RQError, ValueError):
    """Catch this where durations come from outside: neither a number of seconds nor a text like '90', '5m' or '1d'."""


class PayloadTooLarge(RQError, ValueError):
    """Catch this around `enqueue` and around reads: a payload is, or would unpack to, more than the limit."""


class DeserializationError(RQError):
    """Catch this around `job.args`, `job.func` and `return_value()`: broken data, or made with another serializer."""


class ResultTooLarge(PayloadTooLarge):
    """Expect this as the reason why a job has failed: what its function returned is over the limit (`rq.limits`)."""


class SignatureError(RQError):
    """Catch this around `job.args`, `job.meta` and `return_value()` where signing is required: who wrote it had no key."""


class SigningConfigError(RQError, ValueError):
    """Catch this where processes start: the keys or the modes of signing cannot be used; nothing runs unsigned instead."""


class FunctionNotAllowed(RQError):
    """Expect this as the reason why a job has failed: its function, or a callback, is not on the worker's allow-list."""


class JobFailed(RQError):
    """Catch this around `queue.map`: a job did not return. `arguments` are its item, `exc_string` its traceback, if any."""

    def __init__(
        self, message: str, job_id: str = '', arguments: tuple[Any, ...] = (), exc_string: str | None = None
    ) -> None:
        super().__init__(message, job_id, arguments, exc_string)
        self.job_id, self.arguments, self.exc_string = job_id, arguments, exc_string

    def __str__(self) -> str:
        return str(self.args[0])


class AbandonedJobError(RQError):
    """Expect this in exception handlers and failure callbacks: the worker vanished while it ran the job."""


class WorkerNameTaken(RQError, ValueError):
    """Catch this around `worker.work()`: a live worker has the name, and two of them would share one record."""


class DequeueTimeout(RQError):
    """Catch this around blocking pops: no job came within the time allowed."""


class StopRequested(RQError):
    """Catch this in worker subclasses: the worker was asked to stop and takes no more jobs."""


class ScriptsUnavailable(RQError):
    """Catch this to tell what to install: the server runs no Lua scripts (fakeredis without its extra `lua`)."""


class NotDurable(RQError):
    """Catch this around `enqueue(..., durable=...)`: the job is queued, but no replica or disk is known to have it."""


class SchedulerNotFound(RQError):
    """Catch this around `RQScheduler.fetch`: that scheduler stopped or its record expired."""


class CronConfigError(RQError):
    """Catch this around `CronScheduler.load_config_from_file`: the file raises; the text says what and where."""


class DuplicateSchedulerError(RQError):
    """Catch this where schedulers are started: a live one has the name."""


class ServerError(RQError):
    """Catch this around `rq server` and `rq up`: the embedded server cannot serve."""


class ServerNotFound(ServerError):
    """Catch this to tell the user what to install: no Valkey or Redis binary was found."""


class ServerStartError(ServerError):
    """Catch this to show the server's own words: its binary ended, or answered too late."""


class ShutDownImminentException(BaseException):
    """Raised inside a job when Heroku stops the dyno in seconds; a `BaseException`, so that a job cannot swallow it."""

    def __init__(self, msg: str, extra_info: Any) -> None:
        super().__init__(msg)
        self.extra_info = extra_info

    def __reduce__(self) -> tuple[type[ShutDownImminentException], tuple[Any, Any]]:
        # The default would call the class with args alone, and fail for want of extra_info.
        return type(self), (*self.args, self.extra_info)
