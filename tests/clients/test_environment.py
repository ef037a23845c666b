"""The environment of the clients: made once; where it cannot be made, one line says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients import environment
from tests.clients.environment import CLIENTS, Unavailable, prepare


def test_without_the_package_index_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, 'VENVS', tmp_path / 'venvs')
    monkeypatch.setenv('UV_CACHE_DIR', str(tmp_path / 'cache'))
    monkeypatch.setenv('UV_DEFAULT_INDEX', 'http://127.0.0.1:9/simple')
    monkeypatch.setenv('UV_HTTP_RETRIES', '0')
    with pytest.raises(Unavailable) as told:
        prepare()
    words = str(told.value)
    assert words.startswith('The clients cannot be installed (is the package index out of reach?): error: ')
    assert 'http://127.0.0.1:9/simple' in words and '\n' not in words


def test_every_client_is_there_and_rq_is_not(clients: Path) -> None:
    installed = {
        found.name.partition('-')[0].lower() for found in clients.parent.glob('lib/*/site-packages/*.dist-info')
    }
    named = {name.partition('=')[0].partition('~')[0].partition('<')[0].lower().replace('-', '_') for name in CLIENTS}
    assert named | {'packhorse', 'redis'} <= installed
    assert 'rq' not in installed


def test_the_page_about_installing_names_the_versions_that_are_tested() -> None:
    page = (environment.ROOT / 'docs' / 'install.md').read_text()
    for name, version in (client.split('==') for client in CLIENTS if '==' in client):
        assert f'{name} {".".join(version.split(".")[:2])}' in page
