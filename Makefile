# make run and make test do all their own set-up; make help lists the rest.
# What was set up leaves a stamp inside itself and is done again when the file it came from changes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# What was compiled once is there for every process that the tests start.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-input --no-user
FLASK := $(BIN)/flask --app wsgi
LOCK := $(BIN)/pip-compile --quiet --strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-find-links
TRANSLATIONS := translations/messages.pot
CLIENTS := tests/clients/.venv/.made tests/clients/node_modules/.package-lock.json

.PHONY: help run demo test bench servers gunicorn check types lock migrate translations clean

help:  ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: .venv/.run  ## Set up what is missing and serve the portal at http://localhost:8000 (PORT=… for another port)
	@LOG_LEVEL=WARNING $(FLASK) db upgrade
	@LOG_LEVEL=WARNING $(FLASK) seed
	@exec $(BIN)/gunicorn -c gunicorn.conf.py wsgi:app

demo: .venv/.run  ## Serve the portal beside stand-ins of Google, Kakao, Naver and Discord, offline (ARGS="--fresh")
	@exec $(BIN)/python -m examples.providers.demo $(ARGS)

test:  ## Set up what is missing and run every test (ARGS="…" for pytest)
	@$(MAKE) -j4 servers .venv/.test $(CLIENTS)
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

bench: .venv/.test servers  ## Measure how fast the portal is (ARGS="--seconds 10 --store sqlite --only cd")
	@$(BIN)/python -m benchmarks.bench $(ARGS)

# Python finds what PYTHONPATH names before what is installed, also in the processes the tests start.
gunicorn: .venv/.test  ## Test the server under another gunicorn (RELEASE=26.2.0; the newest if none is named)
	@$(PIP) --upgrade --no-deps --target .venv/gunicorn-$(or $(RELEASE),newest) gunicorn$(addprefix ==,$(RELEASE))
	@PYTHONPATH="$$PWD/.venv/gunicorn-$(or $(RELEASE),newest)" $(BIN)/pytest -n auto --dist loadfile \
		tests/server tests/security/test_t_serving.py $(ARGS)

check: .venv/.test  ## Everything that must hold before a commit: style, types, architecture, tests
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(MAKE) -j5 types servers $(CLIENTS)
	@$(MAKE) test

# Beside what is waited for: packages that are on their way.
types: .venv/.test
	@$(BIN)/mypy

lock: .venv/.test  ## Write requirements*.txt anew from requirements*.in
	@$(PIP) pip-tools
	@$(LOCK) --upgrade --output-file requirements.txt requirements.in
	@$(LOCK) --upgrade --output-file requirements-otel.txt --constraint requirements.txt requirements-otel.in
	@$(LOCK) --upgrade --output-file requirements-dev.txt --constraint requirements.txt requirements-dev.in
	@$(LOCK) --upgrade --output-file tests/clients/requirements.txt tests/clients/requirements.in

migrate: .venv/.run  ## Write a migration for what changed in app/models (MESSAGE="add consents")
	@$(FLASK) db migrate --message "$(MESSAGE)"

translations: .venv/.run  ## Collect the sentences of app/ and templates/ and compile the translations
	@$(BIN)/pybabel --quiet extract -F babel.cfg --no-location --no-wrap --sort-output -k _l -k lazy_gettext -k sentence -o $(TRANSLATIONS) .
	@$(BIN)/pybabel --quiet update --no-fuzzy-matching --no-wrap -i $(TRANSLATIONS) -d translations
	@rm $(TRANSLATIONS)
	@$(BIN)/pybabel --quiet compile -d translations

clean:  ## Remove what was set up (.venv, caches); instance/ with its data and keys stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache tests/clients/node_modules tests/clients/.venv

.venv/.made:
	@.ci/provision python
	@touch $@

.venv/.run: .venv/.made requirements.txt
	@echo "Installing the requirements (once)"
	@$(PIP) -r requirements.txt
	@touch $@

.venv/.test: .venv/.made requirements-dev.txt
	@echo "Installing the requirements of the tests (once)"
	@$(PIP) -r requirements-dev.txt
	@touch $@

# After the one for Python, for packages are installed by one process at a time; with Playwright where it brings Chromium.
servers: .venv/.made $(if $(findstring ID=ubuntu,$(file </etc/os-release)),.venv/.test)
	@.ci/provision servers

# Client libraries are installed apart, as they are in the applications that use them.
tests/clients/.venv/.made: .venv/.made tests/clients/requirements.txt
	@echo "Installing the client libraries that the tests drive (once)"
	@rm -rf tests/clients/.venv
	@$(BIN)/python -m venv tests/clients/.venv
	@tests/clients/.venv/bin/pip install --quiet --disable-pip-version-check --no-input --no-user -r tests/clients/requirements.txt
	@touch $@

# npm writes this file itself. Node comes from the test requirements, so nothing has to be installed for it.
tests/clients/node_modules/.package-lock.json: .venv/.test tests/clients/package-lock.json
	@PATH="$$PWD/$(BIN):$$PATH" npm ci --prefix tests/clients --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@
