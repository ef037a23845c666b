"""docs/dashboard.md: each test that its table of threats names is there, each setting is one, and its programs run."""

from __future__ import annotations

import re
from typing import Any

from flask import session
from redis import Redis

from tests.support.processes import ROOT

PAGE = (ROOT / 'docs/dashboard.md').read_text(encoding='utf-8')


def test_the_tests_that_the_table_of_threats_names_are_there() -> None:
    named = re.findall(r'`(test_\w+)\.py::(test_\w+)`', PAGE)
    assert len(named) > 25
    for file, test in named:
        folder = 'cli' if file == 'test_dashboard' else 'dashboard'
        assert f'def {test}(' in (ROOT / 'tests' / folder / f'{file}.py').read_text(), (file, test)


def test_the_settings_that_the_page_names_are_read_somewhere() -> None:
    code = ' '.join(
        path.read_text() for folder in ('rq/dashboard', 'rq/cli') for path in (ROOT / folder).rglob('*.py')
    ).lower()
    for name in set(re.findall(r'RQ_DASHBOARD_(\w+)', PAGE)):
        stem = name.lower().removesuffix('_file').removesuffix('s')
        assert f"'{name.lower()}'" in code or f"'{stem}" in code or f'rq_dashboard_{name.lower()}' in code, name


def test_the_dashboard_in_an_application_of_ones_own_is_for_whom_that_lets_in(redis: Redis, redis_url: str) -> None:
    programs = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
    assert len(programs) == 3
    known: dict[str, Any] = {'__name__': __name__}
    for program in programs:  # the others define functions for frameworks that are not installed here
        exec(compile(program.replace('redis://127.0.0.1:6379', redis_url), 'dashboard.md', 'exec'), known)
    app = known['app']
    app.secret_key = 'only here'
    app.add_url_rule('/in', 'in', lambda: session.update(name='ann', is_staff=True) or 'in')
    client = app.test_client()
    assert client.get('/rq/').status_code in (401, 403)
    assert client.get('/in').status_code == 200
    page = client.get('/rq/')
    assert page.status_code == 200 and 'Pause all work' in page.get_data(as_text=True) and 'ann' in page.text
