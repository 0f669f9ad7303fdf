# `make demo` and `make test` are enough on a fresh Debian or Ubuntu: each sets up what it needs first.
#
#   PYTHON=python3.12       the interpreter the environment is made with (3.11 to 3.13)
#   PIP_EXTRA_INDEX_URL=... and every other setting of pip is honoured
#   UNLOCKED=1              the tested versions, but in whatever builds pip finds, and not by their hashes: with
#                           PyTorch's index of CPU builds in PIP_EXTRA_INDEX_URL this saves gigabytes
#   ARGS=...                passed on by demo, test and bench
#   WORKERS=1               how many processes run the tests; 0 runs them in pytest's own, as --pdb needs it

VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.setup-stamp
TOOLS := .venv-tools
TOOLS_STAMP := $(TOOLS)/.setup-stamp
# A plain name, so that a python3 installed by the set-up itself is found.
PYTHON ?= python3
WORKERS ?= 2
# Bars for a reader, silence but for errors in a log.
PIP_QUIET := $(shell [ -t 2 ] || echo -qq)
export PYTHON
PIP_INSTALL = $(VENV_PYTHON) -m pip install $(PIP_QUIET) --disable-pip-version-check
define CHECK_PYTHON
$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Lipstream needs Python 3.11 to 3.13, \
and $(PYTHON) is " + sys.version.split()[0] + ": try again with PYTHON=python3.12, or whichever you have")'
endef

.PHONY: help setup demo test lint bench docs size release lock resolve audit sbom wheel lint-docker clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    live captions, lips and face on a recorded talking head; outputs in demo_output/"
	@echo "make test    all tests"
	@echo "make lint    ruff and mypy"
	@echo "make bench   latency and speed on this machine"
	@echo "make setup   only the environment in $(VENV) and the models"
	@echo "make docs    the documentation as a site, strictly, in build/site"
	@echo "make size    what a small installation takes, in a fresh environment; fails above 900 MB"
	@echo "make release looks whether a release is ready, and builds it; ARGS=--tag makes the tag"
	@echo "make wheel   wheel and source distribution in dist/"
	@echo "make sbom    software bill of materials (CycloneDX) in dist/"
	@echo "make audit   known vulnerabilities of the locked dependencies; needs the network"
	@echo "make lock    lock the dependencies anew; make resolve shows that they resolve for every Python"
	@echo "make lint-docker   the Dockerfile"
	@echo "make clean   remove the environment and everything built (not the models in the user's cache)"

setup: $(STAMP)

demo: setup
	$(VENV_PYTHON) main.py demo $(ARGS)

test: setup
	@if [ -n "$$CI" ]; then scripts/system_packages.sh --with-tests; fi
	$(VENV_PYTHON) -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

lint: setup
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) scripts/type_tree.py
	$(VENV_PYTHON) -m mypy

bench: setup
	$(VENV_PYTHON) bench/latency.py $(ARGS)

docs: setup
	NO_MKDOCS_2_WARNING=1 $(VENV_PYTHON) -m mkdocs build --strict $(ARGS)

# Needs no setup: it makes an environment of its own.
size:
	$(PYTHON) scripts/install_size.py --extras web --most 900 $(ARGS)

release: setup
	$(VENV_PYTHON) scripts/release.py $(ARGS)

wheel: setup
	$(VENV_PYTHON) -m build --no-isolation

sbom: setup
	$(VENV_PYTHON) scripts/sbom.py

lock: $(TOOLS_STAMP)
	UV=$(TOOLS)/bin/uv scripts/lock.sh

resolve: $(TOOLS_STAMP)
	@UV=$(TOOLS)/bin/uv scripts/lock.sh --resolve

audit: $(TOOLS_STAMP)
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements/lock.txt $(ARGS)

lint-docker: $(TOOLS_STAMP)
	$(TOOLS)/bin/hadolint Dockerfile

$(STAMP): pyproject.toml setup.py requirements/tested.txt requirements/lock.txt requirements/bootstrap.txt \
		scripts/system_packages.sh
	@! command -v $(PYTHON) >/dev/null || $(CHECK_PYTHON)
	@scripts/system_packages.sh
	@$(CHECK_PYTHON)
	@echo "Setting up $(VENV): the first time takes some minutes and some gigabytes (torch)"
	@$(PYTHON) -m venv $(VENV)
ifdef UNLOCKED
	@$(PIP_INSTALL) --constraint requirements/tested.txt --upgrade pip
	@$(PIP_INSTALL) --constraint requirements/tested.txt --editable '.[dev]'
else
	@$(PIP_INSTALL) --require-hashes --requirement requirements/bootstrap.txt
	@$(PIP_INSTALL) --require-hashes --no-build-isolation --requirement requirements/lock.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
endif
	@$(VENV_PYTHON) main.py models pull
	@touch $@

$(TOOLS_STAMP): requirements/tools.txt
	@$(CHECK_PYTHON)
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLS) build dist *.egg-info demo_output .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
