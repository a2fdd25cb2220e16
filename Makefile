# `make run` and `make test` on a fresh machine with Python 3.11, pip, make and git need nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# What the heavy ones need is installed for their tests alone.
HEAVY := plugins/toolkit-ray
PLUGINS := $(filter-out $(HEAVY),$(wildcard plugins/*))
READY := $(VENV)/.ready
TESTED := $(VENV)/.tested

.PHONY: install run test test-all lint types docs bench clean

install: $(READY)

$(READY): pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer, please"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e '.[dev]' $(foreach plugin,$(PLUGINS),-e './$(plugin)[test]')
	touch $(READY)

$(TESTED): $(READY) $(wildcard plugins/*/pyproject.toml)
	$(BIN)/python -m pip install --quiet $(foreach plugin,$(HEAVY),-e './$(plugin)[test]')
	touch $(TESTED)

run: install
	$(BIN)/toolkit run recipes/quickstart.toml
	$(BIN)/toolkit score

test: $(TESTED)
	$(BIN)/python -m pytest -n auto

test-all: $(TESTED)
	$(BIN)/python -m pytest -n auto -m ''

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

docs: install
	$(BIN)/python docs/generate.py

bench: $(TESTED)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/plugins.py --check
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/copies.py --check
	$(BIN)/python benchmarks/offline.py --check
	$(BIN)/python benchmarks/scale.py --check
	$(BIN)/python benchmarks/tune_economy.py
	$(BIN)/python benchmarks/tune_workers.py
	$(BIN)/python benchmarks/execute.py

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache
