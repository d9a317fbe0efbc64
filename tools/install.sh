#!/usr/bin/env bash
# Makes the virtual environment: the pinned dependencies with their hashes, then this project in place.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Python 3.11 or later is needed; $("$python" --version) was found. Set PYTHON=/path/to/python3.11." >&2; exit 3; }
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "Python's venv module is missing; installing the Debian package python3-venv ..."
  if [ "$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
  else echo "Run: sudo apt-get install python3-venv" >&2; exit 3; fi
fi
echo "Installing into $venv (about half a minute) ..."
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
