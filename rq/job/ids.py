"""Job ids: made, checked, taken out of composite keys."""

from __future__ import annotations

import os
import re

from rq.exceptions import InvalidJobId

__all__ = ['JOB_ID_PATTERN', 'JobId', 'new_job_id', 'parse_job_id', 'validate_job_id']

JOB_ID_PATTERN = re.compile('[A-Za-z0-9_-]+')


class JobId(str):
    """An id that can also be read as bytes: rq-dashboard decodes the ids of a job's dependencies."""

    __slots__ = ()

    def decode(self, encoding: str = 'utf-8', errors: str = 'strict') -> str:
        """The id itself."""
        return str(self)


def new_job_id() -> str:
    """An id nobody has: a random UUID (version 4), made from its digits in a third of the time `uuid.uuid4` takes."""
    digits = os.urandom(16).hex()
    variant = '89ab'[int(digits[16], 16) & 3]  # RFC 9562, section 5.4: version and variant are fixed
    return f'{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}'


def validate_job_id(job_id: str) -> None:
    """Nothing, if this can be a job's id. Raises TypeError for no text, InvalidJobId (a ValueError) for bad text."""
    if not isinstance(job_id, str):
        raise TypeError(f'Job ID must be a string, not {type(job_id)}')
    if not JOB_ID_PATTERN.fullmatch(job_id):
        raise InvalidJobId(f'Job ID must only contain letters, numbers, underscores and dashes: {job_id!r}')


def parse_job_id(job_or_execution_id: str) -> str:
    """The job id in `id` or `id:execution`. Raises TypeError for no text."""
    if not isinstance(job_or_execution_id, str):
        raise TypeError(f'Job ID must be a string, not {type(job_or_execution_id)}')
    return job_or_execution_id.partition(':')[0]
