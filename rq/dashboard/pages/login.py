"""Logging in by a token: a form, a cookie for twelve hours, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, redirect, request, url_for
from werkzeug.exceptions import NotFound

from rq.dashboard.access import COOKIE, Access, access_of
from rq.dashboard.door import login_form
from rq.dashboard.guard import is_own_path
from rq.dashboard.logins import SESSION_SECONDS

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response as Answer

__all__ = ['install']


def install(blueprint: Blueprint) -> None:
    """The routes of the form and of the way out."""
    blueprint.add_url_rule('/login', 'login', _login, methods=['GET', 'POST'])
    blueprint.add_url_rule('/logout', 'logout', _logout, methods=['POST'])


def _access() -> Access:
    access = access_of(current_app)
    if access.mode != 'token':
        raise NotFound('One does not log in here.')
    return access


def _login() -> Answer:
    access = _access()
    if request.method != 'POST':
        return login_form('', request.args.get('next', ''), 200)
    address = request.remote_addr or ''
    access.hold_back(address)
    token, after = request.form.get('token', ''), request.form.get('next', '')
    login = access.logins.by_token(token)
    if login is None:
        access.note_failure(address, access.logins.digest(token), None)
        return login_form('This is no token.', after)
    home = url_for('.overview')
    answer = redirect(after if is_own_path(after) and after.startswith(home) else home, 303)
    answer.set_cookie(
        COOKIE,
        access.logins.cookie(login),
        max_age=SESSION_SECONDS,
        path=home,
        secure=request.is_secure,
        httponly=True,
        samesite='Strict',
    )
    return answer


def _logout() -> Answer:
    _access()
    answer = redirect(url_for('.login'), 303)
    answer.delete_cookie(COOKIE, path=url_for('.overview'), httponly=True, samesite='Strict')
    return answer
