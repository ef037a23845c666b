"""docs/dashboard.md: each test that its table of threats names is there, and each setting is one."""

from __future__ import annotations

import re

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
