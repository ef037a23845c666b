"""The form that asks for a token."""

from __future__ import annotations

from flask import Response, request

from .rendering import render

__all__ = ['login_form', 'wants_page']


def login_form(message: str, after: str, status: int = 401) -> Response:
    """A page that asks for a token and then leads to `after`."""
    text = render('login.html', view=None, strip=None, fragment=False, title='Log in', message=message, after=after)
    return Response(text, status=status, mimetype='text/html')


def wants_page() -> bool:
    """Whether a person looks: not a program at the JSON side, nor a page that renews a part of itself."""
    json = '/api/v1/' in request.path or request.path.endswith('/metrics')
    return not json and request.args.get('fragment') != '1'
