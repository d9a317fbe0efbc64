#!/usr/bin/env bash
# Makes the virtual environment: the pinned dependencies with their hashes, then this project in place.
# The distribution's Python comes first: it is built with profile-guided optimisation, while one built by hand or by a
# version manager usually is not, which was measured to cost the gateway a quarter more CPU.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
python=${PYTHON:-$(if new_enough /usr/bin/python3; then echo /usr/bin/python3; else echo python3; fi)}
new_enough "$python" || {
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
