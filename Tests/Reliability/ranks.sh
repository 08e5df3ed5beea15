# Trainings of two to four processes of which one is killed or hangs; part of scripts/reliability.sh.

# The processes of one training that still live.
living() { # folder
    local place
    for place in /proc/[0-9]*/cwd; do
        [[ $(readlink "$place") == "$1" && $(readlink "${place%cwd}exe") == "$program" ]] && echo "${place//[^0-9]/}"
    done
}

of_rank() { # folder rank
    local process
    for process in $(living "$1"); do
        ! tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$2" || echo "$process"
    done
}

# All processes must end within 45 s, the first line that says why must name the one, and one process must be able to go on.
fault_in_rank() { # count rank signal seconds
    local folder=$work/try run start status=0 step
    rm -rf "$folder" && mkdir "$folder" && cd "$folder" || return
    mpirun -q -n "$1" --oversubscribe --bind-to none "$repository/scripts/rank.sh" "$program" fit --config "$config" \
        --trainer.max_steps 1000000 --trainer.timeout 10 --trainer.log_every_n_steps 1000 >"$work/log" 2>&1 &
    run=$!
    for ((start = SECONDS; SECONDS - start < 60; )); do
        [[ ! -e checkpoints/last.ckpt ]] && kill -0 $run 2>/dev/null || break
        sleep 0.05
    done
    sleep "$4"
    kill "-$3" $(of_rank "$folder" "$2") 2>/dev/null || { echo "  ranks: rank $2 of $1 is not there: $(tail -1 "$work/log")"; status=1; }
    for ((start = SECONDS; SECONDS - start < 45; )); do
        kill -0 $run 2>/dev/null || break
        sleep 0.1
    done
    if kill -0 $run 2>/dev/null; then
        echo "  ranks: SIG$3 to rank $2 of $1: does not end within 45 s"
        kill -KILL $run $(living "$folder")
        status=1
    fi
    ! wait $run 2>/dev/null || { echo "  ranks: SIG$3 to rank $2 of $1: ended with 0"; status=1; }
    # One that was stopped wakes up to be ended, and may say what it waited for itself.
    if ! grep -m1 'error: ' "$work/log" | grep -q "rank $2 ("; then
        echo "  ranks: SIG$3 to rank $2 of $1: expected a line that names it, got: $(grep 'error: ' "$work/log")"
        status=1
    fi
    # What hangs is ended by mpirun, a little later.
    for ((start = SECONDS; SECONDS - start < 10; )); do [[ -n $(living "$folder") ]] || break; sleep 0.1; done
    [[ -z $(living "$folder") ]] || { echo "  ranks: SIG$3 to rank $2 of $1: processes live on"; kill -KILL $(living "$folder"); status=1; }
    if ! "$program" fit --config "$config" --ckpt_path last --trainer.max_time 00:00:00:01 --trainer.max_steps 1000000 \
        >"$work/log" 2>&1 || ! grep -q 'resumed from' "$work/log" || [[ -n $(leftovers) ]]; then
        echo "  ranks: SIG$3 to rank $2 of $1: does not go on: $(tail -1 "$work/log") $(leftovers)"
        status=1
    fi
    return $status
}

ranks() { # count
    local round count faults=0 signals=(KILL STOP)
    for ((round = 0; round < $1; round++)); do
        count=$((2 + RANDOM % 3))
        fault_in_rank $count $((RANDOM % count)) "${signals[round % 2]}" "0.$((RANDOM % 10))" || faults=$((faults + 1))
    done
    report ranks "$1" "$faults"
}
