"""Packhorse, the working copy that this benchmark lies in."""

from __future__ import annotations

from _public_api import main  # type: ignore[import-not-found]

if __name__ == '__main__':
    main()
