"""The blueprint: a route for each page, its JSON twin, its fragment; and what is answered when something is wrong."""

from __future__ import annotations

import logging
from hashlib import blake2b
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException

from . import access, actions, flash, names, pages
from .door import API, wants_json
from .page import PAGES, Missing, Page, view_of
from .plain import as_json
from .refusals import in_words, logged
from .rendering import render, steady
from .strip import strip

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['blueprint', 'failure']

logger = logging.getLogger('rq.dashboard')

# The template folder is not Flask's: a host application has a `base.html` of its own.
blueprint = Blueprint('rq_dashboard', __name__, static_folder='static', static_url_path='/assets')


def _html(page: Page) -> Callable[..., Response]:
    def answer(**parts: Any) -> Response:
        view = view_of(page, parts)
        values = dict(page.answer(view, **parts))
        fragment = request.args.get('fragment') == '1'
        text = render(f'{page.name}.html', view=view, strip=strip(view.connection), fragment=fragment, **values)
        return _with_tag(text) if fragment else Response(text, mimetype='text/html')

    return answer


def _json(page: Page) -> Callable[..., Response]:
    def answer(**parts: Any) -> Response:
        return Response(as_json(page.answer(view_of(page, parts), **parts)), mimetype='application/json')

    return answer


def _with_tag(text: str) -> Response:
    """The fragment, or 304 for who has it already. The words in <time> do not count: the browser counts them on."""
    response = Response(text, mimetype='text/html')
    response.set_etag(blake2b(steady(text).encode('utf-8', 'replace'), digest_size=12).hexdigest())
    response.make_conditional(request)
    return response


def failure(status: int, title: str, message: str) -> Response:
    """A page, or JSON, that says what is wrong. It reads nothing, so it works without Redis."""
    if wants_json():
        return Response(as_json({'error': message}), status=status, mimetype='application/json')
    fragment = request.args.get('fragment') == '1'
    text = render('failure.html', view=None, strip=None, fragment=fragment, title=title, message=message)
    return Response(text, status=status, mimetype='text/html')


@blueprint.errorhandler(Missing)
def _missing(error: Missing) -> Response:
    return failure(404, 'Not found', str(error))


@blueprint.errorhandler(RedisError)
@blueprint.errorhandler(OSError)
def _no_redis(error: Exception) -> Response:
    logger.warning('Redis did not do what the dashboard asked: %s: %s', type(error).__name__, logged(error))
    return failure(*in_words(error))


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return Response(error.get_response().data, status=error.code, headers=dict(error.get_headers()))
    return failure(error.code, error.name, error.description or error.name)


@blueprint.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    logger.error('The dashboard could not show %r', request.path, exc_info=error)
    return failure(500, 'This page is broken', 'The dashboard made a mistake on this page; its log has the details.')


def _routes() -> None:
    installed = [
        import_module(f'{package.__name__}.{found.name}')
        for package in (pages, actions)
        for found in iter_modules(package.__path__)
    ]
    for page in PAGES.values():
        twin = f'{API}/{page.name}' if page.rule == '/' else f'{API}{page.rule}'
        blueprint.add_url_rule(page.rule, page.name, _html(page))
        blueprint.add_url_rule(twin, f'api_{page.name}', _json(page))
    for module in [actions, *installed]:
        if hasattr(module, 'install'):
            module.install(blueprint)
    access.install(blueprint)


blueprint.after_request(flash.clear)
blueprint.record_once(lambda state: state.app.url_map.converters.update(rq=names.Name))
_routes()
