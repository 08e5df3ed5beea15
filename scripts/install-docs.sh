#!/usr/bin/env bash
# Writes the manual page and the completions of a built program below a folder such as /usr/local/share.
# Usage: install-docs.sh PROGRAM SHARE
set -euo pipefail
program=$1
share=$2
mkdir -p "$share/man/man1" "$share/bash-completion/completions" "$share/zsh/site-functions" \
    "$share/fish/vendor_completions.d"
"$program" manual >"$share/man/man1/lam.1"
"$program" --generate-completion-script bash >"$share/bash-completion/completions/lam"
"$program" --generate-completion-script zsh >"$share/zsh/site-functions/_lam"
"$program" --generate-completion-script fish >"$share/fish/vendor_completions.d/lam.fish"
