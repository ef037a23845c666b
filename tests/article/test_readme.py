"""The README's first script is the article's, which the other tests here run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / 'examples' / 'article' / 'example01'


@pytest.mark.parametrize('name', ['worker.py', 'enqueue_work.py'])
def test_the_readme_shows_what_the_example_has(name: str) -> None:
    snippets = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(), re.DOTALL)
    assert (EXAMPLE / name).read_text().split() in [snippet.split() for snippet in snippets]
