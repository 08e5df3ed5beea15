# Fuzzing that is guided by what an input reaches, with sanitizers; part of scripts/reliability.sh.

# Builds a target with libFuzzer of Swift's toolchain.
instrument() { # name
    local tools
    tools=$(dirname "$(realpath "$(command -v swiftc)")")
    cd "$repository" || return
    case $1 in
        pixels)
            "$tools/clang" -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I Sources/PixelKernels/include \
                Sources/PixelKernels/pixels.c Tests/Reliability/pixels_fuzz.c -lm -o "$work/$1"
            ;;
        json-guided)
            "$tools/swiftc" -g -O -sanitize=fuzzer,address -parse-as-library -swift-version 6 -package-name lam \
                -module-name DataCore Sources/DataCore/*.swift Tests/Reliability/json_fuzz.swift -o "$work/$1"
            ;;
    esac
}

coverage() { # seconds for each
    local name faults runs folder=$work/try
    for name in pixels json-guided; do
        if ! instrument "$name" >"$work/log" 2>&1; then
            echo "  coverage: $name cannot be built with sanitizers: $(grep -v 'export local' "$work/log" | tail -1)" >&2
            continue
        fi
        rm -rf "$folder" && mkdir -p "$folder/corpus" && cd "$folder" || return
        [[ $name != json-guided ]] || find "$goldens/datasets" -name info.json -exec cp {} "$folder/corpus" \;
        faults=0
        if ! "$work/$name" -seed="$seed" -max_total_time="$1" -timeout=20 -rss_limit_mb=2048 corpus >"$work/log" 2>&1; then
            faults=1
            mkdir -p "$kept" && cp crash-* oom-* timeout-* "$kept" 2>/dev/null
            echo "  coverage: $name: $(grep -m1 -E 'ERROR|SUMMARY|Fatal' "$work/log"); kept: $(ls)"
        fi
        runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$work/log")
        report "$name" "${runs:-1}" "$faults"
    done
}
