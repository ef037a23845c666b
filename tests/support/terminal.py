"""A command that believes it is on a terminal."""

from __future__ import annotations

import sys

__all__ = ['on_terminal']

# What the command prints on its terminal is copied to the standard output of this Python; its exit code is passed on.
COPY = 'import os, pty, sys; raise SystemExit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'


def on_terminal(*command: str) -> list[str]:
    """The command that runs `command` on a terminal of its own; line ends arrive as CR LF."""
    return [sys.executable, '-c', COPY, *command]
