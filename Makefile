# Every target makes its own environment first: `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Where the peers live that `make bench` compares with; nothing else makes or needs it.
BENCH  := .bench
PEERS  := benchmarks/peers/requirements.lock
# A uv on the PATH is used; otherwise one is installed into .boot/, next to nothing else.
UV     := $(shell command -v uv 2>/dev/null || echo .boot/bin/uv)
# Many tests wait for processes and for real seconds: one more of them runs than there are cores,
# and whoever is done takes over what the others have not begun.
PYTEST := $(BIN)/python -m pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist worksteal -q

export UV_PYTHON_DOWNLOADS = never

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check format bench lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(STAMP)  ## 240 numbers, three weeks, about a minute, on a simulated Graph API
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

bench: $(STAMP) $(BENCH)/.installed  ## ratios taken side by side in one run
	$(BIN)/python -m benchmarks

lock: .boot/bin/uv  ## resolve the dependencies again
	$(UV) pip compile -q --universal --generate-hashes --no-header --upgrade --group dev pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --generate-hashes --no-header --upgrade --group bench -o $(PEERS)

clean:  ## remove what make made
	rm -rf .venv .bench .boot .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.boot/bin/uv:
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .boot uv \
	  || echo "uv could not be installed; going on with venv and pip"

# $(call environment,FOLDER,LOCK): a new environment with what the lock file lists, and nothing else.
define environment
	@echo "Setting up $(1) ..."
	@rm -rf $(1)
	@if [ -x "$$(command -v $(UV))" ]; then \
	  $(UV) venv --quiet --python $(PYTHON) $(1) \
	  && $(UV) pip install --quiet --python $(1)/bin/python --compile-bytecode --require-hashes -r $(2) ; \
	else \
	  $(PYTHON) -m venv $(1) \
	  && $(1)/bin/pip install --quiet --require-hashes -r $(2) ; \
	fi
endef

$(STAMP): pyproject.toml requirements.lock $(filter .boot/bin/uv,$(UV))
	$(call environment,$(VENV),requirements.lock)
	@if [ -x "$$(command -v $(UV))" ]; then \
	  $(UV) pip install --quiet --python $(BIN)/python --no-deps --editable . ; \
	else \
	  $(BIN)/pip install --quiet --no-deps --editable . ; \
	fi
	@touch $(STAMP)

$(BENCH)/.installed: $(PEERS) $(filter .boot/bin/uv,$(UV))
	$(call environment,$(BENCH),$(PEERS))
	@touch $@
