"""Just enough of the Redis protocol (RESP 2 and 3) to see where a value ends and which command a request is."""

from __future__ import annotations

__all__ = ['Frames', 'command_of']


class Frames:
    """Cuts a stream of bytes into whole RESP values, each value once however many chunks it came in."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._missing = 1

    def feed(self, data: bytes) -> list[bytes]:
        """The values that are complete now, as raw bytes."""
        self._buffer += data
        frames = []
        while self._scan():
            frames.append(bytes(self._buffer[: self._scanned]))
            del self._buffer[: self._scanned]
            self._scanned, self._missing = 0, 1
        return frames

    def _scan(self) -> bool:
        while self._missing:
            end = self._buffer.find(b'\r\n', self._scanned)
            if end < 0:
                return False
            kind, after = self._buffer[self._scanned : self._scanned + 1], end + 2
            more = 0
            if kind in b'$=!*~>%|':
                size = int(self._buffer[self._scanned + 1 : end])
                if kind in b'$=!' and size >= 0:
                    after += size + 2
                    if len(self._buffer) < after:
                        return False
                elif kind in b'*~>':
                    more = max(size, 0)
                elif kind in b'%|':
                    # An attribute is followed by the value that it describes, so it does not count as one itself.
                    more = 2 * size + (kind == b'|')
            self._scanned, self._missing = after, self._missing - 1 + more
        return True


def command_of(raw: bytes) -> str:
    """The command's name in capitals, for a RESP array or an inline request."""
    name = raw.split(b'\r\n', 3)[2] if raw.startswith(b'*') else raw.split(None, 1)[0] if raw.strip() else b''
    return name.decode('latin-1').upper()
