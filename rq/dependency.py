"""Which jobs need not wait any more, by RQ's name; `rq.job.Dependency` is what `depends_on=` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rq.job import Job

__all__ = ['Dependency']


class Dependency:
    """RQ's helper of workers. Ours release dependents in the script that ends a job."""

    @classmethod
    def get_jobs_with_met_dependencies(cls, jobs: Iterable[Job], pipeline: Any) -> tuple[list[Job], list[Job]]:
        """Those whose dependencies are met, and the others; asks Redis for each."""
        met: list[Job] = []
        unmet: list[Job] = []
        for job in jobs:
            (met if job.dependencies_are_met() else unmet).append(job)
        return met, unmet
