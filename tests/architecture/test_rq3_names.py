"""Every public name of RQ 3.0.0, read from the installed release, exists with a compatible signature.

What a module of RQ has only because it imports it is no name of that module, but for those that its documentation and its
users import from there (ALSO, in snapshot_rq3.py).

Compatible: the same parameters in the same order with the same defaults; what is ours comes after, by keyword only.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.architecture.names import call_fault, class_faults, faults, member_fault, split, surface
from tests.architecture.snapshot_rq3 import NO_SURFACE

# Different on purpose, for good: what is different, and why.
DIFFERENT = {
    'rq.timeouts.BaseTimeoutException': 'is no Exception',  # `except Exception` in a job must not swallow its timeout
    'rq.timeouts.JobTimeoutException': 'is no Exception',
    'rq.timeouts.HorseMonitorTimeoutException': 'is no Exception',
    # The same parameters, named.
    'rq.registry.ScheduledJobRegistry.__init__': (
        "takes (self, name='default', connection=None, job_class=None, queue=None, serializer=None, "
        'death_penalty_class=None), not (self, *args, **kwargs)'
    ),
    # RQ 2.12 calls, and overrides, these without an execution; both are taken.
    'rq.worker.BaseWorker.handle_job_success': (
        'takes (self, job, queue, started_job_registry, execution=None), '
        'not (self, job, queue, started_job_registry, execution)'
    ),
    # The same level, said in the help.
    'rq.cli.worker.--logging_level': "has default 'INFO', not None",
    'rq.cli.main.worker.--logging_level': "has default 'INFO', not None",
    'rq.cli.main.requeue.--queue': 'has required False, not True',  # without it: every queue
    # `rq cron --list` and its sisters need no file.
    'rq.cli.cron.config_path': 'has required False, not True',
    'rq.cli.main.cron.config_path': 'has required False, not True',
    # redis-py is imported when it is needed.
    'rq.cli.helpers.get_redis_from_config': (
        'takes (settings, connection_class=None, **options), not (settings, connection_class=Redis)'
    ),
    'rq.worker.BaseWorker.handle_job_retry': (
        'takes (self, job, queue, retry, started_job_registry, execution=None), '
        'not (self, job, queue, retry, started_job_registry, execution)'
    ),
    'rq.worker.Worker.monitor_work_horse': (
        'takes (self, job, queue, execution=None), not (self, job, queue, execution)'
    ),
    # RQ's own scripts and locks; tools use the two that are there.
    'rq.scripts.acquire_or_refresh_lock': 'is not there',
    'rq.scripts.get_unique_enqueue_script': 'is not there',
    'rq.scripts.get_unique_schedule_script': 'is not there',
    'rq.scripts.release_lock': 'is not there',
    'rq.worker.BaseWorker.perform_job': 'takes (self, job, queue, execution=None), not (self, job, queue, execution)',
}

# The same wherever it occurs: the end of the name, and the fault.
EVERYWHERE = {
    # None is the serializer that the job names, else the same one.
    '.--serializer': "has default None, not 'rq.serializers.DefaultSerializer'",
}

MODULES = [
    'rq', 'rq.callbacks', 'rq.cli', 'rq.cli.helpers', 'rq.command', 'rq.connections', 'rq.contrib', 'rq.cron',
    'rq.cron_job_registry', 'rq.cron_scheduler_registry', 'rq.decorators', 'rq.defaults', 'rq.dependency',
    'rq.exceptions', 'rq.executions', 'rq.group', 'rq.intermediate_queue', 'rq.job', 'rq.job_lifecycle', 'rq.logutils',
    'rq.maintenance', 'rq.queue', 'rq.rate_limit', 'rq.registry', 'rq.repeat', 'rq.results', 'rq.scheduler',
    'rq.scripts', 'rq.serializers', 'rq.suspension', 'rq.timeouts', 'rq.types', 'rq.utils', 'rq.version', 'rq.webhook',
    'rq.worker', 'rq.worker_pool', 'rq.worker_registration',
]  # fmt: skip


def module_of(name: str) -> str:
    return max((module for module in MODULES if f'{name}.'.startswith(f'{module}.')), key=len)


def everywhere(name: str, fault: str) -> bool:
    return any(name.endswith(end) and fault == known for end, known in EVERYWHERE.items())


def test_every_module_of_rqs_is_looked_at_or_named_with_a_reason() -> None:
    assert surface()['every'] == sorted([*MODULES, *NO_SURFACE])


@pytest.mark.parametrize('module', MODULES)
def test_a_module_offers_what_rqs_does(module: str) -> None:
    found = {name: fault for name, fault in faults(module).items() if not everywhere(name, fault)}
    different = {name: fault for name, fault in DIFFERENT.items() if module_of(name) == module}
    missing = {name: fault for name, fault in found.items() if name not in different}
    assert missing == {}, '\n'.join(['RQ 3.0.0 has these:', *(f'{name} {fault}' for name, fault in missing.items())])
    assert different == {name: fault for name, fault in found.items() if name in different}


# --- The comparison bites ---------------------------------------------------------------------------------------------


def function(a: int, b: int = 1, *, ours: int = 2) -> None: ...


@pytest.mark.parametrize(
    ('expected', 'compatible'),
    [
        ('a, b=1', True),
        ('a', False),  # b would take the place of what RQ adds next
        ('a, b', False),
        ('a, b=2', False),
        ('b=1, a', False),
        ('a, c=1', False),
        ('a, b=1, c=None', False),
        ('a, b=1, *, ours=2', True),
        ('a, b=1, *, theirs=2', False),
        ('a, b=1, *args', False),
        ('a, b=1, **kwargs', False),
    ],
)
def test_a_signature_that_takes_other_calls_is_found(expected: str, compatible: bool) -> None:
    assert bool(call_fault(function, expected)) is not compatible


def test_a_keyword_of_ours_must_not_be_required() -> None:
    def needs(a: int, *, ours: int) -> None: ...

    assert call_fault(needs, 'a')
    assert not call_fault(needs, 'a, *, ours')
    assert not call_fault(lambda *args, **kwargs: None, '*args, **kwargs')


class Thing:
    limit = 3

    def __init__(self, a: int) -> None:
        self.set_in_init = a

    @property
    def fixed(self) -> int:
        return 1

    @property
    def free(self) -> int:
        return 1

    @free.setter
    def free(self, value: int) -> None: ...

    def method(self, a: int) -> None: ...

    @classmethod
    def klass(cls, a: int) -> None: ...

    @staticmethod
    def static(a: int) -> None: ...


@pytest.mark.parametrize(
    ('name', 'expected', 'fault'),
    [
        ('method', 'method(self, a)', ''),
        ('method', 'method(self, b)', 'takes (self, a), not (self, b)'),
        ('method', 'classmethod(a)', 'is no classmethod'),
        ('method', 'property', 'is a method, not a property'),
        ('klass', 'classmethod(a)', ''),
        ('static', 'staticmethod(a)', ''),
        ('fixed', 'property', ''),
        ('fixed', 'settable property', 'cannot be set'),
        ('free', 'settable property', ''),
        ('limit', 'attribute 3', ''),
        ('limit', 'attribute 4', 'is 3, not 4'),
        ('limit', 'attribute', ''),
        ('limit', 'method(self)', 'cannot be called'),
        ('nothing', 'property', 'is not there'),
    ],
)
def test_a_member_that_differs_is_found(name: str, expected: str, fault: str) -> None:
    assert member_fault(Thing, name, expected) == fault


def test_a_class_that_lacks_a_base_or_a_special_method_is_found() -> None:
    expected: dict[str, Any] = {'bases': ['Exception'], 'special': ['__len__', '__eq__'], 'init': 'self, a, b'}
    assert dict(class_faults(Thing, expected)) == {
        '': 'is no Exception',
        '.__len__': 'is not there',
        '.__eq__': 'is not there',
        '.__init__': 'takes (self, a), not (self, a, b)',
    }


def test_a_signature_is_read_from_its_text() -> None:
    assert split("self, a, b='x', *, c=1, **kwargs") == [
        ('place', 'self', ''),
        ('place', 'a', ''),
        ('place', 'b', "'x'"),
        ('name', 'c', '1'),
        ('**', '**kwargs', ''),
    ]


def test_what_rq_says_of_itself_has_what_everybody_uses() -> None:
    assert {'enqueue', 'enqueue_call', 'enqueue_many', 'all', 'count'} <= surface()['modules']['rq.queue']['Queue'][
        'members'
    ].keys()
    assert {'fetch', 'cancel', 'requeue', 'delete'} <= surface()['modules']['rq.job']['Job']['members'].keys()
    assert {'origin', 'meta', 'timeout', 'worker_name'} <= set(surface()['modules']['rq.job']['Job']['instance'])
    assert {'FailedJobRegistry', 'StartedJobRegistry', 'clean_registries'} <= surface()['modules']['rq.registry'].keys()
    assert {'Worker', 'SimpleWorker', 'BaseWorker', 'WorkerStatus'} <= surface()['modules']['rq.worker'].keys()
