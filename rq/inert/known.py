"""Types that everybody stores, shown as one would write them: decoded by hand from what would have been called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from .tree import Node, is_node, named

__all__ = ['KNOWN', 'flat_name', 'plainly', 'raw_bytes']

# (name, arguments, (keyword, argument) pairs) to be shown as a call; or text as it is.
Shown = tuple[str, list[Any], list[tuple[Any, Any]]] | str | None
REBUILT = ('copyreg._reconstructor', 'copy_reg._reconstructor', 'copyreg.__newobj__', 'copy_reg.__newobj__')
GETATTR = ('builtins.getattr', '__builtin__.getattr')
SHORT = (
    'builtins.',
    '__builtin__.',
    'datetime.',
    'decimal.',
    'uuid.',
    'fractions.',
    'collections.',
    'pathlib._local.',
    'pathlib.',
)


def flat_name(path: str) -> str:
    """The path as it is shown: without its module where everybody knows it."""
    for prefix in SHORT:
        rest = path[len(prefix) :]
        if path.startswith(prefix) and '.' not in rest:
            return rest
    return path


def raw_bytes(value: Any) -> bytes | None:
    """The bytes that are meant: plain, or as old protocols write them."""
    if isinstance(value, bytes):
        return value
    if is_node(value, 'made') and _path(value) == '_codecs.encode' and value.items and isinstance(value.items[0], str):
        return value.items[0].encode('latin-1', 'replace')
    if is_node(value, 'made') and _path(value) in ('builtins.bytes', '__builtin__.bytes') and not value.items:
        return b''
    return value.encode('latin-1', 'replace') if isinstance(value, str) else None


def plainly(node: Node) -> Node:
    """The same object where the pickle says it in a roundabout way, as protocols 0 and 1 do."""
    path = _path(node)
    if path in REBUILT and node.items and is_node(node.items[0], 'name'):
        args = node.items[1:1000]
        if path.endswith('_reconstructor'):  # a base, and its value
            args = args[1:2] if len(args) > 1 and args[1] is not None else []
        found = Node('made', args, node.items[0])
        found.state, found.members, found.pairs = node.state, node.members, node.pairs
        return found
    inner = node.head
    if is_node(inner, 'made') and _path(inner) in GETATTR and len(inner.items) == 2:
        owner, name = inner.items
        if is_node(owner, 'name') and isinstance(name, str):
            found = Node('made', node.items, Node('name', head=f'{owner.head}.{name[:200]}'))
            found.state, found.members, found.pairs = node.state, node.members, node.pairs
            return found
    return node


def _path(node: Node) -> str:
    return node.head.head if is_node(node.head, 'name') else ''


def _clock(raw: bytes) -> list[Any]:
    """Hour, minute, second, microsecond, without the last that are 0."""
    found = [raw[0] & 0x7F, raw[1], raw[2], int.from_bytes(raw[3:6], 'big')]
    while len(found) > 2 and not found[-1]:
        found.pop()
    return found


def _zone(args: list[Any]) -> list[tuple[Any, Any]]:
    return [('tzinfo', args[1])] if len(args) > 1 else []


def _datetime(node: Node) -> Shown:
    raw = raw_bytes(node.items[0])
    if raw is None or len(raw) != 10:
        return None
    day = [raw[0] * 256 + raw[1], raw[2] & 0x7F, raw[3]]
    return 'datetime', day + _clock(raw[4:]), _zone(node.items)


def _date(node: Node) -> Shown:
    raw = raw_bytes(node.items[0])
    return None if raw is None or len(raw) != 4 else ('date', [raw[0] * 256 + raw[1], raw[2], raw[3]], [])


def _time(node: Node) -> Shown:
    raw = raw_bytes(node.items[0])
    return None if raw is None or len(raw) != 6 else ('time', _clock(raw), _zone(node.items))


def _timedelta(node: Node) -> Shown:
    values = node.items[:3]
    if len(values) != 3 or not all(isinstance(value, int) for value in values):
        return None
    named_ = zip(('days', 'seconds', 'microseconds'), values, strict=True)
    return 'timedelta', [], [(name, value) for name, value in named_ if value]


def _timezone(node: Node) -> Shown:
    delta = node.items[0]
    if len(node.items) == 1 and is_node(delta, 'made') and delta.items and not any(delta.items):
        return 'timezone.utc'
    return None


def _uuid(node: Node) -> Shown:
    value = {key: value for key, value in named(node) if isinstance(key, str)}.get('int')
    return 'UUID', [str(UUID(int=value))], []


def _path_of(node: Node) -> Shown:
    parts = [part for part in node.items[:100] if isinstance(part, str)]
    if not parts or len(parts) != len(node.items):
        return None
    lead, rest = (parts[0], parts[1:]) if parts[0].endswith('/') else ('', parts)
    return flat_name(_path(node)), [lead + '/'.join(rest)], []


def _encode(node: Node) -> Shown:
    raw = raw_bytes(node)
    if raw is None:
        return None
    return repr(raw) if len(raw) <= 300 else f'{raw[:300]!r}... ({len(raw):,} bytes)'


def _partial(node: Node) -> Shown:
    state = node.state
    if not is_node(state, 'tuple') or len(state.items) != 4 or not is_node(state.items[1], 'tuple'):
        return None
    func, args, kwargs, _ = state.items
    return 'functools.partial', [func, *args.items[:1000]], named(kwargs)


def _zoneinfo(node: Node) -> Shown:
    return 'ZoneInfo', node.items[:1], []


KNOWN: dict[str, Callable[[Node], Shown]] = {
    'datetime.datetime': _datetime,
    'datetime.date': _date,
    'datetime.time': _time,
    'datetime.timedelta': _timedelta,
    'datetime.timezone': _timezone,
    'uuid.UUID': _uuid,
    **dict.fromkeys(['_codecs.encode', 'builtins.bytes', '__builtin__.bytes'], _encode),
    'functools.partial': _partial,
    'zoneinfo.ZoneInfo._unpickle': _zoneinfo,
    **dict.fromkeys(
        [f'{module}.{name}' for module in ('pathlib', 'pathlib._local')
         for name in ('PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath', 'Path', 'PurePath')],
        _path_of,
    ),
}  # fmt: skip
