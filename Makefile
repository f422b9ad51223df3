# One .venv, filled from locks with hashes; every target works on a machine that has Python 3.11+ and nothing else.
PYTHON ?= python3
TEST_PROCESSES ?= 3  # many tests wait for processes of their own
CHAOS_MINUTES ?= 10
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

.PHONY: run test test-full browser chaos check format lock clean

run: $(RUNTIME)  ## start everything and print the addresses
	@exec $(BIN)/vigil up

test: $(DEV) browser  ## the test suite, on a real server
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

test-full: $(DEV) browser  ## with the tests that take minutes
	$(BIN)/python -m pytest -m ""

browser:  ## what the tests of the dashboard look at it with
	@.ci/chromium

chaos: $(DEV)  ## minutes of killing, pausing and starving, then an account of every acknowledged notification
	$(BIN)/python -m tests.system.chaos --minutes $(CHAOS_MINUTES) $(if $(CHAOS_SEED),--seed $(CHAOS_SEED))

check: $(DEV)  ## format, lint, types, import law, dependency audit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/audit

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:  ## after a change of dependencies; needs uv
	uv pip compile pyproject.toml --extra embedded --extra build $(LOCK_OPTIONS) --output-file requirements.lock
	uv pip compile pyproject.toml --extra embedded --extra build --extra dev $(LOCK_OPTIONS) --output-file requirements-dev.lock
LOCK_OPTIONS := --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vigil needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/a/newer/python")'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP_INSTALL) --require-hashes --requirement requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml $(RUNTIME)
	$(PIP_INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
