# `make run` starts the demo, `make test` runs the tests. Everything else is for people who work on Greenroom.
PYTHON ?= python3
PORT ?= 8000
export PORT
UV := .tools/bin/uv
VENV := .venv/bin
FRONTEND := $(shell find frontend -path frontend/node_modules -prune -o -type f -print) \
            $(shell find src/greenroom -name '*.html')
BUILT := src/greenroom/web/static/build/manifest.json

.PHONY: run test test-postgres check format bench docs clean
.DEFAULT_GOAL := run

run: .venv/.runtime $(BUILT)
	@$(VENV)/greenroom serve

test: .venv/.dev $(BUILT)
	@$(VENV)/pytest -n auto --dist loadgroup

test-postgres: .venv/.dev $(BUILT)
	@GREENROOM_TEST_DATABASE_URL=$${GREENROOM_TEST_DATABASE_URL:?name a database, such as postgres://user@127.0.0.1/greenroom} \
	  $(VENV)/pytest -n auto --dist loadgroup

check: .venv/.dev $(BUILT)
	@scripts/check.sh

format: .venv/.dev
	@$(VENV)/ruff format src tests scripts
	@$(VENV)/ruff check --fix src tests scripts

bench: .venv/.dev $(BUILT)
	@for bench in tests/load/bench_*.py; do $(VENV)/python $$bench || exit 1; done

docs: .venv/.dev
	@$(VENV)/python -m greenroom.config.variables

clean:
	rm -rf .venv .tools frontend/node_modules src/greenroom/web/static/build

.tools/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Greenroom needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.8
	@touch $@

.venv/.runtime: .tools/.uv pyproject.toml uv.lock
	@UV_PYTHON_DOWNLOADS=never $(UV) sync --quiet --frozen --inexact --python $(PYTHON)
	@touch $@

.venv/.dev: .tools/.uv pyproject.toml uv.lock
	@UV_PYTHON_DOWNLOADS=never $(UV) sync --quiet --frozen --inexact --python $(PYTHON) --all-extras --group dev
	@touch $@ .venv/.runtime

$(BUILT): .tools/.uv $(FRONTEND)
	@scripts/build_frontend.sh
