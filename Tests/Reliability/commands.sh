# Damaged files through the program's commands; part of scripts/reliability.sh.

# Runs a command that must end by itself: within 20 s of processor time and 120 s by the clock, as the machine may be busy, in less
# than 2 GiB, by no signal, with one of its own statuses, and with words where it fails. A command that waits for a hub says so and
# goes on; that is no fault.
endure() { # what command…
    local what=$1 status
    shift
    # The shell's own words about a killed process go nowhere.
    { (ulimit -d 2097152 -t 20 && exec timeout -s KILL "${patience:-120}" "$@") >"$work/log" 2>&1; } 2>/dev/null
    status=$?
    case $status in
        0) return ;;
        1 | 2 | 3) ! grep -q 'error: ' "$work/log" || return 0 ;;
        137) [[ -z ${patience:-} ]] || ! tail -1 "$work/log" | grep -q '; attempt ' || return 0 ;;
    esac
    echo "  $what: status $status: $(tail -1 "$work/log")"
    return 1
}

# A dataset of links to a golden one, but for one file.
dataset_with() { # damaged place
    rm -rf dataset && cp -rs "$goldens/datasets/toto_push_lf_v21" dataset && rm "dataset/$2" && cp "$1" "dataset/$2"
}

feed() { # kind number file
    local data=(--data.root "$PWD" --data.dataset_mix '[["dataset", 1.0]]')
    case $1 in
        hdf5 | video)
            if (($2 % 4)); then endure "inspect $3" "$lam" inspect "$3" --fps 10 --verify; else
                endure "convert $3" "$lam" convert "$3" out --fps 10
            fi
            ;;
        picture)
            mkdir -p clip && cp "$3" "clip/0.${3##*.}" && cp "$3" "clip/1.${3##*.}"
            endure "inspect $3" "$lam" inspect clip --fps 10 --verify
            ;;
        parquet | json)
            case $3 in
                *.json) dataset_with "$3" meta/info.json ;;
                *.jsonl) dataset_with "$3" meta/episodes.jsonl ;;
                *) dataset_with "$3" data/chunk-000/episode_000000.parquet ;;
            esac
            if (($2 % 4)); then endure "inspect $3" "$lam" inspect dataset --verify; else
                endure "fit $3" "$lam" fit --config "$config" "${data[@]}" --trainer.max_steps 1
            fi
            ;;
        yaml) endure "fit $3" "$lam" fit --config "$3" --print_config ;;
        torch | safetensors) endure "convert-checkpoint $3" "$lam" convert-checkpoint "$3" out.pt --overwrite ;;
        checkpoint)
            case $(($2 % 3)) in
                0) endure "fit $3" "$lam" fit --config "$config" --ckpt_path "$3" --trainer.max_steps 13 ;;
                1) endure "validate $3" "$lam" validate --config "$config" --ckpt_path "$3" --trainer.limit_val_batches 1 ;;
                2) endure "convert-checkpoint $3" "$lam" convert-checkpoint "$3" out.safetensors --overwrite ;;
            esac
            ;;
        tokenizer)
            cp -rs "$goldens/wan/latents_pth/ckpt_dir" weights && rm weights/google/umt5-xxl/tokenizer.json
            cp "$3" weights/google/umt5-xxl/tokenizer.json && cp -rs "$goldens/wan/latents_pth/dataset" dataset
            endure "extract-latents $3" "$lam" extract-latents --ckpt_dir weights --dataset_path dataset \
                --max_episodes 1 --height 32 --width 32 --frame_stride 16
            ;;
        metrics)
            mkdir -p run && cp "$3" run/metrics.jsonl
            if (($2 % 2)); then endure "plot $3" "$lam" plot run -o out.svg; else
                endure "report $3" "$lam" report run -o out.html
            fi
            ;;
        hub)
            # The cache keeps its locks, as other programs use them.
            rm -rf "$work/cache"
            cp "$3" "$work/answers"
            patience=3 endure "hub $3" env HF_ENDPOINT="$hub" HF_HOME="$work/cache" HOME="$work" "$lam" inspect org/name
            ;;
    esac
}

# Files come in lots, as all of them together are large.
commands() { # count of each kind
    local kind lot number file own tried faults folder=$work/try server
    need_fuzz
    "$fuzz" hub-server "$work/answers" >"$work/endpoint" &
    server=$!
    until [[ -s $work/endpoint ]]; do sleep 0.1; done
    hub=$(<"$work/endpoint")
    "$lam" convert-checkpoint "$work/trained/last.ckpt" "$work/trained/model.safetensors" >/dev/null
    for kind in hdf5 video picture parquet json yaml torch safetensors checkpoint tokenizer metrics hub; do
        tried=0
        faults=0
        own=()
        case $kind in
            checkpoint) own=("$work/trained/last.ckpt") ;;
            safetensors) own=("$work/trained/model.safetensors") ;;
        esac
        for ((lot = 0; tried < $1; lot++)); do
            rm -rf "$work/damaged" && mkdir "$work/damaged"
            "$fuzz" "$kind" $(($1 - tried < 50 ? $1 - tried : 50)) $((seed * 100000 + lot)) "$work/damaged" write "${own[@]}"
            for file in "$work/damaged"/*; do
                number=${file##*-}
                rm -rf "$folder" && mkdir "$folder" && cd "$folder" || return
                tried=$((tried + 1))
                # What convert has begun stays, and the same command goes on from there.
                feed "$kind" "${number%.*}" "$file" && rm -rf out.partial && [[ -z $(leftovers) ]] && continue
                faults=$((faults + 1))
                [[ -z $(leftovers) ]] || echo "  $kind $file: left over: $(leftovers)"
                mkdir -p "$kept" && cp "$file" "$kept/$kind-$seed-$lot-${file##*/}"
            done
        done
        report "command:$kind" "$tried" "$faults"
    done
    kill "$server"
    wait "$server" 2>/dev/null
}
