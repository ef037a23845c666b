"""The environment in which clients of RQ run beside this package: made once, by uv, and kept in `tests/clients/.venvs`."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

__all__ = ['CLIENTS', 'Unavailable', 'prepare']

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VENVS = HERE / '.venvs'
# Their own dependency on rq is left out, the others are installed as they ask for. rq-dashboard 0.9 needs six and does
# not name it: it came with an old python-dateutil. Flask-RQ2 uses what newer setuptools have no more.
CLIENTS = (
    'rq-dashboard==0.9.0',
    'six',
    'django-rq==4.2.0',
    'Django~=5.2.0',
    'rq-scheduler==0.14.0',
    'Flask-RQ==1.0.0',
    'Flask-RQ2==18.3',
    'setuptools<80',
    'rq-exporter==3.1.0',
    'sentry-sdk==2.75.0',
    'ddtrace==4.16.0',
)
WITHOUT_RQ = "rq ; sys_platform == 'never'\n"
SECONDS = 180


class Unavailable(Exception):
    """The clients cannot be installed; its text says why, in one line."""


def prepare() -> Path:
    """The Python of an environment with all clients and this package. Several processes may ask at once.

    Raises Unavailable when it cannot be made, as without the package index.
    """
    home = VENVS / f'clients-{sys.version_info.major}.{sys.version_info.minor}'
    VENVS.mkdir(exist_ok=True)
    with (VENVS / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(home)
    return home / 'bin/python'


def _install(home: Path) -> None:
    wanted = '\n'.join((*CLIENTS, sys.version, str(ROOT), (ROOT / 'pyproject.toml').read_text()))
    stamp = home / 'installed.txt'
    if stamp.exists() and stamp.read_text() == wanted:
        return
    override = VENVS / 'without-rq.txt'
    override.write_text(WITHOUT_RQ)
    _uv('venv', '--clear', '--python', sys.executable, str(home))
    python = str(home / 'bin/python')
    # Ours first: the command `rq-dashboard` is of whoever came last, and here it is to be the released one.
    _uv('pip', 'install', '--python', python, '--editable', str(ROOT))
    _uv('pip', 'install', '--python', python, '--override', str(override), *CLIENTS)
    stamp.write_text(wanted)


def _uv(*arguments: str) -> None:
    command = [sys.executable, '-m', 'uv', '--quiet', '--no-progress', *arguments]
    env = {**os.environ, 'UV_HTTP_TIMEOUT': '20', 'UV_NO_CONFIG': '1'}
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f'The clients cannot be installed: uv has not ended in {SECONDS} s') from None
    if done.returncode != 0:
        said = ' '.join(done.stderr.split())
        raise Unavailable(f'The clients cannot be installed (is the package index out of reach?): {said[-600:]}')
