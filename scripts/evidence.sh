#!/usr/bin/env bash
# Trains one small model for each row of a table and judges it on held-out episodes: our defaults, each switch back to the
# original's behaviour by itself and all of them together, every bottleneck, and our defaults with other seeds.
#
#   scripts/evidence.sh [-n STEPS | -m MINUTES] [-j RUNS] [-r ROW,…] [-c NAME=CHECKPOINT]… [-w FOLDER] [-o FILE]
#                       DATASET [--section.key value …]
#
# DATASET is the folder of a LeRobot dataset with actions. Rows get the same samples (-n, 700 steps by default), so that a busy
# machine changes no figure but the speed, or the same time (-m), which wants a machine with nothing else on it. -j trains so
# many rows at once, each with its share of the cores. -r trains rows of these numbers, from 0, and keeps what the folder has of
# the others. -c judges a checkpoint that was made elsewhere as a row of its own. The table goes to FILE (standard output by
# default), all else to FOLDER (logs/evidence). Further options go to every run.
set -euo pipefail

limit=(--trainer.max_steps 700) runs=1 work=logs/evidence output=/dev/stdout checkpoints=() wanted=
usage() { sed -n '2,14p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
while getopts "n:m:j:r:c:w:o:" option; do
    case $option in
    n) limit=(--trainer.max_steps "$OPTARG") ;;
    m) limit=(--trainer.max_time "$(printf '00:%02d:%02d:00' $((OPTARG / 60)) $((OPTARG % 60)))") ;;
    j) runs=$OPTARG ;;
    r) wanted=,$OPTARG, ;;
    c) checkpoints+=("$OPTARG") ;;
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
mkdir -p "$work"
work=$(cd "$work" && pwd)
threads=$((($(nproc) + runs - 1) / runs))

window=--data.window pair=--data.augment_pair ends=--data.pad_at_end restart=--model.restart usage=--model.usage
crop=--data.crop
rows=(
    "our defaults|"
    "augmentation of the two frames by itself|$pair independent"
    "pairs clamped at an episode's end|$ends clamp"
    "window once per run|$window original"
    "the original's restart of codes|$restart original"
    "the original's count of code use|$usage original"
    "all of these, and the original's crops|$pair independent $ends clamp $window original $restart original $usage original $crop original"
    "no augmentation|--data.image_aug false"
    "a pair turned round has the opposite|--model.reversal_weight 0.1"
    "\`nsvq\`|--model.bottleneck nsvq"
    "\`ema\`|--model.bottleneck ema"
    "\`fsq\`|--model.bottleneck fsq"
    "\`vae\`|--model.bottleneck vae"
    "\`ae\`|--model.bottleneck ae"
    "our defaults, seed 1|--seed_everything 1"
    "our defaults, seed 2|--seed_everything 2"
)

# The numbers of a row, from what fit and validate print.
figures() { # folder
    awk -F '  +' -v batch=32 '
        FILENAME == ARGV[1] && / steps? in / { split($1, words, " "); n = split(words[4], clock, ":")
            for (i = 1; i <= n; i++) seconds = 60 * seconds + clock[i]
            speed = seconds > 0 ? sprintf("%.0f", words[1] * batch / seconds) : ""; steps = words[1] }
        FILENAME == ARGV[1] && /^memory / { memory = $2; sub(/ at the peak.*/, "", memory) }
        FILENAME == ARGV[1] { next }
        /^mse |^reconstruction / { split($3, words, " "); share = words[1] }
        /^codes in use/ { codes = $2 " " $3 }
        /^active dimensions/ { codes = $2 " " $3 " dimensions" }
        /^  zeros for/ { zero = $4 + 0 }
        /^  (codes|latents) of the same episode/ { same = $4 + 0 }
        /^  (codes|latents) of another episode/ { other = $4 + 0 }
        /^  share of the gain/ { gain = $3 }
        /^  latents  / { own = $3 " | " $4 }
        END { print steps " | " speed " | " memory " | " codes " | " share " | " zero " | " same " | " other " | " gain " | " own }
        ' "$1/fit.txt" "$1/validate.txt"
}

# What rivals tell, which is the same for all rows of two frames.
rivals() { # folder
    awk -F '  +' '/^  (first frame|both|frame differences|noise)  / {
        print "| " $2 " | | | | | | | | | | " $3 " | " $4 " |" }' "$1/validate.txt"
}

# Windows, ends, crops and augmentation of the judgement are the same for all rows.
judge() { # folder checkpoint
    "$lam" validate --ckpt_path "$2" --data.root "$(dirname "$dataset")" --data.window auto --data.pad_at_end drop \
        --data.crop square --trainer.logger false --trainer.num_threads "$threads" --trainer.default_root_dir "$1" \
        --trainer.limit_val_batches 60 >"$1/validate.txt" 2>"$1/validate.err"
}

train() { # folder options…
    local folder=$1
    shift
    rm -rf "$folder"
    mkdir -p "$folder"
    "$lam" fit --config "$here/config/evidence.yaml" --data.root "$(dirname "$dataset")" \
        --data.dataset_mix "[[$(basename "$dataset"), 1.0]]" --trainer.default_root_dir "$folder" --trainer.logger false \
        --trainer.num_threads "$threads" "${limit[@]}" "$@" >"$folder/fit.txt" 2>"$folder/fit.err" &&
        judge "$folder" "$(awk '/^checkpoint / { print $2 }' "$folder/fit.txt")"
}

row() { # number name options…
    local number=$1 name=$2
    shift 2
    echo "$name" >&2
    rm -f "$work/row$number.md"
    if train "$work/row$number" "$@"; then
        echo "| $name | $(figures "$work/row$number") |" >"$work/row$number.md"
    else
        echo "scripts/evidence.sh: $name: $(cat "$work/row$number"/*.err | tail -n 1)" >&2
    fi
}

for number in "${!rows[@]}"; do
    [[ -z $wanted || $wanted == *,$number,* ]] || continue
    while (($(jobs -rp | wc -l) >= runs)); do wait -n || true; done
    # shellcheck disable=SC2086 # options are words
    row "$number" "${rows[number]%%|*}" ${rows[number]#*|} "$@" &
done
wait
number=${#rows[@]}
for given in ${checkpoints[@]+"${checkpoints[@]}"}; do
    folder=$work/row$number
    mkdir -p "$folder"
    : >"$folder/fit.txt"
    judge "$folder" "${given#*=}"
    echo "| ${given%%=*} | $(figures "$folder") |" >"$work/row$number.md"
    number=$((number + 1))
done
{
    echo "| row | steps | samples/s | memory | codes | error ÷ copy | zeros | same episode | other episode | share of the gain" \
        "| R² of the mean action | R² of the change |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    missing=0
    for ((i = 0; i < number; i++)); do cat "$work/row$i.md" 2>/dev/null || missing=1; done
    rivals "$work/row0"
} >"$work/table.md"
cat "$work/table.md" >"$output"
[[ $missing == 0 || -n $wanted ]] || exit 1
