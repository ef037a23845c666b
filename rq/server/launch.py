"""Become the server, after what must be done between fork and exec.

Run as a script by `rq.server.process`, never imported: in a new interpreter it may call what a forked child of a
program with threads may not. Arguments: pid of the starter, or 0 for a server that outlives it; the command.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ['main']

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Exec the command with an empty signal mask; if a starter is named, the server ends with it (Linux)."""
    starter, command = int(sys.argv[1]), sys.argv[2:]
    # A mask survives exec: a starter that blocks SIGTERM would have a server that cannot be stopped politely.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if starter and sys.platform == 'linux':
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != starter:  # it died before we asked to be told
            return
    os.execv(command[0], command)


if __name__ == '__main__':
    main()
