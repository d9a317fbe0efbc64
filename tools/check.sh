#!/usr/bin/env bash
# Every check that needs no running program: format, lint, types, import contracts, and those of tools/checks.
# All run, also after one has failed; what failed is named at the end, with the command that mends or shows it.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()
step() {
  local name=$1 hint=$2; shift 2
  echo "== $name"
  "$@" || failed+=("$name: $hint")
}
step "format" "make fmt" "$bin/ruff" format --check --quiet .
step "lint" "$bin/ruff check . (make fmt mends what can be mended)" "$bin/ruff" check --quiet .
step "types" "$bin/mypy" "$bin/mypy"
step "imports" "gateway may import in one direction only: see [tool.importlinter] in pyproject.toml" \
  "$bin/lint-imports" --cache-dir .mypy_cache/import_linter
step "project" "$bin/python -m tools.checks" "$bin/python" -m tools.checks
step "generated pages" "make docs, then commit what it wrote" "$bin/python" -m tools.docs --check
if [ ${#failed[@]} -gt 0 ]; then
  echo; echo "check: failed"; printf '  %s\n' "${failed[@]}"
  exit 1
fi
echo "check: all fine"
