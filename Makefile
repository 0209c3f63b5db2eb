# Thin on purpose: each target is a line that the README also gives without make.
PYTHON ?= python3
BIN := .venv/bin
export ASSESSOR_DATA_DIR ?= .data
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help run test check bench bench-people bench-measurement lock

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 20

run: .venv/run ## start Assessor on HOST and PORT (127.0.0.1:5000), with its worker and a demo workspace
	@exec $(BIN)/assessor serve

check: .venv/test ## lint, types, architecture and unit tests, in under two minutes
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/assessor content lint
	$(BIN)/pytest -q -n 2 -m "not browser and not postgres and not slow"

test: .venv/test ## everything: static checks, unit, service (SQLite and PostgreSQL), web and browser tests
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/assessor content lint
	$(BIN)/pytest -n 2 --dist loadgroup

bench: .venv/test ## measure the costs of an analysis as ratios of one run
	$(BIN)/python benchmarks/cold.py

bench-people: .venv/test ## measure what levels of one person and of a team cost
	$(BIN)/python benchmarks/people.py

bench-measurement: .venv/test ## simulate people and write into docs/scoring.md what the model reaches; takes minutes
	$(BIN)/python benchmarks/into_docs.py

lock: ## write the lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra editable --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.txt
	uv pip compile pyproject.toml --extra editable --extra test --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-test.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Assessor needs Python 3.11 or newer; say which with: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv

.venv/run: requirements.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q --require-hashes -r requirements.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/test: requirements-test.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q --require-hashes -r requirements-test.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@ .venv/run
