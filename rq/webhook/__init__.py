"""Webhooks: requests to other people's servers when a job has finished or failed.

`model.py` is what a job carries, `transport.py` sends one request with one deadline, `address.py` says where it may go.
"""

from __future__ import annotations

from .address import Rules
from .model import Webhook, deliver, from_text, to_text

__all__ = ['Rules', 'Webhook', 'deliver', 'from_text', 'to_text']
