"""docs/install.md: its commands as they are, in environments of their own, with a wheel of ours and a package that wants RQ."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rq.distributions import ADVICE, other_owners
from rq.version import PACKHORSE_VERSION
from tests.support.processes import ROOT

PAGE = (ROOT / 'docs' / 'install.md').read_text(encoding='utf-8')
RECIPES = dict(re.findall(r'<!-- recipe: ([\w-]+) -->\n```\w+\n(.*?)```', PAGE, re.DOTALL))

Shell = Callable[[str], str]


def make_wheel(folder: Path, name: str, version: str, requires: list[str], files: dict[str, str]) -> None:
    info = f'{name}-{version}.dist-info'
    needed = ''.join(f'Requires-Dist: {each}\n' for each in requires)
    texts = {
        **files,
        f'{info}/METADATA': f'Metadata-Version: 2.1\nName: {name.replace("_", "-")}\nVersion: {version}\n{needed}',
        f'{info}/WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    }
    texts[f'{info}/RECORD'] = ''.join(f'{path},,\n' for path in [*texts, f'{info}/RECORD'])
    with zipfile.ZipFile(folder / f'{name}-{version}-py3-none-any.whl', 'w') as wheel:
        for path, text in texts.items():
            wheel.writestr(path, text)


@pytest.fixture(scope='module')
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours as it would be published; `rq-scheduler`, newer than any, which wants RQ and something that is not there; and
    an `rq-dashboard`, whose package we have as well.
    """
    folder = tmp_path_factory.mktemp('wheels')
    subprocess.run([sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder], cwd=ROOT, check=True)
    scheduler = 'import rq, itsdangerous\nfrom rq.store import keys\n'
    make_wheel(folder, 'rq_scheduler', '99.0', ['rq>=1.0', 'itsdangerous'], {'rq_scheduler.py': scheduler})
    files = {'rq_dashboard/__init__.py': 'THEIRS = True\n', 'rq_dashboard/web.py': ''}
    make_wheel(folder, 'rq_dashboard', '99.0', ['rq>=1.0'], files)
    return folder


@pytest.fixture(scope='module')
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with uv, as it comes from PyPI."""
    folder = tmp_path_factory.mktemp('uv')
    command = [sys.executable, '-m', 'pip', 'install', '-q', '--target', str(folder), 'uv']
    subprocess.run(command, check=True)
    return folder / 'bin'


@pytest.fixture
def environment(wheels: Path, uv: Path, tmp_path: Path) -> Path:
    """A new virtual environment with pip, named so that uv does not take it for its project's."""
    subprocess.run([uv / 'uv', 'venv', '-q', '--seed', '-p', sys.executable, tmp_path / 'env'], check=True)
    return tmp_path / 'env'


@pytest.fixture
def shell(environment: Path, wheels: Path, uv: Path, tmp_path: Path) -> Shell:
    """`shell('pip install packhorse')` in the environment: what it prints; it must end with 0, `pip check` with 1."""
    path = os.pathsep.join(map(str, (environment / 'bin', uv, '/usr/bin', '/bin')))
    kept = {name: value for name, value in os.environ.items() if name not in ('PYTHONPATH', 'PYTHONHOME')}
    links = {'PIP_FIND_LINKS': ' '.join([str(wheels), kept.get('PIP_FIND_LINKS', '')])}
    ours = {
        'PATH': path,
        'VIRTUAL_ENV': str(environment),
        'UV_FIND_LINKS': str(wheels),
        'UV_CACHE_DIR': str(uv.parent / 'cache'),
    }
    quiet = {'PIP_DISABLE_PIP_VERSION_CHECK': '1', 'PIP_ROOT_USER_ACTION': 'ignore'}

    def run(command: str) -> str:
        done = subprocess.run(
            ['/bin/sh', '-c', command], cwd=tmp_path, env={**kept, **links, **quiet, **ours}, capture_output=True, text=True
        )  # fmt: skip
        expected = 1 if command == 'pip check' else 0
        assert done.returncode == expected, f'{command}\n{done.stdout}\n{done.stderr}'
        return done.stdout + done.stderr

    return run


def follow(recipe: str, shell: Shell) -> None:
    """Runs the commands of a recipe; each has to print the lines that the page shows below it."""
    for part in RECIPES[recipe].split('$ ')[1:]:
        command, _, lines = part.partition('\n')
        printed = shell(command)
        for line in lines.splitlines():
            assert line in printed, f'{command} prints {printed!r}'


def owner(shell: Shell) -> str:
    """Whose `rq` is imported, and that it can be."""
    program = "import rq, rq.version; print(getattr(rq.version, 'PACKHORSE_VERSION', 'RQ'))"
    return shell(f'python -W error -c "{program}"').strip()


def test_every_recipe_is_run_here() -> None:
    text = Path(__file__).read_text()
    assert RECIPES.keys() == {*re.findall(r"follow\('([\w-]+)'", text), 'uv-settings'}


def test_a_new_environment(shell: Shell) -> None:
    follow('new', shell)
    assert owner(shell) == PACKHORSE_VERSION


def test_from_rq_and_back_and_out_of_a_mixture(shell: Shell, environment: Path) -> None:
    shell('pip install -q rq')
    [packages] = environment.glob('lib/python*/site-packages')
    follow('switch', shell)
    assert owner(shell) == PACKHORSE_VERSION and other_owners(str(packages)) == []
    follow('back', shell)
    assert owner(shell) == 'RQ' and not (packages / 'rq' / 'store').exists()

    shell('pip install -q packhorse')  # over RQ
    assert other_owners(str(packages)) == ['rq 3.0.0']
    told = shell('echo "import rq" > program.py && python program.py')
    assert 'program.py:1: RuntimeWarning: ' in told
    assert f'packhorse was installed over rq 3.0.0 in {packages}/rq; have only one of them: {ADVICE}\n' in told
    assert 'rq 3.0.0 owns the files of `rq` as well; do: ' in shell('rq doctor -u redis://localhost:1 || true')

    shell('pip install -q --force-reinstall --no-deps rq')  # over us
    told = shell('python program.py || true')
    assert told.endswith(
        f'ImportError: RQ was installed over packhorse in {packages}/rq; have only one of them: {ADVICE}\n'
    )

    follow('repair', shell)
    assert owner(shell) == PACKHORSE_VERSION and other_owners(str(packages)) == []


def test_pip_beside_a_package_that_requires_rq(shell: Shell) -> None:
    follow('pip', shell)
    shell('python -W error -c "import rq_scheduler"')


def test_uv_in_a_project(shell: Shell, tmp_path: Path) -> None:
    project = '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["rq"]\n\n'
    (tmp_path / 'pyproject.toml').write_text(project)
    shell('uv sync -q')
    with (tmp_path / 'pyproject.toml').open('a') as file:
        file.write(RECIPES['uv-settings'])
    shell('uv remove rq')
    follow('uv', shell)
    told = shell('uv run -q python -W error -c "import rq_scheduler, rq.version as v; print(v.PACKHORSE_VERSION)"')
    assert told.splitlines()[-1] == PACKHORSE_VERSION
    [packages] = (tmp_path / '.venv').glob('lib/python*/site-packages')
    assert list(packages.glob('rq-*.dist-info')) == []


def test_uv_without_a_project(shell: Shell) -> None:
    follow('uv-pip', shell)
    shell('python -W error -c "import rq_scheduler"')
    assert owner(shell) == PACKHORSE_VERSION


LOOK = """
from rq.dashboard import create_app
client = create_app('redis://localhost:1', auth='none').test_client()
paths = '/', '/assets/dashboard.css', '/assets/dashboard.js'
print([client.get(path, buffered=True).status_code for path in paths])
"""


def test_beside_rq_dashboard_the_one_that_came_last_is_whole(shell: Shell, tmp_path: Path) -> None:
    whose = 'python -W error -c "import rq_dashboard; print(hasattr(rq_dashboard, \'THEIRS\'))"'
    shell('pip install -q --no-deps rq-dashboard')
    follow('dashboard', shell)
    assert shell(whose).strip() == 'False'

    shell('pip install -q --no-deps rq-dashboard')  # over us
    assert shell(whose).strip() == 'True'
    told = '`rq_dashboard` as well'
    assert f'rq-dashboard 99.0 owns the files of {told}' in shell('rq doctor -u redis://localhost:1 || true')

    shell('pip install -q --force-reinstall --no-deps packhorse')  # over it
    assert 'RuntimeWarning: packhorse was installed over rq-dashboard 99.0 in ' in shell(
        'python -c "import rq_dashboard"'
    )
    follow('dashboard-repair', shell)
    assert shell(whose).strip() == 'False'
    assert 'Options:' in shell('rq-dashboard --help')
    # Templates, CSS and JavaScript are in the wheel: a page that says that Redis is away has them all.
    (tmp_path / 'look.py').write_text(LOOK)
    assert '[503, 200, 200]' in shell('python -W error look.py').splitlines()


def test_a_distribution_of_that_name_without_modules_does_no_harm(tmp_path: Path) -> None:
    for name, record in (('rq-3.0.0', 'rq-3.0.0.dist-info/METADATA,,\n'), ('rq-2.12.0', 'rq/__init__.py,,\n')):
        (tmp_path / f'{name}.dist-info').mkdir()
        (tmp_path / f'{name}.dist-info' / 'RECORD').write_text(record)
    assert other_owners(str(tmp_path)) == ['rq 2.12.0']
