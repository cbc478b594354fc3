# Two commands: `make nightly` runs one night end to end, `make test` everything that CI runs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile --constraint constraints.txt

# Without compiled bytecode every start of Dagster costs seconds; pip would compile it on one core only.
unexport PYTHONDONTWRITEBYTECODE
export RAY_USAGE_STATS_ENABLED := 0

.PHONY: nightly up checks quick test install clean

nightly: $(VENV)/.platform
	$(VENV)/bin/huracan nightly

up: $(VENV)/.platform
	$(VENV)/bin/huracan up

install: $(VENV)/.platform

checks: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# What a change can be tried by in between: nothing that needs a server, a night or long training.
quick: checks
	$(VENV)/bin/python -m pytest -m "not server and not slow"

test: checks
	$(VENV)/bin/python -m pytest

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Huracan needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch is asked for first and by its version, so that a CPU wheel which pip is set up to find is taken.
$(VENV)/.platform: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing the pinned dependencies into $(VENV) (once; some minutes)."
	$(INSTALL) torch==2.13.0
	$(INSTALL) --editable '.[platform]'
	$(VENV)/bin/python -m compileall -qq -j 0 $(VENV)/lib huracan huracan_resources huracan_assets huracan_sensors huracan_console || true
	@touch $@

$(VENV)/.test: $(VENV)/.platform
	$(INSTALL) --editable '.[platform,test]'
	$(VENV)/bin/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@
