"""Whether another distribution has put its files where ours are: RQ, or rq-dashboard, whose packages we provide.

Raises ImportError when RQ was put over us: what is imported then is a mixture, and fails somewhere in it.
"""

from __future__ import annotations

import os

__all__ = ['ADVICE', 'DASHBOARD_ADVICE', 'notice', 'other_owners']

ADVICE = 'pip uninstall -y rq packhorse && pip install packhorse'
DASHBOARD_ADVICE = 'pip uninstall -y rq-dashboard && pip install --force-reinstall --no-deps packhorse'

try:
    from .version import PACKHORSE_VERSION as _ours  # noqa: F401
except ImportError:
    _folder = os.path.dirname(os.path.abspath(__file__))
    raise ImportError(f'RQ was installed over packhorse in {_folder}; have only one of them: {ADVICE}') from None


def notice(folder: str, other: str = 'rq', advice: str = ADVICE) -> None:
    """Warns in a line, with what to do, if our package in this folder was put over that of another distribution."""
    try:
        owners = other_owners(os.path.dirname(folder), other)
    except OSError:  # in an archive, or not to be listed
        return
    if owners:
        import warnings

        warnings.warn(
            f'packhorse was installed over {owners[0]} in {folder}; have only one of them: {advice}',
            RuntimeWarning,
            stacklevel=3,
        )


def other_owners(folder: str, other: str = 'rq') -> list[str]:
    """Distributions `rq` ('rq 3.0.0') that are installed in a folder and own modules of a package `rq` there.

    `other`: the same of `rq-dashboard` and its package `rq_dashboard`.

    One listing of the folder; a file is read only if there is a distribution of that name. One that owns no module, as
    some projects make to satisfy a requirement, does no harm. Raises OSError.
    """
    package = other.replace('-', '_')
    records = [name for name in os.listdir(folder) if name.startswith(f'{package}-') and name.endswith('.dist-info')]
    return [
        name.removesuffix('.dist-info').replace('-', ' ').replace('_', '-')
        for name in records
        if _owns(os.path.join(folder, name), package)
    ]


def _owns(record: str, package: str) -> bool:
    try:
        with open(os.path.join(record, 'RECORD'), encoding='utf-8', errors='replace') as lines:
            return any(line.startswith(f'{package}/') for line in lines)
    except OSError:
        return False
