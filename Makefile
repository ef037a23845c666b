# Needs only Python 3.11 or later and make. Everything is installed into .venv.
# Another interpreter: make test PYTHON=/path/to/python3.13

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# How many processes run the tests that do not measure time; they wait for a good part of it.
JOBS ?= 4
# The first interpreter that really runs and is new enough (a pyenv shim may be there and fail).
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: demo test check lint bench bench-all chaos chaos-long faults model-long clean help

demo: $(VENV)/.installed ## count the words of your Python installation with jobs (under a minute)
	@$(BIN)/python examples/demo/run.py

# Both runs always take place, and each ends with its own line of counts.
test: $(VENV)/.installed-dev ## run every test, on a real server of its own
	@status=0; \
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder -m 'not serial' || status=1; \
	$(BIN)/python -m pytest -q -n 0 -m serial || status=1; \
	exit $$status

check: lint ## format, lint, types, and the rules of the architecture
	$(BIN)/python -m pytest -q tests/architecture

lint: $(VENV)/.installed-dev ## format, lint and types alone; the rules of the architecture are among the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev ## measure side by side with RQ 3.0.0 (20 minutes; installs it in a venv of its own)
	@$(BIN)/python -m bench

bench-all: $(VENV)/.installed-dev ## measure side by side with every other queue for Python on Redis (venvs of their own)
	@$(BIN)/python -m bench.all

chaos: $(VENV)/.installed-dev ## 90 seconds of random faults on real processes, and whether every promise was kept
	@$(BIN)/python -m chaos $(if $(SEED),--seed $(SEED))

chaos-long: $(VENV)/.installed-dev ## 15 minutes of it: each fault alone, then five storms; writes docs/chaos.md
	@$(BIN)/python -m chaos --long

# At a fault point everybody mostly waits for a lease to end, so that twice as many run side by side.
faults: $(VENV)/.installed-dev ## every fault of docs/guarantees.md, and one at each of the fault points (ten minutes); writes its table
	@status=0; export RQ_TEST_FAULTS=all; \
	$(BIN)/python -m pytest -q -n $$((2 * $(JOBS))) --junitxml=.faults-points.xml tests/faults/test_points.py || status=1; \
	$(BIN)/python -m pytest -q -n $(JOBS) --junitxml=.faults.xml $$($(BIN)/python -m tests.faults.matrix --tests) || status=1; \
	$(BIN)/python -m tests.faults.matrix .faults.xml .faults-points.xml; exit $$status

model-long: $(VENV)/.installed-dev ## 5,000 long lives of the store against its model in plain Python (half an hour or more)
	MODEL_EXAMPLES=$${MODEL_EXAMPLES:-5000} MODEL_STEPS=$${MODEL_STEPS:-100} $(BIN)/python -m pytest -q -n 0 -o faulthandler_timeout=0 tests/model/test_model.py

clean: ## remove the environments and what the tools left behind
	rm -rf .venv .venv-* bench/.venvs tests/clients/.venvs bench/.last build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamps are written last: an interrupted installation is repeated, a finished one is not.
$(VENV)/.installed: pyproject.toml | $(VENV)/.created
	@echo 'Installing packhorse and its dependencies into $(VENV) (about half a minute) ...'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[all]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.created
	@echo 'Installing packhorse and its tools into $(VENV) (about a minute) ...'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[all,dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.created:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or later is needed; say which with PYTHON=...' >&2; exit 1; }
	@echo 'Creating $(VENV) with $(PYTHON) ...'
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
