"""docs/guide.md: what it shows is run, against a real worker, and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from redis import Redis

from tests.architecture.documents import Snippet, snippets
from tests.architecture.test_documents import PRELUDE
from tests.support.processes import ROOT, Processes
from tests.webhook.endpoint import Endpoint

PAGE = ROOT / 'docs' / 'guide.md'
# Where the page's webhooks go; in the test to a server of its own.
ITS_SERVER = 'http://localhost:8000'


def python_of_the_page() -> tuple[dict[str, str], list[Snippet]]:
    """Its files by name, and the rest: one session."""
    blocks = [snippet for snippet in snippets(PAGE) if snippet.language == 'python']
    return {block.title: block.code for block in blocks if block.title}, [block for block in blocks if not block.title]


def promised(code: str) -> list[str]:
    """What its lines print, by their own words."""
    return re.findall(r'^ *print\(.*\)  # (.*)$', code, re.MULTILINE)


def test_what_the_guide_shows_is_so(redis: Redis, redis_url: str, processes: Processes, tmp_path: Path) -> None:
    files, session = python_of_the_page()
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    settings = redis.connection_pool.connection_kwargs
    with Endpoint() as server:
        code = PRELUDE + ''.join(f'\n# {snippet}\n{snippet.code}' for snippet in session)
        (tmp_path / 'session.py').write_text(code.replace(ITS_SERVER, server.url))
        processes.rq('worker', url=redis_url, cwd=tmp_path)
        environment = {'TEST_SERVER': f'{settings["host"]}:{settings["port"]}'}
        reader = processes.python('-W', 'error', 'session.py', cwd=tmp_path, env=environment)
        assert reader.wait(60) == 0, reader.report()
        expected = [line for snippet in session for line in promised(snippet.code)]
        assert len(expected) > 10
        assert reader.stdout.splitlines() == expected
        processes.wait_for(lambda: redis.llen('notes') == 3, message='the note of the stopped job')
        processes.wait_for(lambda: server.requests, message='the webhook')
    assert redis.lindex('notes', -1) == b'tasks.long_work: stopped'
    (request,) = server.requests
    assert request.startswith(b'POST /done ')
    assert b'"status": "finished"' in request


def test_its_cron_file_is_one(redis: Redis, redis_url: str, processes: Processes, tmp_path: Path) -> None:
    files, _ = python_of_the_page()
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    processes.rq('cron', 'crontab.py', url=redis_url, cwd=tmp_path)
    processes.wait_for(lambda: redis.llen('rq:queue:default') == 1, message='the job of the interval')


def test_what_a_snippet_prints_is_read_from_it() -> None:
    assert promised("print(1)  # 1\nif x:\n    print(a, 'b # c')  # 2 # 3\nprint(2)\nx = 1  # no\n") == ['1', '2 # 3']


@pytest.mark.parametrize('name', ['tasks.py', 'crontab.py'])
def test_the_page_has_its_files(name: str) -> None:
    assert name in python_of_the_page()[0]
