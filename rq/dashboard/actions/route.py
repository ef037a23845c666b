"""`POST /do/<name>`: what was asked is done, or shown first; who asked is noted; the browser goes back to where it was."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, current_app, request
from werkzeug.exceptions import NotFound

from rq.dashboard import access, flash
from rq.dashboard.connect import connection_of, settings_of
from rq.dashboard.door import wants_json
from rq.dashboard.guard import is_own_path
from rq.dashboard.page import Page, view_of
from rq.dashboard.plain import as_json
from rq.dashboard.rendering import render, url
from rq.store import bulk as store

from . import running, scope
from .asking import job_question, question
from .deeds import ACTIONS, Action, Asked, Done, JobAction, Refused, Who
from .ledger import write
from .words import kind_of, sentence

if TYPE_CHECKING:
    from flask import Blueprint

__all__ = ['install']

ID = re.compile(r'[0-9a-f]{16,40}')
# Seconds for which a request waits for an action on many jobs: most are done by then, and no progress need be shown.
PATIENCE = 0.7


def install(blueprint: Blueprint) -> None:
    """Adds the route of all actions."""
    blueprint.add_url_rule('/do/<name>', 'do', _do, methods=['POST'])


def _do(name: str) -> Response:
    one = ACTIONS.get(name)
    if one is None:
        raise NotFound(f'There is no action {name[:40]!r}.')
    access.require(one.role, one.name)
    asked = _asked()
    try:
        return _do_to_jobs(one, asked) if isinstance(one, JobAction) else _do_one(one, asked)
    except Refused as refused:
        return _back(asked, str(refused), 'bad', status=400)


def _asked() -> Asked:
    fields = {name: value[:2_000] for name, value in request.form.items() if name != 'job'}
    given = fields.pop('bulk', '')
    return Asked(
        connection=connection_of(current_app),
        fields=fields,
        settings=settings_of(current_app),
        who=_who(),
        bulk=given if ID.fullmatch(given) else secrets.token_hex(8),
    )


def _who() -> Who:
    user = access.current_user()
    return Who(user.name, user.role, request.remote_addr or '')


# --- one thing --------------------------------------------------------------------------------------------------------


def _do_one(one: Action, asked: Asked) -> Response:
    if one.question and not asked.fields.get('sure'):
        return _page('ask.html', one.label, **question(one, asked))
    done = one.answer(asked)
    write(replace(asked, bulk=done.more.get('bulk', '')), one.name, done.on, done.count, done.text)
    if to := done.more.get('bulk'):
        return _when_done(replace(asked, bulk=to), done)
    return _back(asked, done.text, done.kind, count=done.count)


# --- jobs -------------------------------------------------------------------------------------------------------------


def _do_to_jobs(one: JobAction, asked: Asked) -> Response:
    chosen = scope.read(request.form.getlist('job'), asked.fields, one.name == 'undo')
    one.check(asked)
    sure = asked.fields.get('sure') == 'yes' or not one.asks
    if not sure and (chosen.is_filter or one.once):
        found = scope.preview(asked.connection, chosen)
        return _page('ask.html', one.label, **job_question(one, asked, chosen, found))
    before = _before(asked)
    if chosen.is_filter:
        return _do_to_many(one, asked, chosen, before)
    counts = running.do_now(one, asked, chosen, before)
    done = one.is_done(counts)
    said = sentence(one, counts)
    if counts.get('KEPT'):
        # So that the audit can offer to bring them back.
        running.note_small(one, asked, chosen, counts)
    write(asked if counts.get('KEPT') else replace(asked, bulk=''), one.name, chosen.words, done, said)
    return _back(asked, said, kind_of(one, counts), count=done)


def _before(asked: Asked) -> float | None:
    """When the jobs were seen, by the form; None where it does not say."""
    given = asked.fields.get('seen', '')
    return float(given) if re.fullmatch(r'\d{1,12}(\.\d{1,6})?', given) else None


def _do_to_many(one: JobAction, asked: Asked, chosen: scope.Scope, before: float | None) -> Response:
    total = asked.fields.get('total', '')
    if one.asks and before is None:
        raise Refused('The form does not say when its jobs were counted: look again')
    known = int(total) if re.fullmatch(r'\d{1,12}', total) else scope.preview(asked.connection, chosen).count
    said = running.start(one, asked, chosen, known, before)
    return _back(asked, said, 'warn') if said else _when_done(asked, None)


def _when_done(asked: Asked, done: Done | None) -> Response:
    """Back to where it was asked, if it is done at once; else to the page that shows how far it is."""
    running.wait(asked.bulk, PATIENCE)
    record = store.read(asked.connection, asked.bulk)
    if record.get('state') == 'running' or wants_json():
        return _redirect(asked, url('bulk', bulk=asked.bulk), said=done.text if done else '')
    return _back(asked, record.get('said', ''), record.get('kind', 'ok'), count=int(record.get('done') or 0))


# --- answers ----------------------------------------------------------------------------------------------------------


def _page(template: str, title: str, **values: Any) -> Response:
    """A page that asks. Nothing has been done."""
    view = view_of(Page('/do', 'do', title, None, lambda _: {}, live=False), {})
    return Response(render(template, view=view, strip=None, fragment=False, **values), mimetype='text/html')


def _back(asked: Asked, said: str, kind: str, *, status: int = 200, count: int = 0) -> Response:
    """To the page from which it was asked, with a line that says what came of it; a program gets that as JSON."""
    if wants_json():
        return Response(as_json({'said': said, 'kind': kind, 'count': count}), status, mimetype='application/json')
    back = asked.fields.get('back', '')
    response = _to(back if is_own_path(back) else url('overview'))
    if said:
        flash.leave(response, said, kind)
    return response


def _redirect(asked: Asked, where: str, said: str) -> Response:
    if wants_json():
        return Response(as_json({'said': said, 'bulk': asked.bulk}), 202, mimetype='application/json')
    return _to(where)


def _to(where: str) -> Response:
    return Response('', 303, {'Location': where})
