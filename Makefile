# Everything here sets itself up: it needs Python 3.11 or newer, git and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
DEMO_KEY := $(or $(TMPDIR),/tmp)/taxiway-demo-$(shell id -u)/sealing-key.pem

.PHONY: demo test test-deep test-forge test-all format lint types check rules bench test-cluster cluster-shell cluster-demo lock clean

$(VENV)/ready: tests/requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "taxiway needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/ready  ## an example environment repo in demo/, with a release promoted and rolled back
	@GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.com \
	PATH="$(CURDIR)/$(BIN):$$PATH" sh tests/tour.sh "$(CURDIR)/$(DEMO)" "$(DEMO_KEY)"

test: lint types check  ## the gate: all that CI runs

test-deep: $(VENV)/ready  ## what the gate leaves out: whole tables, kills at every write, 5,000 examples a property
	$(BIN)/pytest -n auto -m "(deep or hypothesis) and not forge" --hypothesis-profile=deep

test-forge: $(VENV)/ready  ## a real Gitea, Prism and GitLab's Go client: Go and npm; what they build is kept in ~/.cache
	$(BIN)/pytest -n auto -m forge

test-all: test test-deep test-forge  ## all but what needs a cluster

lint: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/ready
	$(BIN)/mypy

check: $(VENV)/ready
	$(BIN)/pytest -n auto

format: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

rules: $(VENV)/ready  ## docs/rules.md anew, of the docstrings of the rules
	$(BIN)/python -m tests.refresh.rules

bench: $(VENV)/ready  ## speed and memory, beside what a user would do instead
	$(BIN)/python -m tests.bench

$(VENV)/cluster-ready: tests/cluster/requirements.txt $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/cluster/requirements.txt
	touch $@

test-cluster: $(VENV)/cluster-ready  ## the tests that need a cluster, which they make: Linux, root and Go
	$(BIN)/python -m tests.cluster test

cluster-shell: $(VENV)/cluster-ready  ## a shell inside of such a cluster, which stays up
	$(BIN)/python -m tests.cluster shell

cluster-demo: $(VENV)/cluster-ready  ## the same, with an environment bootstrapped and synced, and the UI on 127.0.0.1
	$(BIN)/python -m tests.cluster demo

LOCK := $(VENV)/lock/bin/uv pip compile --universal --python-version 3.11 --upgrade --quiet --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"

lock:  ## take newer versions into the locked development set, and into the one that environment repos install
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet uv
	$(LOCK) pyproject.toml --group dev -o tests/requirements.txt
	$(LOCK) pyproject.toml --extra kubectl --constraint tests/requirements.txt -o bootstrap/data/requirements.txt
	$(LOCK) --group cluster -o tests/cluster/requirements.txt

clean:
	rm -rf $(VENV) $(DEMO) $(DEMO).git dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
