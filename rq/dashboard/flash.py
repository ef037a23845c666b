"""A line that the next page shows: what an action has done. In a cookie of half a minute, so no session is needed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from flask import g, request

if TYPE_CHECKING:
    from flask import Response

__all__ = ['clear', 'leave', 'lines']

COOKIE = 'rq_flash'
SECONDS = 30
# Characters of a line, and lines: a cookie has 4 KB.
MOST = 500
LINES = 3


def leave(response: Response, text: str, kind: str = 'ok') -> None:
    """The next page that this browser gets shows the line; `kind` is ok, warn or bad."""
    left = [*g.setdefault('rq_left', []), (kind, text[:MOST])][-LINES:]
    g.rq_left = left
    value = base64.urlsafe_b64encode(json.dumps(left).encode()).decode()
    response.set_cookie(COOKIE, value, max_age=SECONDS, httponly=True, samesite='Strict', secure=request.is_secure)


def lines() -> list[tuple[str, str]]:
    """The lines left for this page, as (kind, text); asked for by the template."""
    given = request.cookies.get(COOKIE, '')
    if not given:
        return []
    g.rq_flash_shown = True
    try:
        found = json.loads(base64.urlsafe_b64decode(given))
        return [(kind if kind in ('ok', 'warn', 'bad') else 'ok', str(text)[:MOST]) for kind, text in found[:LINES]]
    except (ValueError, TypeError):  # a cookie that is not ours
        return []


def clear(response: Response) -> Response:
    """After the page has shown them the lines are gone."""
    if g.get('rq_flash_shown') and not g.get('rq_left'):
        response.delete_cookie(COOKIE, httponly=True, samesite='Strict')
    return response
