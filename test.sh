#!/usr/bin/env bash
# Runs the whole test suite in release mode. Arguments go to `swift test`, for example: ./test.sh --filter Parquet
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/bootstrap.sh
source scripts/bootstrap.sh

# A browser looks at the pages that `lam report` writes; without one that test is left out.
if [[ -n ${CI:-} ]] && ! command -v chromium >/dev/null; then
    lam_install_packages chromium || echo "test.sh: no browser; its test is left out" >&2
fi

# Accelerators are tested on the plugin for CPUs. Where it is missing in CI, a test fails.
bash scripts/accelerator.sh --yes cpu || echo "test.sh: no PJRT plugin for CPUs: NO TEST OF ACCELERATORS RUNS" >&2

# Formatting is checked first but reported last: a stray space should not hide what the tests say.
lint=0
if [[ -n ${CI:-} ]] && swift format --version >/dev/null 2>&1; then
    swift format lint --strict --parallel --recursive Sources Tests Package.swift || lint=$?
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
# Where nobody watches, a run that hangs is ended, and says what it was at.
limit=()
if [[ -n ${CI:-} ]]; then limit=(timeout --kill-after=60 "${LAM_TEST_SECONDS:-3600}"); fi
"${limit[@]}" swift test -c release "$@" 2>&1 | tee "$log" || failed=$?
if ((failed == 124 || failed == 137)); then
    echo "test.sh: not ended after ${LAM_TEST_SECONDS:-3600} s; begun, and neither passed nor failed:" >&2
    comm -23 \
        <(sed -nE 's/^. Test (case passing .* to )?(".*"|[A-Za-z0-9_]+\(.*\)) started\.$/\2/p' "$log" | sort -u) \
        <(sed -nE 's/^. Test (".*"|[A-Za-z0-9_]+\(.*\)) (with [0-9]+ test cases )?(passed|failed) after .*/\1/p' "$log" | sort -u) >&2
fi
if ((failed != 0)); then
    # Hundreds of tests print thousands of lines; what failed is said again where the eye ends up.
    echo "test.sh: failed:" >&2
    grep -aE '✘|error:' "$log" >&2 || true
    exit "$failed"
fi
if ((lint != 0)); then
    echo "test.sh: formatting: expected no findings, got those at the top; run swift format -i -r Sources Tests" >&2
    exit "$lint"
fi
