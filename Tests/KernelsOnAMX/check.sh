#!/usr/bin/env bash
# Runs the tests of tensors on the kernels for Intel's matrix units, which are emulated: see
# Sources/Kernels/emulated_tiles.h. Needs a processor with AVX-512 and bf16.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/bootstrap.sh

swift test -c release --scratch-path .build-amx -Xcc -DLAM_EMULATED_TILES --filter TensorTests "$@"
