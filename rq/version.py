"""The two versions: the level of RQ's API that we offer, and Packhorse's own."""

from __future__ import annotations

__all__ = ['PACKHORSE_VERSION', 'VERSION']

# Tools parse this (Sentry, django-rq) to learn what the API can do: it is RQ's number, not ours.
VERSION = '3.0.0'

# The distribution's version. The build reads this line.
PACKHORSE_VERSION = '0.1.0'
