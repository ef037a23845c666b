"""A cron file as django-rq's users write it."""

from __future__ import annotations

from rq import cron
from tests.clients import jobs

cron.register(jobs.add, 'default', args=(1, 2), interval=3600)
cron.register(jobs.add, 'low', args=(3, 4), cron='0 0 1 1 *')
