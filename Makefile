# make dev | demo | check | lint | test | test-all | bench | docs | build
# A fresh machine needs Python 3.11 or later, git and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Apart: it wants other versions of what we need.
SMK    := $(VENV)/tools/snakemake
T      ?= tests
K      ?=

.DEFAULT_GOAL := help
.PHONY: help dev demo check fix lint test test-slow test-all golden bench docs build clean

help:            ## say what there is
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

dev: $(STAMP)    ## set up the environment in .venv

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	test -x $(SMK)/bin/python || $(PYTHON) -m venv $(SMK)
	$(SMK)/bin/python -m pip install --quiet --disable-pip-version-check 'snakemake>=9'
	@touch $@

demo: $(STAMP)   ## check a crate that holds, and one that does not; make one of a run
	$(BIN)/reverify check --offline fixtures/crates/intact
	@echo
	$(BIN)/reverify check --offline fixtures/crates/fixity-wrong-sha256; test $$? -eq 1
	PATH="$(CURDIR)/$(BIN):$$PATH" fixtures/demo.sh

check: lint test ## what must pass before a commit

fix: $(STAMP)    ## format, and mend what can be mended without thinking
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP)   ## style, types, walls between rooms, generated files fresh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

test: $(STAMP)   ## fast and offline: T=path K=name
	$(BIN)/python -m pytest -n 3 -m 'not slow and not long' $(T) $(if $(K),-k '$(K)')

test-slow: $(STAMP) ## what `make test` leaves out, save for the longest
	$(BIN)/python -m pytest -n 3 -m 'slow and not long' $(T)

test-all: $(STAMP) ## everything but the benchmarks
	$(BIN)/python -m pytest -n 2 $(T)

golden: $(STAMP) ## write the expected reports anew; then read the diff
	$(BIN)/python -m pytest tests/golden --golden-rewrite

bench: $(STAMP)  ## measure, side by side with the peers
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.registry
	$(BIN)/python -m tests.benchmarks.fetch
	$(BIN)/python -m tests.benchmarks.comparing
	$(BIN)/python -m tests.benchmarks.audits --small
	$(BIN)/python -m tests.benchmarks.conformance

docs: $(STAMP)   ## make the generated pages
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/examples.py

build: $(STAMP)  ## wheel and sdist in dist/
	$(BIN)/python -m pip install --quiet build
	$(BIN)/python -m build

clean:           ## remove the environment and what was built
	rm -rf $(VENV) dist build
