# `make` alone lists what there is. Everything installs what it needs first; see tools/install.

# The interpreter for .venv; empty: the first python3 here that is new enough.
PYTHON ?=
# More for pytest: make test PYTEST_ARGS="-k timeline"
PYTEST_ARGS ?=
# For bench: processes of each party, rounds, seconds of each run; and more options, as --quick.
WORKERS ?= 1
ROUNDS ?= 3
SECONDS ?= 3
BENCH_ARGS ?=

export PYTHON
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help serve test bench lint format install lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# exec: Ctrl-C and SIGTERM reach the server itself, which then stops PostGIS.
serve: ## Serve on $HOST:$PORT (127.0.0.1:8000); on a PostGIS of its own unless DATABASE_URL is set
	@if [ -n "$$DATABASE_URL" ] || grep -qs '^DATABASE_URL=.' .env; then tools/install; \
	else tools/install --postgis; fi
	@exec $(BIN)/district-control serve

test: ## Check everything: the gate for a change
	@tools/install --dev --postgis
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto $(PYTEST_ARGS)

bench: ## Measure the service beside its peers and its floors; see docs/performance.md
	@tools/install --bench --postgis
	$(BIN)/python -m bench.service --workers $(WORKERS) --rounds $(ROUNDS) --seconds $(SECONDS) $(BENCH_ARGS)

lint: ## Check style, types and layers only
	@tools/install --dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## Rewrite the code in the project's style
	@tools/install --dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: ## Install everything that serving and testing need
	@tools/install --dev --postgis

lock: ## Pin the newest packages that pyproject.toml allows
	@tools/install
	tools/lock --upgrade

clean: ## Delete .venv and caches; the data in .local stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
