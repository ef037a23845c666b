"""For `app.config.from_object`, as applications have it: it changes nothing, since what is not set has its default.

docs/dashboard.md lists the settings, `RQ_DASHBOARD_REDIS_URL` and `RQ_DASHBOARD_AUTH` first.
"""

__all__: list[str] = []
