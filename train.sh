#!/usr/bin/env bash
# Builds `lam` and trains. See usage below, or README.md.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: ./train.sh [CONFIG] [OVERRIDE...]

Installs missing system packages, builds lam, and runs `lam fit --config CONFIG OVERRIDE...`.

  CONFIG      a YAML file; config/quickstart.yaml when the first argument is missing or starts with '-'
  OVERRIDE    a configuration key and its value, as lam takes them, for example
              --trainer.max_steps 1000 --data.batch_size 16

Output also goes to lam.log in the repository. Ctrl-C and SIGTERM reach lam; the exit code is lam's.
Threads: OMP_NUM_THREADS, by default all cores.
USAGE
}

case "${1:-}" in
-h | --help)
    usage
    exit 0
    ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=config/quickstart.yaml
if [[ $# -gt 0 && $1 != -* ]]; then
    config=$1
    # A path relative to where the user stands keeps its meaning below.
    if [[ $config != /* && -e $config ]]; then config=$PWD/$config; fi
    shift
fi
cd "$root"
# shellcheck source=scripts/bootstrap.sh
source scripts/bootstrap.sh

swift build -c release --product lam
lam=$(swift build -c release --product lam --show-bin-path)/lam
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"

# tee ignores the signals meant for lam, so that lam's last words still reach the log.
exec {log}> >(
    trap '' INT TERM HUP
    exec tee lam.log
)
tee=$!
# Job control gives lam a process group of its own; without it bash would start a background job deaf to Ctrl-C.
set -m
"$lam" fit --config "$config" "$@" >&"$log" 2>&1 &
pid=$!
set +m
exec {log}>&-
interrupted=
for signal in INT TERM HUP; do
    # shellcheck disable=SC2064  # both values are known now
    trap "interrupted=yes; kill -$signal $pid 2>/dev/null || true" "$signal"
done

# A trap ends `wait` early with a status that is not lam's: then wait again.
while true; do
    interrupted=
    status=0
    wait "$pid" || status=$?
    if [[ -z $interrupted ]]; then break; fi
done
wait "$tee" || true
exit "$status"
