"""`python -m rq.cli` is `rq`."""

from __future__ import annotations

from rq.cli import main

if __name__ == '__main__':
    main(prog_name='rq')
