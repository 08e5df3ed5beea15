#!/usr/bin/env bash
# Runs one rank under mpirun, and says how it ended where it could not say so itself.
# Usage: rank.sh PROGRAM ARGUMENT...

# Where launch.sh looks whether the ranks of its machine live.
if [[ -d ${LAM_RANKS:-} ]]; then echo $$ >"$LAM_RANKS/${OMPI_COMM_WORLD_RANK:-0}.$(hostname)"; fi
# Several ranks of a machine would all take its first GPU.
if [[ -n ${OMPI_COMM_WORLD_LOCAL_RANK:-} ]]; then
    export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-$OMPI_COMM_WORLD_LOCAL_RANK}"
fi
# mpirun signals the whole process group: the program handles its signals, this shell only has to outlive them.
trap : TERM INT HUP USR1
# The shell's own words about a killed process go nowhere.
exec 3>&2 2>/dev/null
status=0
"$@" 2>&3 3>&- || status=$?
if ((status > 128)); then
    signal=$(kill -l $((status - 128)))
    case $signal in
    TERM | INT | HUP | USR1) ;; # lam's own exit codes after a checkpoint
    *) echo "error: rank ${OMPI_COMM_WORLD_RANK:-?} ($(hostname)): ended by SIG$signal" >&3 ;;
    esac
fi
exit "$status"
