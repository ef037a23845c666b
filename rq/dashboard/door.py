"""Which side of the dashboard a request is to: pages for people, with the form that asks for a token, or JSON."""

from __future__ import annotations

from flask import Response, request

from .rendering import render

__all__ = ['API', 'login_form', 'wants_json', 'wants_page']

API = '/api/v1'


def login_form(message: str, after: str, status: int = 401) -> Response:
    """A page that asks for a token and then leads to `after`."""
    text = render('login.html', view=None, strip=None, fragment=False, title='Log in', message=message, after=after)
    return Response(text, status=status, mimetype='text/html')


def wants_json() -> bool:
    """Whether a program asks: on the JSON side, or for JSON before all else."""
    return f'{API}/' in request.path or request.accept_mimetypes.best == 'application/json'


def wants_page() -> bool:
    """Whether a person looks: not a program, nor a page that renews a part of itself."""
    program = wants_json() or request.path.endswith('/metrics')
    return not program and request.args.get('fragment') != '1'
