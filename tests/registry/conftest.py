"""As for the whole domain."""

from __future__ import annotations

from tests.domain.conftest import disorder, invariants, proxied, proxy, queue, unchanged

__all__ = ['disorder', 'invariants', 'proxied', 'proxy', 'queue', 'unchanged']
