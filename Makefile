# The one entrance. `make help` lists what there is; everything sets itself up from a clean clone.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := $(sort $(wildcard packages/*))
OURS := flext-cli flext-coordination flext-observability flext-tap-oracle-wms \
	flext-target-oracle oracle-emulator wms-emulator
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
# One more than the cores that it is meant for: tests that wait for processes leave a core idle.
WORKERS ?= 3
ONLY ?=
KEEP ?=

# Dozens of processes start in a demo, hundreds in the tests; without bytecode each one compiles 1,500 modules again.
unexport PYTHONDONTWRITEBYTECODE
# What runs side by side says all it has to say at its end, where make can do that (4.0 and later).
TOLD_APART := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export MELTANO_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: $(DEV_STAMP) ## Install everything, tools included, into .venv

.PHONY: demo
demo: $(RUN_STAMP) ## Run the main job on the emulators and compare both ends (KEEP=1 leaves them up)
	@exec $(BIN)/flext demo $(if $(KEEP),--keep)

.PHONY: test
test: $(DEV_STAMP) ## Everything that checks the project
	@$(MAKE) --no-print-directory -j3 $(TOLD_APART) lint types tidy
	@$(MAKE) --no-print-directory pytest

.PHONY: lint
lint: $(DEV_STAMP) ## Format, lint and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

.PHONY: types
types: $(DEV_STAMP) ## mypy, strict
	$(BIN)/mypy $(addsuffix /src,$(MEMBERS))

.PHONY: tidy
tidy: $(DEV_STAMP) ## House rules
	$(BIN)/pytest -q tests/tidy

.PHONY: pytest
pytest: $(DEV_STAMP) ## Unit, property, component and end-to-end tests
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup -m "not long" tests packages --ignore=tests/tidy

.PHONY: conformance
conformance: $(DEV_STAMP) ## The driver's own test suite against oracle-emulator, on both profiles
	$(BIN)/python packages/oracle-emulator/conformance

.PHONY: test-all
test-all: test conformance ## make test, then the long runs
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup -m long packages tests || [ $$? -eq 5 ]

.PHONY: bench
bench: $(DEV_STAMP) ## Run every benchmark, or ONLY=name
	$(BIN)/python -m benchmarks $(ONLY)

.PHONY: docs
docs: $(DEV_STAMP) ## Renew the reference pages and build the site into site/
	$(BIN)/python tests/docs/reference_pages.py
	$(BIN)/zensical build --strict --clean --config-file mkdocs.yml

.PHONY: pictures
pictures: $(DEV_STAMP) ## Draw docs/pictures anew from a run on the emulators
	$(BIN)/python tests/docs/pictures.py

.PHONY: format
format: $(DEV_STAMP) ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(VENV)/bin/python ## Resolve the declared dependencies into requirements/
	scripts/lock.sh

.PHONY: clean
clean: ## Remove what the targets made, the workspace's own state excepted
	rm -rf $(VENV) .uv dist site .cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	PYTHON=$(PYTHON) scripts/bootstrap.sh $(VENV)

$(RUN_STAMP): $(VENV)/bin/python requirements/run.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	scripts/install.sh $(VENV) requirements/run.txt
	@touch $@

$(DEV_STAMP): $(VENV)/bin/python requirements/dev.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	scripts/install.sh $(VENV) requirements/dev.txt
	@touch $@ $(RUN_STAMP)
