"""The article, step by step (`article.md`), on real processes and with its scripts unchanged (`examples/article/`).

The scripts say `Redis()` and so mean localhost:6379. That port may be in use, and rows run side by side, so each process
of these tests runs with `localhost/sitecustomize.py` on its PYTHONPATH: whoever connects to port 6379 is led to the
server of the test. Scripts, commands and their messages stay as they are (a network namespace would need root).

Rows 17 and 18 (rq-dashboard) are not here: the dashboard comes with an issue of its own.
"""
