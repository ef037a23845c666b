"""docs/commands.md: every command and option that there is, and none that there is not."""

from __future__ import annotations

import re

import click
import pytest

from rq.cli import main
from rq.cli.errors import ExitCode
from rq.cli.info import info
from rq.cli.options import COMMON
from tests.support.processes import ROOT

PAGE = (ROOT / 'docs' / 'commands.md').read_text(encoding='utf-8')
COMMANDS = main.list_commands(click.Context(main))


def documented(command: str) -> set[frozenset[str]]:
    """The options in a command's table, each with all its names."""
    table = PAGE.partition(f'<!-- options: {command} -->')[2].partition('\n#')[0].partition('\n<!-- options')[0]
    cells = re.findall(r'^\| (`-[^|]*) \|', table, re.MULTILINE)
    return {frozenset(re.findall(r'`([^`]+)`', cell)) for cell in cells}


def options_of(command: click.Command) -> set[frozenset[str]]:
    return {
        frozenset(one.opts)
        for one in command.params
        if isinstance(one, click.Option) and one.name != 'help' and not one.hidden
    }


def common_options() -> set[frozenset[str]]:
    probe = click.Command('probe', callback=lambda: None)
    for option in COMMON:
        option(probe)
    return options_of(probe)


@pytest.mark.parametrize('name', COMMANDS)
def test_the_options_of_a_command_are_those_that_the_page_lists(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    own = options_of(command)
    if name != 'server':
        assert common_options() <= own
        own -= common_options()
    assert documented(name) == own


def test_the_common_options_are_those_that_the_page_lists() -> None:
    assert documented('common') == common_options()
    assert common_options() <= options_of(info)


def test_every_command_and_every_exit_code_is_on_the_page() -> None:
    for name in COMMANDS:
        assert re.search(rf'^## .*`rq {name}`', PAGE, re.MULTILINE), name
        assert f'`rq {name}`' in PAGE.partition('## Exit codes')[0]
    codes = PAGE.partition('## Exit codes')[2].partition('\n\n|')[2].partition('\n\n')[0]
    assert {int(code) for code in re.findall(r'^\| (\d+) \|', codes, re.MULTILINE)} == {*map(int, ExitCode)}


def test_the_variables_that_the_page_names_are_those_of_the_options() -> None:
    probe = click.Command('probe', callback=lambda: None)
    for option in COMMON:
        option(probe)
    variables = {one.envvar for one in probe.params if one.envvar}
    # The dashboard's own are on docs/dashboard.md: most of them are settings of `create_app` as well.
    others = {'RQ_TRACEBACK', 'RQ_STATS', 'RQ_RELEASE'}  # not an option's own: read where it is used
    assert set(re.findall(r'\bRQ_(?!DASHBOARD_)\w+', PAGE)) - others == variables
