"""RQ as released, from a virtual environment of its own; its API is ours, so the lines are the same."""

from __future__ import annotations

from _public_api import main  # type: ignore[import-not-found]

if __name__ == '__main__':
    main()
