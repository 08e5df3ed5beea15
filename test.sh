#!/usr/bin/env bash
# Runs the whole test suite in release mode. Arguments go to `swift test`, for example: ./test.sh --filter Parquet
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/bootstrap.sh
source scripts/bootstrap.sh

# Formatting is checked first but reported last: a stray space should not hide what the tests say.
lint=0
if [[ -n ${CI:-} ]] && swift format --version >/dev/null 2>&1; then
    swift format lint --strict --parallel --recursive Sources Tests Package.swift || lint=$?
fi

swift test -c release "$@"
if ((lint != 0)); then
    echo "test.sh: formatting: expected no findings, got those at the top; run swift format -i -r Sources Tests" >&2
    exit "$lint"
fi
