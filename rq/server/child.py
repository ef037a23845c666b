"""The server's process: its lock on the folder, its birth and its end."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rq.exceptions import ServerStartError

__all__ = ['end', 'read_log', 'spawn']

LAUNCHER = Path(__file__).with_name('launch.py')
LOG_NAME = 'server.log'
LOCK_NAME = 'server.lock'
POLL_SECONDS = 0.003
# The server that is being replaced may still have a child that writes its file.
LOCK_PATIENCE_SECONDS = 1.0
# Enough to sync what a second's writes have left; a server that needs longer is stuck.
STOP_SECONDS = 10.0


def spawn(binary: Path, folder: Path, configuration: str, *, die_with_parent: bool) -> subprocess.Popen[bytes]:
    """The process of a server that works in `folder` and logs there; it may still fail to start.

    Raises ServerStartError if the folder cannot be used or another server uses it.
    """
    starter = os.getpid() if die_with_parent else 0
    try:
        lock = _lock(folder)
        try:
            with open(folder / LOG_NAME, 'wb') as log:
                process = subprocess.Popen(
                    [sys.executable, '-I', '-S', str(LAUNCHER), str(starter), str(binary), '-'],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env={**os.environ, 'LC_ALL': 'C'},  # a locale that is not installed keeps it from starting
                    start_new_session=True,  # Ctrl-C is meant for us: we stop it when nobody needs it any more
                    pass_fds=[lock],
                )
        finally:
            os.close(lock)  # the server has it from here on, exactly as long as it lives
    except OSError as error:
        raise ServerStartError(f'The server cannot be started in {folder}: {error}') from error
    assert process.stdin is not None
    try:
        with process.stdin as stdin:
            stdin.write(configuration.encode())
    except BrokenPipeError:
        pass  # it died at once; whoever waits for it sees that, and the log
    return process


def end(process: subprocess.Popen[bytes], starter: int, temporary: Path | None) -> None:
    """Stop the process, by force if it does not obey, and remove its temporary folder.

    Does nothing in a fork of the process that started it.
    """
    if os.getpid() != starter:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if temporary is not None:
        shutil.rmtree(temporary, ignore_errors=True)


def read_log(folder: Path) -> str:
    """What the last server in this folder has printed; empty if there is no log."""
    try:
        return (folder / LOG_NAME).read_text(errors='replace')
    except FileNotFoundError:
        return ''


def _lock(folder: Path) -> int:
    """A file descriptor that holds the folder's lock: two servers that write one folder would destroy the data."""
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise ServerStartError(f'Another server uses the data folder {folder}') from None
            time.sleep(POLL_SECONDS)
