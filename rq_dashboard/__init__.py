"""The dashboard under the name that applications have embedded so far: `rq_dashboard.blueprint` is `rq.dashboard`'s.

    app.config.from_object(rq_dashboard.default_settings)
    app.config['RQ_DASHBOARD_REDIS_URL'] = 'redis://127.0.0.1:6379'
    rq_dashboard.web.setup_rq_connection(app)
    app.register_blueprint(rq_dashboard.blueprint, url_prefix='/rq')

Who may see it, docs/dashboard.md says: without `RQ_DASHBOARD_AUTH` nobody but who sits at the same machine.
"""

from __future__ import annotations

import os

from rq import distributions
from rq.dashboard import blueprint

from . import default_settings, web
from .version import VERSION

__all__ = ['VERSION', 'blueprint', 'default_settings', 'web']

distributions.notice(os.path.dirname(os.path.abspath(__file__)), 'rq-dashboard', distributions.DASHBOARD_ADVICE)
