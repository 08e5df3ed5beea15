#!/usr/bin/env bash
# Trains one small model for each row of a table and judges it on held-out episodes: our defaults, each switch back to the
# original's behaviour by itself, and all of them together.
#
#   scripts/evidence.sh [-m MINUTES] [-s SEED] [-w FOLDER] [-o FILE] DATASET [--section.key value ...]
#
# DATASET is the folder of a LeRobot dataset with actions. The table goes to FILE (standard output by default), all else to FOLDER
# (logs/evidence). Further options go to every run. Nothing else should run on the machine: rows get the same time, so a busy
# minute is a worse row.
set -euo pipefail

minutes=12 seed=42 work=logs/evidence output=/dev/stdout
usage() { sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
while getopts "m:s:w:o:" option; do
    case $option in
    m) minutes=$OPTARG ;;
    s) seed=$OPTARG ;;
    w) work=$OPTARG ;;
    o) output=$OPTARG ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] && [ -d "$1/meta" ] || usage
dataset=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")/.." && pwd)
lam=${LAM:-$here/.build/release/lam}
[ -x "$lam" ] || { echo "scripts/evidence.sh: $lam: expected the program, found none; bash train.sh builds it" >&2; exit 2; }

window=--data.window pair=--data.augment_pair ends=--data.pad_at_end restart=--model.restart usage=--model.usage
rows=(
    "our defaults|"
    "augmentation of the two frames by itself|$pair independent"
    "pairs clamped at an episode's end|$ends clamp"
    "window once per run|$window original"
    "the original's restart of codes|$restart original"
    "the original's count of code use|$usage original"
    "all of these|$pair independent $ends clamp $window original $restart original $usage original"
)

# The numbers of a row, from what fit and validate print.
figures() {
    awk -F '  +' -v batch="$2" '
        FNR == NR && / steps? in / { split($1, words, " "); n = split(words[4], clock, ":")
            for (i = 1; i <= n; i++) seconds = 60 * seconds + clock[i]
            speed = seconds > 0 ? sprintf("%.1f", words[1] * batch / seconds) : "-"; steps = words[1] }
        FNR == NR && /^memory / { memory = $2; sub(/ at the peak.*/, "", memory) }
        FNR == NR { next }
        /^mse |^reconstruction / { split($3, words, " "); share = words[1] }
        /^codes in use/ { codes = $2 " " $3 }
        /^active dimensions/ { codes = $2 " " $3 }
        /^  zeros for/ { zero = $4 + 0 }
        /^  (codes|latents) of the same episode/ { same = $4 + 0 }
        /^  (codes|latents) of another episode/ { other = $4 + 0 }
        /^  share of the gain/ { gain = $3 }
        /^  latents  / { own = $4 }
        /^  first frame  / { frame = $4 }
        /^  frame differences  / { differences = $4 }
        END { print steps " | " speed " | " memory " | " codes " | " share " | " zero " | " same " | " other " | " gain " | " \
            own " | " frame " | " differences }' "$1/fit.txt" "$1/validate.txt"
}

table() {
    echo "| row | steps | samples/s | memory | codes | error ÷ copy | zeros | same episode | other episode | share of the gain" \
        "| R² of the change: latents | first frame | frame differences |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    local number=0 row name options folder checkpoint
    for row in "${rows[@]}"; do
        name=${row%%|*} options=${row#*|} folder=$work/row$number
        number=$((number + 1))
        rm -rf "$folder"
        mkdir -p "$folder"
        echo "$name: $minutes minutes" >&2
        # shellcheck disable=SC2086 # options are words
        "$lam" fit --config "$here/config/evidence.yaml" --seed_everything "$seed" --data.root "$(dirname "$dataset")" \
            --data.dataset_mix "[[$(basename "$dataset"), 1.0]]" --trainer.default_root_dir "$folder" --trainer.logger false \
            --trainer.max_time "$(printf '00:%02d:%02d:00' $((minutes / 60)) $((minutes % 60)))" \
            $options "$@" >"$folder/fit.txt" 2>"$folder/fit.err"
        checkpoint=$(awk '/^checkpoint / { print $2 }' "$folder/fit.txt")
        # Windows, ends and augmentation of the judgement are the same for all rows.
        "$lam" validate --ckpt_path "$checkpoint" --data.window auto --data.pad_at_end drop --trainer.logger false \
            --trainer.default_root_dir "$folder" --trainer.limit_val_batches 20 >"$folder/validate.txt" 2>"$folder/validate.err"
        echo "| $name | $(figures "$folder" 32) |"
    done
}
mkdir -p "$work"
table "$@" >"$work/table.md"
cat "$work/table.md" >"$output"
