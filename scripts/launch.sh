#!/usr/bin/env bash
# Runs `lam fit` in as many processes as the configuration asks for, and again after a failure where that is wanted.
# Usage: launch.sh MAX_RESTARTS PROGRAM fit --config FILE OVERRIDE...
#
# One process drives all accelerators of one machine. Else, with trainer.devices x trainer.num_nodes above 1, the processes
# are started by mpirun: on this machine, on the hosts of HOSTFILE, or on those of a Slurm allocation. MPIRUN_OPTIONS are
# added to mpirun's own. The exit code is lam's; after SIGTERM, SIGINT, SIGHUP and SIGUSR1, which end a run with a
# checkpoint, 128 + signal.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
restarts_left=$1
shift
program=("$@")

# What lam will do, by its own words; a configuration that it refuses is refused here.
configuration=$("${program[@]}" --print_config)
option() { sed -n "s/^  $1: *//p" <<<"$configuration" | head -n 1; }
devices=$(option devices)
nodes=$(option num_nodes)
# A list of devices counts as many.
if [[ $devices == \[*\] ]]; then devices=$(tr ',' '\n' <<<"$devices" | wc -l); fi
accelerator=$(option accelerator)
if [[ $devices == auto || $nodes == 1 && $accelerator =~ ^(gpu|cuda|tpu|pjrt-cpu)$ ]]; then devices=1; fi
ranks=$((devices * nodes))

cores=$(nproc)
command=("${program[@]}")
if ((ranks > 1)); then
    if ((nodes > 1)) && [[ -z ${HOSTFILE:-} && -z ${SLURM_JOB_ID:-} ]]; then
        echo "train.sh: trainer.num_nodes: $nodes: expected the machines' names, got none;" \
            "give a file with a line per machine as HOSTFILE, or run within a Slurm allocation" >&2
        exit 2
    fi
    export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$((cores > devices ? cores / devices : 1))}"
    LAM_RANKS=$(mktemp -d)
    export LAM_RANKS
    command=(mpirun -q -n "$ranks" -x OMP_NUM_THREADS -x LAM_RANKS)
    if [[ -n ${HOSTFILE:-} ]]; then command+=(--hostfile "$HOSTFILE"); fi
    if ((devices * OMP_NUM_THREADS <= cores)); then
        command+=(--use-hwthread-cpus --map-by "ppr:$devices:node:PE=$OMP_NUM_THREADS" --bind-to hwthread)
    else
        echo "train.sh: trainer.devices: $devices processes of $OMP_NUM_THREADS threads on $cores cores are slower than" \
            "fewer" >&2
        command+=(--map-by "ppr:$devices:node" --oversubscribe --bind-to none)
    fi
    # shellcheck disable=SC2206  # several options in one variable
    command+=(${MPIRUN_OPTIONS:-} "$scripts/rank.sh" "${program[@]}")
    if ((EUID == 0)); then
        # Containers run as root, which Open MPI refuses otherwise.
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
fi

signal=
pid=
interrupt() {
    signal=$1
    if [[ -z $pid ]]; then return; fi
    # mpirun kills its processes on any other signal, a second later.
    if ((ranks > 1)); then kill -USR1 "$pid" 2>/dev/null; else kill -"$1" "$pid" 2>/dev/null; fi || true
}
for name in INT TERM HUP USR1; do
    # shellcheck disable=SC2064  # the value is known now
    trap "interrupt $name" "$name"
done

# The newest checkpoint of this run: files from before it are another run's.
started=$(mktemp)
trap 'rm -rf "$started" "${LAM_RANKS:-}"' EXIT
newest_checkpoint() {
    local folders folder
    folders=$(sed -n 's/^ *\(- \)\{0,1\}\(dirpath\|save_dir\|default_root_dir\): *//p' <<<"$configuration" |
        sed "s/^['\"]//; s/['\"]\$//" | grep -vx null || true)
    while read -r folder; do
        find "${folder:-.}" -name '*.ckpt' -newer "$started" -printf '%T@ %p\n' 2>/dev/null || true
    done <<<"$folders" | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

# Ends mpirun where it lives on without any rank of this machine: it waits for ever for a machine out of reach.
watch_mpirun() {
    local mpirun=$1 looks=0 file seen living
    while kill -0 "$mpirun" 2>/dev/null; do
        sleep 1
        seen=
        living=
        for file in "$LAM_RANKS"/*."$(hostname)"; do
            if [[ ! -e $file ]]; then continue; fi
            seen=yes
            if kill -0 "$(<"$file")" 2>/dev/null; then living=yes; fi
        done
        if [[ -n $seen && -z $living ]]; then looks=$((looks + 1)); else looks=0; fi
        if ((looks >= 10)); then
            echo "train.sh: mpirun does not end by itself; ending it" >&2
            kill -KILL "$mpirun" 2>/dev/null || true
        fi
    done
}

resume=()
while true; do
    # Job control gives it a process group of its own; without it bash starts background jobs deaf to Ctrl-C.
    set -m
    "${command[@]}" "${resume[@]}" </dev/null &
    pid=$!
    set +m
    if ((ranks > 1)); then
        rm -f "$LAM_RANKS"/*
        watch_mpirun "$pid" &
        disown
    fi
    # A trap ends `wait` early with a status that is not the job's: then wait again.
    while true; do
        before=$signal
        status=0
        wait "$pid" || status=$?
        if [[ $signal == "$before" ]] && ! kill -0 "$pid" 2>/dev/null; then break; fi
    done
    pid=
    if [[ -n $signal ]]; then
        # lam has seen SIGUSR1 in place of what came here.
        if ((ranks > 1 && status == 128 + $(kill -l USR1))); then status=$((128 + $(kill -l "$signal"))); fi
        exit "$status"
    fi
    # 2 is a configuration that can never run.
    if ((status == 0 || status == 2 || restarts_left == 0)); then exit "$status"; fi
    restarts_left=$((restarts_left - 1))
    checkpoint=$(newest_checkpoint)
    resume=()
    if [[ -n $checkpoint ]]; then resume=(--ckpt_path "$checkpoint"); fi
    echo "train.sh: run ended with status $status; going on from ${checkpoint:-the beginning}," \
        "$restarts_left more restarts" >&2
done
