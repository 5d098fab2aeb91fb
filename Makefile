# Two commands for people: `make demo` and `make test`. Each installs what it needs into .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test bench chaos check proto format clean

demo: $(VENV)/service-installed
	$(BIN)/gallery demo

test: $(VENV)/dev-installed
	$(BIN)/pytest -n 2 --dist loadfile

bench: $(VENV)/dev-installed
	$(BIN)/python -m benchmarks --json build/bench.json $(BENCH)

chaos: $(VENV)/dev-installed
	CHAOS=full $(BIN)/pytest tests/chaos -n 2 --dist loadfile --timeout 3600

check: $(VENV)/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/buf format --diff --exit-code protos
	BIN=$(BIN) protos/generate.sh --check

proto: $(VENV)/dev-installed
	BIN=$(BIN) protos/generate.sh

format: $(VENV)/dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/buf format --write protos

clean:
	rm -rf $(VENV) .cache build dist

$(VENV)/python-installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/service-installed: $(VENV)/python-installed pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/dev-installed: $(VENV)/python-installed pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[export,dev]'
	touch $@ $(VENV)/service-installed
