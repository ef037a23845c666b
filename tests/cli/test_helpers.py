"""RQ's names in `rq.cli.helpers`, as programs that build on them use them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner
from redis import Redis

from rq import Queue, Worker
from rq.cli import helpers
from tests.cli.conftest import AddJobs


def test_a_command_of_ones_own_gets_the_settings_and_every_option() -> None:
    @click.command()
    @click.option('--mine')
    @helpers.pass_cli_config
    def command(cli_config: helpers.CliConfig, mine: str, **options: Any) -> None:
        host = cli_config.connection.connection_pool.connection_kwargs['host']
        click.echo(f'{host} {mine} {sorted(options)}')

    result = CliRunner().invoke(command, ['--mine', 'x', '-u', 'redis://there'])
    names = ['config', 'connection_class', 'job_class', 'path', 'queue_class', 'serializer', 'url', 'worker_class']
    assert result.output == f'there x {names}\n'


@pytest.mark.parametrize('name', ['show_queues', 'show_workers', 'show_both'])
@pytest.mark.parametrize('raw', [True, False])
def test_what_rq_info_shows_can_be_printed(
    redis: Redis,
    add_jobs: AddJobs,
    add_worker: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    name: str,
    raw: bool,
) -> None:
    add_jobs('low', 2)
    add_worker('w1', ['low'])
    getattr(helpers, name)([Queue('low', connection=redis)], raw, False, Queue, Worker, redis)
    told = capsys.readouterr().out
    assert ('queue low 2,' in told if raw else 'low          |██████ 2,' in told) is (name != 'show_workers')
    assert ('worker w1' in told if raw else 'host.42 idle: low' in told) is (name != 'show_queues')


def test_without_an_interval_a_view_is_shown_once() -> None:
    seen: list[Any] = []
    helpers.refresh(None, lambda *args: seen.append(args), 1, 2)
    assert seen == [(1, 2)]


def test_bars_have_rqs_scales() -> None:
    found = [helpers.get_scale(x) for x in (0, 20, 21, 101, 401, 801, 1000, 1001, 5000)]
    assert found == [20, 20, 50, 200, 600, 1000, 1000, 1001, 5000]
    assert helpers.pad('ab', 4) == 'ab  ' and helpers.pad('abcdef', 4) == 'abcdef'
    assert [helpers.state_symbol(state) for state in ('busy', 'else')] == ['busy', 'else']


def test_the_log_is_set_up_by_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger('rq.worker')
    monkeypatch.setattr(log, 'level', log.level)
    for verbose, quiet, level in ((True, False, 'DEBUG'), (False, True, 'WARNING'), (False, False, 'INFO')):
        helpers.setup_loghandlers_from_args(verbose, quiet, '%H', '%(message)s')
        assert logging.getLevelName(log.level) == level
    with pytest.raises(RuntimeError, match='mutually exclusive'):
        helpers.setup_loghandlers_from_args(True, True, '%H', '%(message)s')
