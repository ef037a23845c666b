"""Invariants after every test here, and Redis time that a test can ask."""

from __future__ import annotations

from tests.store.conftest import disorder, invariants

__all__ = ['disorder', 'invariants']
