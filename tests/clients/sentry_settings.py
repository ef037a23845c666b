"""Settings of a worker (`rq worker -c`) as Sentry's page tells users to write them."""

from __future__ import annotations

import os

import sentry_sdk
from sentry_sdk.integrations.rq import RqIntegration

sentry_sdk.init(
    os.environ['SENTRY_TEST_DSN'],
    integrations=[RqIntegration()],
    send_default_pii=True,  # else Sentry leaves out arguments
    traces_sample_rate=float(os.environ.get('SENTRY_TEST_TRACES', '0')),
)
