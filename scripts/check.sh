#!/bin/sh
# Every gate but the tests, in the order in which they fail fastest.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
GREENROOM_DATA_DIR=$(mktemp -d)
export GREENROOM_DATA_DIR
trap 'rm -rf "$GREENROOM_DATA_DIR"' EXIT

step() { printf '%s\n' "-- $1"; }

step format; ruff format --check --quiet src tests scripts
step lint; ruff check --quiet src tests scripts
step sizes; python scripts/check_sizes.py src/greenroom
step imports; lint-imports --no-cache > "$GREENROOM_DATA_DIR/imports" || { cat "$GREENROOM_DATA_DIR/imports"; exit 1; }
step types; mypy
step migrations; greenroom makemigrations --check --dry-run
step system; greenroom migrate --verbosity 0; greenroom check --database default --fail-level WARNING
step templates; djlint --check src/greenroom >"$GREENROOM_DATA_DIR/templates" 2>&1 || { cat "$GREENROOM_DATA_DIR/templates"; exit 1; }
djlint --quiet --lint src/greenroom
step docs; python scripts/check_docs.py
echo "all checks passed"
