#!/usr/bin/env bash
# Power cuts in recorded runs of the gateway (tests/crash/powercut.py); the recorder needs a C compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v cc >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing gcc and libc6-dev, which the recorder is built with ..."
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev; } >/dev/null ||
    echo "could not install them" >&2
fi
exec .venv/bin/python -m tests.crash.powercut "$@"
