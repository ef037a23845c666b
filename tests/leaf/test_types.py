from __future__ import annotations

import typing

from rq import types


def test_every_name_is_there_at_run_time_as_in_rq() -> None:
    for name in types.__all__:
        assert getattr(types, name) is not None


def test_annotations_with_these_names_can_be_looked_at() -> None:
    def enqueue(f: types.FunctionReferenceType, depends_on: types.JobDependencyType | None = None) -> None: ...

    # What documentation tools and dependency injectors do.
    assert 'f' in enqueue.__annotations__
    assert typing.get_origin(types.SuccessCallbackType) is not None
