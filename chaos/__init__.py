"""Random faults against real processes, and a checker that compares what happened with what was promised.

`make chaos` is a run of 90 seconds, `make chaos-long` one of 15 minutes that writes docs/chaos.md; `python -m chaos --help`.
Way through it: plan.py (a seed is a plan) -> harness.py (server, proxy, workers, producer) -> faults.py (what is done to
them) -> jobs/ (what runs, and writes down that it did) -> ledger.py, check.py (what became of it) -> report.py.
"""
