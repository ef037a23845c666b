"""What README.md and the pages of documentation say is so: their Python runs or compiles, their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.documents import broken_links, documents, make_targets, package_imports, snippets
from tests.architecture.tree import ROOT, shown

PYTHON = [snippet for path in documents() for snippet in snippets(path) if snippet.language in ('python', 'py')]
RUNNING = sorted({snippet.path for snippet in PYTHON if snippet.runs})

# Put before what runs: the documents speak to localhost:6379, the tests' server is elsewhere.
PRELUDE = """
import os, redis.connection as _connection
_init = _connection.Connection.__init__
def _to_the_test_server(self, host='localhost', port=6379, *args, **kwargs):
    if (host, int(port)) in (('localhost', 6379), ('127.0.0.1', 6379)):
        host, port = os.environ['TEST_SERVER'].rsplit(':', 1)
    _init(self, host, int(port), *args, **kwargs)
_connection.Connection.__init__ = _to_the_test_server
"""


@pytest.mark.parametrize('snippet', PYTHON, ids=str)
def test_a_python_snippet_is_python(snippet: Any) -> None:
    compile(snippet.code, str(snippet), 'exec')


@pytest.mark.parametrize('snippet', PYTHON, ids=str)
def test_what_a_snippet_imports_from_us_is_there(snippet: Any) -> None:
    for statement in package_imports(snippet.code):
        exec(statement, {})


@pytest.mark.parametrize('path', RUNNING, ids=shown)
def test_the_snippets_that_are_marked_to_run_run(path: Path, redis: Any, tmp_path: Path) -> None:
    marked = [snippet for snippet in snippets(path) if snippet.runs]
    code = PRELUDE + ''.join(f'\n# {snippet}\n{snippet.code}' for snippet in marked)
    (tmp_path / 'snippets.py').write_text(code)
    settings = redis.connection_pool.connection_kwargs
    environment = os.environ | {'TEST_SERVER': f'{settings["host"]}:{settings["port"]}', 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, '-W', 'error', 'snippets.py']
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('path', documents(), ids=shown)
def test_every_link_to_a_file_leads_to_one(path: Path) -> None:
    assert broken_links(path) == []


@pytest.mark.parametrize('path', documents(), ids=shown)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    known = set(re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    assert make_targets(path.read_text()) - known == set()


# --- The checks bite --------------------------------------------------------------------------------------------------


DOCUMENT = """# Title
Text, then `make nothing`, [a link](gone.md), [another](#here) and [the web](https://example.org).

<!-- runs -->
```python
from rq import Queue, no_such_name
print(1)
```

1. In a list:
   ```python title="x.py"
   if True:
       import rq.queue
   ```

```python
>>> 1 +
2
```

```console
$ make demo
```
"""


def test_snippets_links_and_commands_are_found(tmp_path: Path) -> None:
    path = tmp_path / 'page.md'
    path.write_text(DOCUMENT)
    first, second, third, fourth = snippets(path)
    assert (first.language, first.line, first.runs) == ('python', 5, True)
    assert package_imports(first.code) == ['from rq import Queue, no_such_name']
    assert (second.text, second.runs) == ('if True:\n    import rq.queue\n', False)
    assert (first.title, second.title) == ('', 'x.py')
    assert package_imports(second.code) == ['import rq.queue']
    with pytest.raises(SyntaxError):
        compile(third.code, 'page', 'exec')
    assert fourth.language == 'console'
    assert broken_links(path) == [f'{path.as_posix()}: gone.md']
    assert make_targets(DOCUMENT) == {'nothing', 'demo'}


def test_a_marked_snippet_talks_to_the_tests_server(redis: Any, tmp_path: Path) -> None:
    path = tmp_path / 'page.md'
    path.write_text(
        '<!-- runs -->\n```python\nfrom redis import Redis\nRedis().set("a", 1)\n```\n'
        '<!-- runs -->\n```python\nRedis.from_url("redis://localhost:6379").incr("a")\n```\n'
    )
    test_the_snippets_that_are_marked_to_run_run(path, redis, tmp_path)
    assert redis.get('a') == b'2'
    path.write_text('<!-- runs -->\n```python\nraise SystemExit("wrong")\n```\n')
    with pytest.raises(AssertionError, match='wrong'):
        test_the_snippets_that_are_marked_to_run_run(path, redis, tmp_path)
