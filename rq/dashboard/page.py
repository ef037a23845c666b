"""What a page is: a rule, a name, and a function from the request to plain values; and what it may ask of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request

from .access import access_of, current_user
from .connect import connection_of, settings_of

if TYPE_CHECKING:
    from redis import Redis
    from werkzeug.datastructures import MultiDict

    from .users import User

__all__ = ['PAGES', 'Missing', 'Page', 'View', 'page', 'view_of']

Answer = Callable[..., Mapping[str, Any]]

# Rows of a list: as many as fit a screen, and as many as a server gives in a few milliseconds.
PER_PAGE = 25
MOST_PER_PAGE = 200
# A number in a URL that is larger is a mistake, or an attempt to make Redis skip over millions.
LARGEST = 1_000_000_000


class Missing(Exception):
    """What was asked for is not there; its text is shown, with status 404."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was registered."""

    rule: str
    name: str
    title: str
    nav: str | None
    answer: Answer
    live: bool = True  # it renews itself


PAGES: dict[str, Page] = {}


def page(rule: str, name: str, *, title: str, nav: str) -> Callable[[Answer], Answer]:
    """A decorator that registers a page: `rule` answers HTML by `<name>.html`, `/api/v1<rule>` the same values as JSON.

    `nav`: the entry of the menu that is marked (a page of a queue marks `Queues`).
    """

    def register(function: Answer) -> Answer:
        if name in PAGES and PAGES[name].answer.__module__ != function.__module__:
            raise ValueError(f'Two pages have the name {name}')
        PAGES[name] = Page(rule, name, title, nav, function)
        return function

    return register


@dataclass(frozen=True, slots=True)
class View:
    """A request to a page: who asks, for what, and where the data is."""

    page: Page
    connection: Redis
    args: MultiDict[str, str]
    user: User
    read_only: bool
    parts: Mapping[str, Any]
    settings: Mapping[str, Any]

    def number(self, name: str, default: int, *, most: int = LARGEST) -> int:
        """A whole number from the URL, from 1 to `most`; the default for what is none."""
        given = self.args.get(name, '')
        # int() also takes digits of other scripts, which do no harm, and 5,000 of them, which would.
        value = int(given) if len(given) < 12 and given.lstrip('-').isdecimal() else default
        return max(1, min(value, most))

    def text(self, name: str, default: str = '', *, most: int = 2_000) -> str:
        """A text from the URL, cut to `most` characters."""
        return self.args.get(name, default)[:most]

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """One of the allowed values; the default, else the first, for anything else."""
        given = self.args.get(name, '')
        return given if given in allowed else default if default is not None else allowed[0]

    @property
    def number_of_page(self) -> int:
        """Which page of a list is asked for, from 1."""
        return self.number('page', 1)

    @property
    def per_page(self) -> int:
        """Rows of a list, 200 at most."""
        return self.number('per_page', PER_PAGE, most=MOST_PER_PAGE)

    @property
    def offset(self) -> int:
        """Rows before the first that is shown."""
        return (self.number_of_page - 1) * self.per_page


def view_of(page: Page, parts: Mapping[str, Any]) -> View:
    """The request that is being answered, as its page sees it; templates know of it too."""
    g.rq_view = view = View(
        page=page,
        connection=connection_of(current_app),
        args=request.args,
        user=current_user(),
        read_only=access_of(current_app).read_only,
        parts=parts,
        settings=settings_of(current_app),
    )
    return view
