# `make help` lists what can be made. Everything runs inside .venv, from requirements locked with hashes.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
NOT_PLAIN := clients or browser
PYTEST := $(BIN)/python -m pytest

##@ Use
run: $(RUN_STAMP) ## serve portal, API and registry on http://localhost:8080, in the foreground
	@exec $(BIN)/python manage.py serve

demo: $(RUN_STAMP) ## fill a running harborweb's database with example projects
	$(BIN)/python manage.py seed_demo

##@ Test
# --keep-going: after a red suite the others still tell what they know.
test: $(DEV_STAMP) system ## install what the tests need and run them all
	@$(MAKE) --keep-going lint test-sqlite test-postgres test-clients test-browser

LINTERS := lint-format lint-code lint-arrows lint-templates lint-types lint-migrations
lint: $(DEV_STAMP) ## style, types, direction of imports, templates, migrations
	@$(MAKE) --keep-going $(LINTERS)
lint-format:
	$(BIN)/ruff format --check --quiet .
lint-code:
	$(BIN)/ruff check .
lint-arrows:
	$(BIN)/lint-imports --no-logo
lint-templates:
	$(BIN)/djlint templates --quiet --check --lint
lint-types:
	$(BIN)/mypy
lint-migrations:
	$(BIN)/python manage.py makemigrations --check --dry-run

test-sqlite: $(DEV_STAMP) ## units and services on SQLite, with branch coverage
	$(PYTEST) -n auto -m "not ($(NOT_PLAIN))" --cov --cov-report=term

test-postgres: $(DEV_STAMP) ## the same tests on a PostgreSQL that is started for them
	$(BIN)/python -m harborweb.tests.postgres -- $(PYTEST) -n auto -m "not ($(NOT_PLAIN))"

test-clients: $(DEV_STAMP) ## real clients against a real server: skopeo, podman, nginx ...; conformance on PostgreSQL, too
	$(PYTEST) -m clients
	$(BIN)/python -m harborweb.tests.postgres -- $(PYTEST) registry/tests/conformance -m clients

test-browser: $(DEV_STAMP) ## the portal in Chromium, with axe
	$(PYTEST) -m browser

bench: $(DEV_STAMP) system ## speed against docker-registry; PEER=path adds another registry binary
	$(BIN)/python -m bench $(if $(PEER),--peer $(PEER))

##@ Change
fmt: $(DEV_STAMP) ## format code and templates
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/djlint templates --quiet --reformat || true

migrations: $(DEV_STAMP) ## write the migrations that the models ask for
	$(BIN)/python manage.py makemigrations

COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: $(DEV_STAMP) ## pin requirements*.in anew (UPGRADE=1 takes newer versions)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements.txt requirements.in
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements-dev.txt requirements-dev.in

clean: ## remove the virtual environment and every cache, but never ./data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- what the above stand on -----------------------------------------------------------------------------------
$(BIN)/python:
	@scripts/venv $(VENV)

# --no-deps: the lock names all there is, and pip's resolver would look past it (for "coverage[toml]" it takes the
# newest release, which has no hash here, as soon as there is one).
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

# A stamp is newer than its lock file or the lock file is installed again: a second start takes no time.
$(RUN_STAMP): requirements.txt | $(BIN)/python
	@echo "harborweb: installing requirements.txt into $(VENV)"
	@$(INSTALL) -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(RUN_STAMP)
	@echo "harborweb: installing requirements-dev.txt into $(VENV)"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

system:
	@scripts/system-packages

.PHONY: run demo test lint $(LINTERS) test-sqlite test-postgres test-clients test-browser bench fmt migrations lock clean help system
