"""A WSGI application that is the dashboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from . import access
from .connect import set_up
from .guard import LARGEST_BODY
from .site import blueprint, failure

if TYPE_CHECKING:
    from flask import Response
    from redis import Redis

__all__ = ['create_app']


def create_app(connection: Redis | str | None = None, **settings: Any) -> Flask:
    """The dashboard of one Redis, given as a client or a URL, as a WSGI application; `settings` as in docs/dashboard.md."""
    app = Flask('rq.dashboard', static_folder=None)
    app.config['MAX_CONTENT_LENGTH'] = LARGEST_BODY
    set_up(app, connection, settings)
    access.access_of(app)  # says now what is wrong with the settings
    access.install(app)
    app.register_blueprint(blueprint)

    # Outside of the blueprint's routes: an address that nothing has.
    @app.errorhandler(HTTPException)
    def wrong(error: HTTPException) -> Response:
        return failure(error.code or 500, error.name, error.description or error.name)

    return app
