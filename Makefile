# Everything runs in .venv, made on first use. PYTHON=python3.12 make run picks another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 5000
# Jobs given after a target: make run ARGS="distillation.temperature=2"
ARGS ?=
# make check RUN=<id> HOLDS="test/disparity<=0.05 test/accuracy>=0.83"
RUN ?=
HOLDS ?=

.DEFAULT_GOAL := help
.PHONY: help install data run ui check test test-all lint types contracts format bench bench-sweep bench-report bench-scale methods fairness picture clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "fairkd needs Python 3.11 to 3.13, this is " + sys.version'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(BIN)/.installed ## Create .venv and install fairkd with the pinned versions

data: install ## Fetch Adult into the cache (28 MB, once)
	$(BIN)/fairkd data fetch adult

run: data ## Train, distil and measure the quickstart: Adult by sex, under a minute
	$(BIN)/fairkd experiment=quickstart $(ARGS)

ui: install ## Compare runs in MLflow at http://127.0.0.1:5000 (PORT=... for another)
	$(BIN)/fairkd ui port=$(PORT) $(ARGS)

check: install ## Fail unless conditions hold of a run (RUN=<id> HOLDS="test/accuracy>=0.83 ...")
	$(BIN)/fairkd check run='$(RUN)' $(foreach condition,$(HOLDS),'$(condition)') $(ARGS)

test: lint types contracts ## Lint, types, import contracts and the fast tests (what CI runs)
	$(BIN)/pytest -n auto --dist loadfile

test-all: lint types contracts ## The same with the slow tests and those that fetch data
	$(BIN)/pytest -n auto --dist loadfile -m ""

lint: install ## Check style with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## Check types with mypy
	$(BIN)/mypy

contracts: install ## Check which room may import which, and which library
	$(BIN)/lint-imports --no-logo

format: install ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Time training against a bare PyTorch loop, the command line's start, and each distillation term
	$(BIN)/python scripts/bench_training.py
	$(BIN)/python scripts/bench_startup.py
	$(BIN)/python scripts/bench_terms.py

methods: data ## Compare every distillation method on Iris, Adult and tinted MNIST (an hour)
	$(BIN)/python scripts/compare_methods.py $(ARGS)

fairness: data ## Bounds, frontiers, temperature and missing groups on Adult, COMPAS, law school (40 minutes)
	$(BIN)/fairkd data fetch compas
	$(BIN)/fairkd data fetch law_school
	$(BIN)/python scripts/study_fairness.py $(ARGS)

bench-sweep: data ## Time sweeps: stacks, other launchers, a bare PyTorch loop (25 minutes)
	$(BIN)/python scripts/bench_sweep.py $(ARGS)

bench-report: install ## Time a report on 400 tracked runs (two minutes)
	$(BIN)/python scripts/bench_report.py $(ARGS)

bench-scale: data ## Measure a row's cost: Heritage Health beside Adult, and five million rows (10 minutes)
	$(BIN)/fairkd data fetch heritage
	$(BIN)/python scripts/bench_scale.py $(ARGS)

picture: data ## Run the sweep behind the README's picture (minutes) and draw it
	$(BIN)/python -m fairkd -m experiment=quickstart tracking.experiment=picture distillation.temperature=1,4 constraint.weight=0,0.1,0.2,0.3,0.5,0.7,1 replicate=0,1,2,3
	$(BIN)/python scripts/draw_frontier.py --experiment picture

clean: ## Remove caches and builds; results (store, outputs, mlflow.db) stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
	find fairkd tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
