"""Templates to text, in an environment of our own: a host application's filters and `base.html` are not ours."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from flask import g, request, url_for
from jinja2 import Environment, PackageLoader, StrictUndefined

from . import charts, family, flash
from .filters import FILTERS

__all__ = ['NAVIGATION', 'environment', 'render', 'steady', 'url']

# The menu, in its order, with the key that follows `g`: what a page names in `nav`, and the name of the page it leads to.
NAVIGATION = (
    ('Overview', 'overview', 'o'),
    ('Queues', 'queues', 'q'),
    ('Jobs', 'jobs', 'j'),
    ('Errors', 'errors', 'e'),
    ('Functions', 'functions', 'f'),
    ('Schedules', 'schedules', 's'),
    ('Dependencies', 'dependencies', 'd'),
    ('Workers', 'workers', 'w'),
    ('Limits', 'limits', 'l'),
    ('Redis', 'redis', 'r'),
    ('Audit', 'audit', 'a'),
)
TIMES = re.compile(r'(<time [^>]*>)[^<]*(?=</time>)')


def render(template: str, **values: Any) -> str:
    """The template's text. `view` and `strip` may be None: the page of a failure has neither."""
    return environment().get_template(template).render(**values)


def steady(text: str) -> str:
    """The text without the words that change by themselves: `5 s ago`."""
    return TIMES.sub(r'\1', text)


def url(name: str, /, **parts: Any) -> str:
    """The address of a page, or of a file of ours; `parts` as its rule names them, others go to the query."""
    return url_for(f'rq_dashboard.{name}' if request.blueprint is None else f'.{name}', **parts)


def _here(**changes: Any) -> str:
    """The address of this page with other query arguments; None takes one away."""
    view = g.rq_view
    kept = {
        key: view.args.getlist(key) for key in view.args if key not in changes and key not in ('fragment', *view.parts)
    }
    return url(view.page.name, **view.parts, **kept, **{key: item for key, item in changes.items() if item is not None})


def _term(name: str, value: str) -> str:
    """A condition of the Jobs page's filter, for any value: a quote, which its language cannot write, is `*` there."""
    return '{}:"{}"'.format(name, value.replace('"', '*'))


def _may(action: str, role: str = 'operator') -> bool:
    """Whether who looks may do this, by role or by name; on the page of a failure nobody may do anything."""
    view = g.get('rq_view')
    return view is not None and view.user.may(role, action) and not view.read_only


@cache
def _version() -> str:
    """What the addresses of CSS and JavaScript end with, so that a browser keeps them until they change."""
    newest = max(path.stat().st_mtime_ns for path in (Path(__file__).parent / 'static').iterdir())
    return f'{newest:x}'[-10:]


@cache
def environment() -> Environment:
    """The environment of all templates: everything escaped, our filters, and the macros of macros.html everywhere."""
    made = Environment(
        loader=PackageLoader('rq.dashboard', 'templates'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    made.globals.update(
        url=url,
        here=_here,
        term=_term,
        may=_may,
        charts=charts,
        family=family,
        navigation=NAVIGATION,
        version=_version,
        flashes=flash.lines,
    )
    macros = made.get_template('macros.html').module
    made.globals.update({name: getattr(macros, name) for name in dir(macros) if not name.startswith('_')})
    return made
