"""What the tests beside released RQs share."""

from __future__ import annotations

from tests.store.conftest import disorder, invariants

__all__ = ['disorder', 'invariants']
