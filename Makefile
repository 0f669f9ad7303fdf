# `make demo` and `make test` are enough on a fresh Debian or Ubuntu: each sets up what it needs first.
#
#   PYTHON=python3.12       the interpreter the environment is made with (3.11 to 3.13)
#   PIP_EXTRA_INDEX_URL=... and every other setting of pip is honoured; a CPU-only torch index saves gigabytes
#   ARGS=...                passed on by demo, test and bench

VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.setup-stamp
# A plain name, so that a python3 installed by the set-up itself is found.
PYTHON ?= python3
# Bars for a reader, silence but for errors in a log.
PIP_QUIET := $(shell [ -t 2 ] || echo -qq)
export PYTHON
define CHECK_PYTHON
$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Lipstream needs Python 3.11 to 3.13, \
and $(PYTHON) is " + sys.version.split()[0] + ": try again with PYTHON=python3.12, or whichever you have")'
endef

.PHONY: help setup demo test lint bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    live captions, lips and face on a recorded talking head; outputs in demo_output/"
	@echo "make test    all tests"
	@echo "make lint    ruff and mypy"
	@echo "make bench   latency and speed on this machine"
	@echo "make setup   only the environment in $(VENV) and the models"
	@echo "make clean   remove the environment and everything built (not the models in the user's cache)"

setup: $(STAMP)

demo: setup
	$(VENV_PYTHON) main.py demo $(ARGS)

test: setup
	@if [ -n "$$CI" ]; then scripts/system_packages.sh --with-tests; fi
	$(VENV_PYTHON) -m pytest $(ARGS)

lint: setup
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m mypy

bench: setup
	$(VENV_PYTHON) bench/latency.py $(ARGS)

$(STAMP): pyproject.toml requirements/tested.txt scripts/system_packages.sh
	@! command -v $(PYTHON) >/dev/null || $(CHECK_PYTHON)
	@scripts/system_packages.sh
	@$(CHECK_PYTHON)
	@echo "Setting up $(VENV): the first time takes some minutes and some gigabytes (torch)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV_PYTHON) -m pip install -qq --disable-pip-version-check --constraint requirements/tested.txt --upgrade pip
	@$(VENV_PYTHON) -m pip install $(PIP_QUIET) --constraint requirements/tested.txt --editable '.[dev]'
	@$(VENV_PYTHON) main.py models pull
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info demo_output .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
