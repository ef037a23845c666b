"""Who looks at the dashboard, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ['ROLES', 'User']

# Each may do what those before it may. `metrics` is for a program that reads /metrics and nothing else.
ROLES = ('metrics', 'viewer', 'operator', 'admin')


@dataclass(frozen=True)
class User:
    """Somebody who has been let in: `User('ann', 'operator')`, `User('bob', 'viewer', actions={'requeue'})`."""

    name: str = ''
    role: str = 'viewer'
    actions: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f'{self.role!r} is no role; there are {", ".join(ROLES)}')
        object.__setattr__(self, 'actions', frozenset(self.actions))

    def may(self, *wanted: str) -> bool:
        """Whether any of these is theirs: a role (theirs, or one below), or an action that they were given by name."""
        rank = ROLES.index(self.role)
        return any(one in self.actions or (one in ROLES and ROLES.index(one) <= rank) for one in wanted)

    def reading(self) -> User:
        """The same person, who may look and do nothing."""
        return User(self.name, min(self.role, 'viewer', key=ROLES.index))
