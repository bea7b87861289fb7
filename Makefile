# 接诉即办 jiesu. The two main commands are `make run` and `make test`; `make help` lists the rest.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# pytest-xdist: number of tests run at once, or auto for one a core
JOBS ?= auto
# extra arguments for pytest: make test ARGS="tests/domain -x"
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test programs lint check drill soak bench picture clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## the environment only: .venv with all packages, updated when pyproject.toml changes

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "jiesu needs Python 3.11 or newer; \`$(PYTHON)\` is $$($(PYTHON) --version 2>&1 || echo missing)." >&2; \
	  echo "Name another one: make $(firstword $(MAKECMDGOALS) setup) PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) cannot make a virtual environment; its venv module is missing (Debian: python3-venv)." >&2; \
	  rm -rf $(VENV); exit 1; }
	@echo "installing into $(VENV) (a minute or two, only when pyproject.toml has changed) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,redis,reports,aliyun]'
	@touch $@

run: $(STAMP) ## start everything on this machine, with the simulator and sample tickets; Ctrl-C stops it
	@JIESU_OWN_TERMINAL=1 JIESU_SANDBOX=$${JIESU_SANDBOX:-1} JIESU_SAMPLES=$${JIESU_SAMPLES:-1} JIESU_DATA=$${JIESU_DATA:-var} exec $(BIN)/jiesu serve

test: $(STAMP) programs ## all tests; PostgreSQL and browser tests where their programs are present or can be installed
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 -rs $(ARGS)

programs:
	@sh .ci/programs

lint: $(STAMP) ## ruff, formatting, types, the import contracts and the fences of tests/house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q -n 0 -p no:cacheprovider tests/house

check: lint test ## lint, types, import contracts, tests

drill: $(STAMP) ## ignore each setting in turn: the tests that prove it must fail
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --drill $(ARGS)

soak: $(STAMP) ## every property with many examples, every story on both engines, then the figures we aim at, as one table; QUICK=1: ten minutes
	@status=0; test -n "$(QUICK)" || \
	  $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --both-engines $(ARGS) tests/stories || status=1; \
	test -n "$(QUICK)" || \
	  $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --hypothesis-profile=soak --timeout=0 -m 'hypothesis and not soak' $(ARGS) || status=1; \
	QUICK=$(QUICK) $(BIN)/python -m pytest -n 0 --figures -m '(soak or figure) and not small' $(ARGS) || status=1; exit $$status

bench: $(STAMP) ## benchmarks, as ratios to baselines taken in the same run; SMALL=1 for a quick form
	@SMALL=$(SMALL) $(BIN)/python -m bench

picture: $(STAMP) ## generate docs/flow.mmd from the move table, docs/faults.md from the names of tests
	@$(BIN)/python -m backend.domain.state_diagram > docs/flow.mmd
	@$(BIN)/python -m tests.house.faults > docs/faults.md

clean: ## delete the environment and caches; your data under var/ stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
