#!/usr/bin/env bash
# Other people's verifiers (tests/interop); what is missing is installed where that is possible, else told in the page.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=()
command -v xmlsec1 >/dev/null || packages+=(xmlsec1)
command -v javac >/dev/null || packages+=(default-jdk-headless)
command -v mvn >/dev/null || packages+=(maven)
[ -e /usr/share/java/xmlsec.jar ] || packages+=(libxml-security-java)
if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${packages[*]} ..."
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >/dev/null ||
    echo "could not install ${packages[*]}" >&2
fi
exec .venv/bin/python -m tests.interop.run "$@"
