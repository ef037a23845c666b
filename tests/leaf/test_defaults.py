from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rq import defaults

SOURCE = Path(defaults.__file__).read_text()


def in_a_process(prefix: str) -> subprocess.CompletedProcess[str]:
    code = 'from rq.defaults import *; print(RQ_KEY_PREFIX, FORMAT_KEY_PREFIX.format())'
    environment = os.environ | {'RQ_KEY_PREFIX': prefix}
    return subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize('prefix', ['team-a', '{tag}', 'a.b:c_d'])
def test_the_prefix_of_all_keys_is_taken_from_the_environment(prefix: str) -> None:
    assert in_a_process(prefix).stdout == f'{prefix} {prefix}\n'


@pytest.mark.parametrize('prefix', ['', 'a b', 'a%s', 'a*', 'é', 'a\n'])
def test_a_prefix_that_would_break_keys_is_refused_in_rqs_words(prefix: str) -> None:
    result = in_a_process(prefix)
    assert result.returncode != 0
    assert 'only letters, digits, and _ . : - { } are allowed' in result.stderr


def test_every_number_has_a_reason_above_it() -> None:
    for statement in re.finditer(r'^[A-Z_]+ = \d+$', SOURCE, re.MULTILINE):
        block = SOURCE[: statement.start()].rsplit('\n\n', 1)[-1]
        assert block.startswith('# '), statement[0]


@pytest.mark.parametrize('name', [name for name in defaults.__all__ if name.endswith('_CLASS')])
def test_a_class_path_is_text_so_that_nothing_is_imported_for_it(name: str) -> None:
    assert isinstance(getattr(defaults, name), str)
