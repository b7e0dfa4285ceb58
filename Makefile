# Needs make and python3 (3.11 or later, with venv). Everything else is installed here, from the locks, into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# A user's PATH on Debian has no sbin, where mosquitto lives.
export PATH := $(PATH):/usr/sbin:/usr/local/sbin

# Many tests wait for processes of their own, so one worker more than there are cores.
JOBS ?= $(shell expr `getconf _NPROCESSORS_ONLN` + 1)
ARGS ?=
FRAMES ?= 10000000
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint servers bench fuzz venv lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp ## a dock morning in small, on loopback: no server, no root, under 60 s (ARGS=--json, --keep)
	@$(BIN)/tallyman demo $(ARGS)

test: servers lint ## lint, then every test, in parallel (ARGS=… for pytest, JOBS=2)
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

coverage: servers $(VENV)/dev.stamp ## every test, and which lines none of them ran, daemons' too; takes almost twice as long
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report=term --cov-fail-under=90 $(ARGS)

lint: $(VENV)/dev.stamp ## ruff, mypy --strict, the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

servers: ## the servers and tools that tests talk to, from Debian, when root or sudo allows it
	@sh tools/install-servers.sh

bench: $(VENV)/dev.stamp servers ## the figures, one JSON object per line (ARGS=NAME…)
	@$(BIN)/python -m benchmarks $(ARGS) --json

fuzz: $(VENV)/dev.stamp ## for the night: 10 million mutated LLRP frames, then 10 min guided by coverage (FRAMES=, SECONDS=)
	@$(BIN)/python tests/fuzz/llrp_frames.py --seconds 86400 --frames $(FRAMES) --seed $$(date +%j)
	@$(BIN)/python tests/fuzz/llrp_atheris.py --seconds $(SECONDS) --corpus .fuzz

venv: $(VENV)/dev.stamp ## .venv with everything that developing needs

lock: ## compile requirements*.lock anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	UPGRADE=$(UPGRADE) sh tools/lock.sh

clean: ## what was made here, .venv too
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* .fuzz dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1); Python 3.11 or later is needed: make PYTHON=python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

# The lock holds what builds this checkout too, so that nothing is fetched without a hash; then the checkout itself.
$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --only-binary :all: --requirement requirements.lock
	$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	$(PIP) install --require-hashes --only-binary :all: --requirement requirements-dev.lock
	@touch $@
