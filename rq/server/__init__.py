"""The embedded Valkey: find a server binary, start it, wait until it answers, stop it.

For development, demos and tests. Production uses a server of the team's own, by URL.
"""

from __future__ import annotations

from rq.server.find import find_server
from rq.server.process import EmbeddedServer

__all__ = ['EmbeddedServer', 'find_server']
