# A long training whose memory must not grow; part of scripts/reliability.sh.

# The slope of the least-squares line through resident memory, from the end of the first fifth on, when all is warm.
soak() { # samples
    local folder=$work/try run batch=16 faults=0 steps slope
    steps=$(($1 / batch))
    rm -rf "$folder" && mkdir "$folder" && cd "$folder" || return
    "$program" fit --config "$config" --data.batch_size $batch --data.resolution 16 --trainer.max_steps $steps \
        --trainer.log_every_n_steps 1000 --trainer.callbacks '[]' --trainer.logger false >"$work/log" 2>&1 &
    run=$!
    while kill -0 $run 2>/dev/null; do
        awk '/^VmRSS/ { print $2 }' "/proc/$run/status" 2>/dev/null
        sleep 0.5
    done >"$work/memory"
    wait $run || { echo "  soak: $(tail -1 "$work/log")"; faults=1; }
    # Looks are evenly spaced in time, and so are samples, about.
    slope=$(awk -v samples="$1" '{ kib[NR] = $1 } END {
        first = int(NR / 5) + 1
        for (i = first; i <= NR; i++) { n++; x = i * samples / NR; sx += x; sy += kib[i]; sxx += x * x; sxy += x * kib[i] }
        d = n * sxx - sx * sx
        printf("%.0f", d ? (n * sxy - sx * sy) / d * 1e5 : 0) }' "$work/memory")
    echo "  soak: $(wc -l <"$work/memory") looks at memory, at last $(tail -1 "$work/memory") KiB, slope $slope KiB for 100,000 samples"
    # A short one is all beginning.
    if (($1 >= 100000 && slope >= 1024)); then faults=1; fi
    report soak "$1" "$faults"
}
