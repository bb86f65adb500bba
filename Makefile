# Everything a person types. Needs make and Python 3.11 or newer; all else is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test lint check messages messages-update contracts chaos bench bench-forwarding bench-averages bench-assess icons lock ocr clean

PYTHON ?= python3
PORT ?= 8000
ORDERS ?= 200
SEED ?= 1
ARGS ?=
SHELL := bash
.SHELLFLAGS := -o pipefail -c
BIN := .venv/bin
SOURCES := accounts orders payments refunds services unlockshop manage.py
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po))
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r $< 2>&1 | \
	awk -f requirements/progress.awk
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

demo: .venv/.runtime $(MESSAGES) ## Set up and run the whole shop on this machine (PORT=8000)
	@$(BIN)/python -m unlockshop.demo.run --port $(PORT) $(ARGS)

demo-reset: ## Forget everything the demo has kept
	@$(PYTHON) -m unlockshop.demo.run --reset $(ARGS)

test: .venv/.dev $(MESSAGES) ## Run the tests (ARGS="-k name" narrows)
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

lint: .venv/.dev $(MESSAGES) ## Style, types, templates, layers, migrations, lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/djlint --quiet --check templates
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest tests/ops/test_repository.py

check: lint test ## All of the above

contracts: .venv/.dev $(MESSAGES) .venv/contracts/.installed ## Hold every provider call to the published contracts (needs npm)
	@$(BIN)/python -m pytest -rs tests/contracts $(ARGS)

chaos: .venv/.dev $(MESSAGES) ## Kill, flush and break things while ORDERS orders flow (SEED repeats a run)
	@$(BIN)/python -m tests.chaos.run --orders $(ORDERS) --seed $(SEED) $(ARGS)

bench: .venv/.dev $(MESSAGES) ## Measure pages, checkout and tracker beside a bare Django app (needs PostgreSQL, Redis and Chromium)
	@$(BIN)/python -m tests.bench.web.run $(ARGS)

bench-forwarding: .venv/.dev $(MESSAGES) ## Measure forwarding and polling beside a bare Celery task (needs Redis; ARGS="--database postgres")
	@$(BIN)/python -m tests.bench.forwarding $(ARGS)

bench-averages: .venv/.dev $(MESSAGES) ## Measure what a page's averages cost with a million orders (needs PostgreSQL; ARGS="--large 100000")
	@$(BIN)/python -m tests.bench.averages $(ARGS)

bench-assess: .venv/.dev $(MESSAGES) ## Count refund decisions a second beside a bare walk through a dictionary
	@$(BIN)/python -m tests.bench.assess $(ARGS)

icons: .venv/.dev ## Draw the icons anew after static/img/mark.svg has changed (needs Chromium)
	@$(BIN)/python -m tests.helpers.icons

messages: .venv/.runtime $(MESSAGES) ## Compile the texts of all languages

messages-update: .venv/.dev ## Write new and changed texts into locale/*/LC_MESSAGES/django.po
	@$(BIN)/python -m tests.helpers.messages

%.mo: %.po | .venv/.runtime
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@ --locale $(word 2,$(subst /, ,$<))

lock: .venv/.dev ## Make requirements/*.lock anew from pyproject.toml
	$(UV_COMPILE) pyproject.toml -o requirements/runtime.lock
	$(UV_COMPILE) --extra dev -c requirements/runtime.lock pyproject.toml -o requirements/dev.lock
	$(UV_COMPILE) --extra ocr -c requirements/runtime.lock pyproject.toml -o requirements/ocr.lock
	$(BIN)/python -m pytest tests/ops/test_repository.py

ocr: .venv/.ocr ## Add the libraries that read numbers from claim videos (300 MB)

.venv/.ocr: requirements/ocr.lock | .venv/bin/python
	@echo "Installing the packages that read numbers from videos into .venv (once; a minute or two) ..."
	@$(INSTALL)
	@touch $@

# Two validators from npm, pinned with hashes, none of their install scripts run.
.venv/contracts/.installed: tests/contracts/package.json tests/contracts/package-lock.json tests/contracts/.npmrc | .venv/bin/python
	@command -v npm >/dev/null || { echo "npm is needed for the contract validators, and is not installed"; exit 1; }
	@echo "Installing the contract validators into .venv/contracts (once; half a minute) ..."
	@mkdir -p $(@D) && cp $^ $(@D)/
	@cd $(@D) && npm ci --loglevel=error
	@touch $@

clean: ## Remove .venv, caches and build products; the demo's data stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis staticfiles

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv .venv

.venv/.runtime: requirements/runtime.lock | .venv/bin/python
	@echo "Installing the packages the shop needs into .venv (once; a minute or two) ..."
	@$(INSTALL)
	@touch $@

.venv/.dev: requirements/dev.lock | .venv/bin/python
	@echo "Installing the packages and tools for development into .venv (once; a few minutes) ..."
	@$(INSTALL)
	@touch $@ .venv/.runtime
