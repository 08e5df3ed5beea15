#!/usr/bin/env bash
# Builds `lam` and trains. See usage below, or README.md.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: ./train.sh [--max-restarts N] [CONFIG] [OVERRIDE...]

Installs missing system packages, builds lam, and runs `lam fit --config CONFIG OVERRIDE...`.

  CONFIG      a YAML file; config/quickstart.yaml when the first argument is missing or starts with '-'
  OVERRIDE    a configuration key and its value, as lam takes them, for example
              --trainer.max_steps 1000 --data.batch_size 16
  --max-restarts N
              After a failure go on from the run's last checkpoint, at most N times.

Runs trainer.devices processes on each of trainer.num_nodes machines, by mpirun: several machines are those of HOSTFILE
(a file with a line per machine) or of a Slurm allocation. MPIRUN_OPTIONS are further options for mpirun.
Output also goes to lam.log in the repository. Ctrl-C, SIGTERM and SIGUSR1 end the run with a checkpoint; the exit code
is lam's. Threads per process: OMP_NUM_THREADS, by default the cores divided by the processes on a machine.
USAGE
}

max_restarts=0
case "${1:-}" in
-h | --help)
    usage
    exit 0
    ;;
--max-restarts)
    if [[ ! ${2:-} =~ ^[0-9]{1,6}$ ]]; then
        echo "train.sh: --max-restarts: expected a number, got '${2:-}'" >&2
        exit 2
    fi
    max_restarts=$2
    shift 2
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

# tee ignores the signals meant for lam, so that lam's last words still reach the log.
exec {log}> >(
    trap '' INT TERM HUP USR1
    exec tee lam.log
)
tee=$!
# Job control gives the run a process group of its own; without it bash would start a background job deaf to Ctrl-C.
set -m
scripts/launch.sh "$max_restarts" "$lam" fit --config "$config" "$@" >&"$log" 2>&1 &
pid=$!
set +m
exec {log}>&-
interrupted=
for signal in INT TERM HUP USR1; do
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
if ((status == 0)) && [[ $config == config/quickstart.yaml ]]; then
    # Everything of the sample run on one page, and its curves as a picture.
    "$lam" report logs/quickstart || true
    "$lam" plot logs/quickstart --output logs/quickstart/curves.png || true
fi
exit "$status"
