"""Every Lua script says what it promises, has one wrapper and one test, and travels in the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, modules, shown

FOLDER = ROOT / 'rq' / 'store' / 'lua'
SCRIPTS = sorted(path.stem for path in FOLDER.glob('*.lua'))
PARTS = sorted(path.stem for path in (FOLDER / 'lib').glob('*.lua'))
TESTS = ROOT / 'tests' / 'store'


def header_faults(text: str) -> list[str]:
    """What the opening comment of a script lacks: what it promises, KEYS, ARGV with its places, answers; in this order."""
    header = []
    for line in text.splitlines():
        if not line.startswith('--') or line.startswith('--- @'):
            break
        header.append(line.lstrip('-').strip())
    starts = [next((at for at, line in enumerate(header) if line.startswith(word)), -1) for word in WORDS]
    faults = [f'says nothing under {word}' for word, at in zip(WORDS, starts, strict=True) if not told(header, at)]
    if not header or starts[0] == 0:
        faults.append('does not begin with what it promises')
    if starts != sorted(starts):
        faults.append(f'has {", ".join(WORDS)} in another order')
    used = {int(number) for number in re.findall(r'ARGV\[(\d+)\]', text)}
    described = ' '.join(header[starts[1] : starts[2]]) if -1 < starts[1] < starts[2] else ''
    places = set(re.findall(r'\b\d+(?=\s|\.\.)', described)) | covered(described)
    faults += [f'does not say what ARGV[{number}] is' for number in sorted(used) if str(number) not in places]
    return faults


WORDS = ('KEYS:', 'ARGV:', 'answers:')


def told(header: list[str], at: int) -> bool:
    return at >= 0 and len(header[at].partition(':')[2].strip()) > 0


def covered(described: str) -> set[str]:
    """Places that are described as a range, `3..5`, or to the end, `8..`."""
    found: set[str] = set()
    for first, last in re.findall(r'\b(\d+)\.\.\s?(\d*)', described):
        found |= {str(place) for place in range(int(first), int(last or 64) + 1)}
    return found


@pytest.mark.parametrize('name', SCRIPTS)
def test_a_script_begins_with_its_contract(name: str) -> None:
    assert header_faults((FOLDER / f'{name}.lua').read_text()) == []


@pytest.mark.parametrize('name', PARTS)
def test_a_part_begins_with_what_it_is(name: str) -> None:
    assert re.match(r'-- \w.{20}', (FOLDER / 'lib' / f'{name}.lua').read_text())


def test_every_script_has_exactly_one_wrapper_and_every_wrapper_a_script() -> None:
    wrappers = [
        name
        for module, path in modules().items()
        if module.startswith('rq.store')
        for name in re.findall(r"\bScript\(\s*'(\w+)'", path.read_text())
    ]
    assert sorted(wrappers) == SCRIPTS


def test_no_other_room_makes_scripts() -> None:
    makers = [m for m, path in modules().items() if re.search(r'\bScript\(|redis\.call', path.read_text())]
    assert [module for module in makers if not module.startswith('rq.store')] == []


def test_every_include_exists_and_every_part_is_included() -> None:
    included = {
        part
        for path in FOLDER.rglob('*.lua')
        for part in re.findall(r'^--- @include (\w+)$', path.read_text(), re.MULTILINE)
    }
    assert sorted(included) == PARTS


def test_no_script_looks_for_keys_or_runs_without_end() -> None:
    for path in FOLDER.rglob('*.lua'):
        text = path.read_text()
        assert not re.search(r"""call\(\s*['"](KEYS|SCAN|FLUSH\w+)['"]""", text, re.IGNORECASE), shown(path)
        assert not re.search(r'while\s+(true|1)\s+do', text), shown(path)
        # Such a script is refused before it starts when Redis is full; plain EVAL lets the ones that free memory run.
        assert not text.startswith('#!'), shown(path)


@pytest.mark.skipif(not TESTS.is_dir() or not any(TESTS.rglob('test_*.py')), reason='no tests of the store yet')
def test_every_script_is_named_in_a_test_of_the_store() -> None:
    tests = '\n'.join(path.read_text() for path in TESTS.rglob('test_*.py'))
    assert [name for name in SCRIPTS if not re.search(rf'\b{name}\b', tests)] == []


def test_the_index_of_the_store_names_every_script() -> None:
    readme = ROOT / 'rq' / 'store' / 'README.md'
    if not readme.exists():
        pytest.skip('rq/store/README.md is not there yet')
    text = readme.read_text()
    assert [name for name in [*SCRIPTS, *PARTS] if not re.search(rf'\b{name}\b', text)] == []
    assert [name for name in re.findall(r'`(\w+)\.lua`', text) if name not in [*SCRIPTS, *PARTS]] == []


def test_the_wheel_has_everything_that_runs(tmp_path: Path) -> None:
    if not (ROOT / 'README.md').exists():
        pytest.skip('README.md, which the wheel is described by, is not there yet')
    command = [sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob('packhorse-*.whl')
    inside = set(zipfile.ZipFile(wheel).namelist())
    sources = {path for suffix in ('py', 'lua', 'typed') for path in (ROOT / 'rq').rglob(f'*.{suffix}')}
    assert {shown(path) for path in sources} - inside == set()
    assert 'rq/py.typed' in inside
    outside = {name.split('/')[0] for name in inside} - {'rq', 'rq_dashboard'}
    assert all(name.endswith('.dist-info') for name in outside), outside


# --- The rules bite ---------------------------------------------------------------------------------------------------

GOOD = """-- Puts one thing somewhere, once.
-- KEYS: 1 the list
-- ARGV: 1 prefix  2 id
--       3.. field, value
-- answers: OK
--- @include keys
local id, first = ARGV[2], ARGV[3]
"""


def test_a_good_header_has_no_faults() -> None:
    assert header_faults(GOOD) == []
    assert header_faults(GOOD + 'local more = ARGV[17]\n') == []


@pytest.mark.parametrize(
    ('old', 'new', 'fault'),
    [
        ('-- Puts one thing somewhere, once.\n', '', 'does not begin with what it promises'),
        ('-- KEYS: 1 the list', '-- KEYS:', 'says nothing under KEYS:'),
        ('-- KEYS: 1 the list\n', '', 'says nothing under KEYS:'),
        ('-- answers: OK\n', '', 'says nothing under answers:'),
        ('--       3.. field, value\n', '', 'does not say what ARGV[3] is'),
        ('  2 id', '', 'does not say what ARGV[2] is'),
        ('3.. field', '3..4 field', 'does not say what ARGV[5] is'),
        ('-- KEYS', '\n-- KEYS', 'says nothing under KEYS:'),
    ],
)
def test_a_header_that_lacks_something_is_found(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    assert fault in header_faults((GOOD + 'local b = ARGV[5]\n').replace(old, new))
