#!/usr/bin/env bash
# A training as a Slurm job that goes on by itself. Usage:
#   sbatch --nodes 4 --ntasks-per-node 2 --cpus-per-task 32 --time 12:00:00 scripts/slurm.sh CONFIG [OVERRIDE...]
#
# Two minutes before its time is over the run gets SIGUSR1, saves a checkpoint and ends with 138; the job then goes back
# into the queue, and from its last checkpoint on. It ends for good once the run has, or has failed.
#SBATCH --job-name=lam
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=lam-%j.log
set -euo pipefail
lam=${LAM:-lam}
config=$1
shift

resume=()
# Slurm counts how often a job has begun.
if ((${SLURM_RESTART_COUNT:-0} > 0)); then resume=(--ckpt_path last); fi

# The batch script alone gets Slurm's signal; srun hands it on to all processes.
srun --mpi=pmix "$lam" fit --config "$config" "$@" \
    --trainer.num_nodes "$SLURM_JOB_NUM_NODES" --trainer.devices "$((SLURM_NTASKS / SLURM_JOB_NUM_NODES))" \
    "${resume[@]}" &
run=$!
trap 'kill -USR1 "$run"' USR1

# A trap ends `wait` early with a status that is not the run's: then wait again.
while true; do
    status=0
    wait "$run" || status=$?
    if ! kill -0 "$run" 2>/dev/null; then break; fi
done
if ((status == 128 + $(kill -l USR1))); then
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
exit "$status"
