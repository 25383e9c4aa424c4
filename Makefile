# Every target makes its own environment first: `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# A uv on the PATH is used; otherwise one is installed into .boot/, next to nothing else.
UV     := $(shell command -v uv 2>/dev/null || echo .boot/bin/uv)
PYTEST := $(BIN)/python -m pytest -n auto -q

export UV_PYTHON_DOWNLOADS = never

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check format bench lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(STAMP)  ## 240 numbers, three weeks, under a minute, on a simulated Graph API
	@$(BIN)/onboarding demo

test: check  ## the checks, then the test-suite
	$(PYTEST) -m "not slow"

test-all: check  ## everything, the longer proofs included
	$(PYTEST) --timeout 900

check: $(STAMP)  ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## ratios taken side by side in one run
	$(BIN)/python -m benchmarks

lock: .boot/bin/uv  ## resolve the dependencies again
	$(UV) pip compile -q --universal --generate-hashes --no-header --upgrade --group dev pyproject.toml -o requirements.lock

clean:  ## remove what make made
	rm -rf .venv .boot .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.boot/bin/uv:
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .boot uv \
	  || echo "uv could not be installed; going on with venv and pip"

$(STAMP): pyproject.toml requirements.lock $(filter .boot/bin/uv,$(UV))
	@echo "Setting up $(VENV) ..."
	@rm -rf $(VENV)
	@if [ -x "$$(command -v $(UV))" ]; then \
	  $(UV) venv --quiet --python $(PYTHON) $(VENV) \
	  && $(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock \
	  && $(UV) pip install --quiet --python $(BIN)/python --no-deps --editable . ; \
	else \
	  $(PYTHON) -m venv $(VENV) \
	  && $(BIN)/pip install --quiet --require-hashes -r requirements.lock \
	  && $(BIN)/pip install --quiet --no-deps --editable . ; \
	fi
	@touch $(STAMP)
