"""rq/store/README.md is true: its tables are made from the code (`python -m tests.store.test_readme` writes them anew)."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from rq.store import keys
from rq.store.script import FOLDER
from rq.store.states import HOMES, TRANSITIONS, JobStatus
from tests.store.test_keys import KEYS

README = FOLDER.parent / 'README.md'
# What a person does to a job from almost anywhere would hide the usual way.
BY_HAND = {'cancel', 'delete', 'requeue', 'enqueue_now', 'restore'}
S = JobStatus
USUAL_BEFORE = {
    'enqueue': {None, S.CREATED},
    'schedule': {None, S.CREATED},
    'claim': {S.QUEUED},
    'promote_due': {S.SCHEDULED},
}


def first_sentence(text: str) -> str:
    """What a comment or docstring says first, on one line."""
    line = ' '.join(text.split())
    return re.split(r'(?<=[.!?])\s', line, maxsplit=1)[0]


def states() -> str:
    lines = ['| status | home | comes to it by | leaves it by |', '|---|---|---|---|']
    for status in S:
        home = HOMES[status]
        into = [name for name, moves in TRANSITIONS.items() if any(after is status for _, after in moves)]
        out = [name for name, moves in TRANSITIONS.items() if any(b is status and a is not status for b, a in moves)]
        shown = '-' if home is None else f'`{KEYS[home]("{queue}")}`'
        lines.append(f'| `{status.value}` | {shown} | {", ".join(into) or "-"} | {", ".join(out) or "-"} |')
    return '\n'.join(lines)


def diagram() -> str:
    edges: dict[tuple[str, str], list[str]] = {}
    for name, moves in TRANSITIONS.items():
        for before, after in sorted(moves, key=str):
            if name not in BY_HAND and before in USUAL_BEFORE.get(name, {before}):
                ends = (before.value if before else '[*]', after.value if after else '[*]')
                edges.setdefault(ends, []).append(name)
    lines = [f'    {before} --> {after} : {", ".join(names)}' for (before, after), names in edges.items()]
    return '\n'.join(['```mermaid', 'stateDiagram-v2', *lines, '```'])


def key_map() -> str:
    lines = ['| key | what it is | |', '|---|---|---|']
    for name, function in KEYS.items():
        shown = function(*('{' + argument + '}' for argument in inspect.signature(function).parameters))
        told = ' '.join((function.__doc__ or '').split())
        lines.append(f'| `{shown}` | {told.removeprefix("Ours. ")} | `{name}`{" (ours)" if "Ours. " in told else ""} |')
    return '\n'.join(lines)


def index(folder: Path) -> str:
    lines = []
    for path in sorted(folder.glob('*.lua')):
        header = re.match(r'((?:-- .*\n)+)', path.read_text())
        assert header, path
        text = re.sub(r'^-- ?', '', header[1], flags=re.MULTILINE)
        lines.append(f'- `{path.stem}`: {first_sentence(text)}')
    return '\n'.join(lines)


PARTS = {
    'states': states,
    'diagram': diagram,
    'keys': key_map,
    'scripts': lambda: index(FOLDER),
    'parts': lambda: index(FOLDER / 'lib'),
}


def written(text: str) -> str:
    """The page with its made parts as they should be."""
    for name, make in PARTS.items():
        pattern = rf'(<!-- {name} -->\n).*?(<!-- /{name} -->)'
        text, count = re.subn(pattern, lambda m, make=make: f'{m[1]}{make()}\n{m[2]}', text, flags=re.DOTALL)
        assert count == 1, name
    return text


def test_the_page_says_what_the_code_says() -> None:
    text = README.read_text()
    assert text == written(text), 'run: python -m tests.store.test_readme'


@pytest.mark.parametrize('name', [key for key in keys.__all__ if key in KEYS])
def test_every_key_is_on_the_page_with_what_it_is(name: str) -> None:
    assert f'| `{name}`' in README.read_text()


def test_every_status_is_on_the_page() -> None:
    assert all(f'| `{status.value}` |' in README.read_text() for status in S)


if __name__ == '__main__':
    README.write_text(written(README.read_text()))
