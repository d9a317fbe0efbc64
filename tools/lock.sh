#!/usr/bin/env bash
# Pins every dependency with its hashes into requirements.lock (run and development alike), for Python 3.11 and later.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "lock: uv is needed (pip install uv)" >&2; exit 3; }
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-header --extra dev --extra pkcs11 pyproject.toml -o requirements.lock
# the same pins without the tools of development, for the container
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-header -c requirements.lock --extra pkcs11 pyproject.toml -o deploy/requirements.lock
sed -i '1i # Pinned by `make lock` from pyproject.toml; do not edit.' requirements.lock deploy/requirements.lock
