"""replies.py: what an error of Redis means for a worker."""

from __future__ import annotations

import pytest
from redis import exceptions

from rq.store.replies import Trouble, classify

# As servers from Redis 6.2 to Valkey 9 send them, and as redis-py raises them.
ERRORS = [
    (exceptions.ConnectionError('Error 111 connecting to localhost:6379'), Trouble.TRANSIENT),
    (exceptions.TimeoutError('Timeout reading from socket'), Trouble.TRANSIENT),
    (exceptions.BusyLoadingError('Redis is loading the dataset in memory'), Trouble.TRANSIENT),
    (exceptions.ReadOnlyError("You can't write against a read only replica."), Trouble.TRANSIENT),
    (exceptions.ResponseError('BUSY Redis is busy running a script.'), Trouble.TRANSIENT),
    (exceptions.ResponseError('MASTERDOWN Link with MASTER is down'), Trouble.TRANSIENT),
    (exceptions.ResponseError('CLUSTERDOWN The cluster is down'), Trouble.TRANSIENT),
    (exceptions.ResponseError('TRYAGAIN Multiple keys request during rehashing of slot'), Trouble.TRANSIENT),
    (exceptions.ResponseError('UNBLOCKED client unblocked via CLIENT UNBLOCK'), Trouble.TRANSIENT),
    (ConnectionResetError(104, 'Connection reset by peer'), Trouble.TRANSIENT),
    (BrokenPipeError(32, 'Broken pipe'), Trouble.TRANSIENT),
    (exceptions.ResponseError('READONLY script: 0a9f, on @user_script:1.'), Trouble.TRANSIENT),
    (exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), Trouble.REFUSED),
    (
        exceptions.ResponseError(
            'Error running script (call to f_0a9f75e991483d02789696e4c90d26c10395863e): @user_script:1: '
            "@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'."
        ),
        Trouble.REFUSED,
    ),
    (exceptions.ResponseError('MISCONF Redis is configured to save RDB snapshots'), Trouble.REFUSED),
    (exceptions.ResponseError('NOREPLICAS Not enough good replicas to write.'), Trouble.REFUSED),
    (exceptions.NoPermissionError('this user has no permissions'), Trouble.REFUSED),
    (exceptions.ResponseError('NOPERM this user has no permissions'), Trouble.REFUSED),
    (exceptions.AuthenticationError('invalid username-password pair'), Trouble.REFUSED),
    (exceptions.AuthenticationWrongNumberOfArgsError('wrong number of arguments'), Trouble.REFUSED),
    (exceptions.ResponseError('NOAUTH Authentication required.'), Trouble.REFUSED),
    (exceptions.ResponseError('WRONGPASS invalid username-password pair'), Trouble.REFUSED),
    (exceptions.ResponseError('WRONGTYPE Operation against a key holding the wrong kind of value'), Trouble.BUG),
    (exceptions.ResponseError("unknown command 'FOO'"), Trouble.BUG),
    (exceptions.ResponseError('user_script:5: attempt to index a nil value'), Trouble.BUG),
    (exceptions.DataError('Invalid input of type'), Trouble.BUG),
    (ValueError('BUSYBODY'), Trouble.BUG),
    (KeyError('x'), Trouble.BUG),
]


@pytest.mark.parametrize(('error', 'trouble'), ERRORS, ids=lambda value: str(value)[:40])
def test_an_error_is_transient_refused_or_a_bug(error: Exception, trouble: Trouble) -> None:
    assert classify(error) is trouble
