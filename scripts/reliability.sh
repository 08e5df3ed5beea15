#!/usr/bin/env bash
# What happens to the files of a command that is killed, or whose disk fails or is full, at any of its calls; and to a training
# that is killed at any time; and what damaged files do to the parsers. Prints a line for each kind: tried, and faults. Ends
# with 1 if there is one.
#
#   scripts/reliability.sh              a sample, some minutes: 4 calls of each command, 5 trainings, 300 files of each kind
#   scripts/reliability.sh long         every call, 500 trainings, 80,000 files of each kind in a process, 2,000 by command
#   scripts/reliability.sh long NAME…   of some: convert-v21, convert-v30, predict, merge, weights, policy, segments, latents, fit;
#                                       predict-2, latents-2, fit-2 (two processes, of which one is killed or fails); kills,
#                                       inputs, commands, ranks, soak, coverage
#
# LAM is the program (.build/release/lam, else .build/debug/lam) and FUZZ what damages files (beside it), SEED draws the sample and
# the times of the kills, COUNT is another number of trainings, files and runs. TMPDIR in memory (/dev/shm) makes it ten times as
# fast. Files that a fault was found with are kept in .build/reliability.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD
extent=${1:-short}
shift || true
wanted=("$@")
lam=${LAM:-}
[[ -n $lam ]] || for lam in .build/release/lam .build/debug/lam; do [[ ! -x $lam ]] || break; done
[[ -x $lam ]] || { echo "reliability.sh: no program: expected $lam; build it first, or set LAM" >&2; exit 2; }
lam=$(realpath "$lam")
program=$lam
fuzz=${FUZZ:-$(dirname "$lam")/Fuzz}
kept=$repository/.build/reliability
seed=${SEED:-1}
RANDOM=$seed
goldens=$repository/Tests/Goldens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fault=$work/fault.so
"${CC:-$(command -v cc || command -v clang)}" -O1 -shared -fPIC -o "$fault" Tests/Reliability/fault.c -ldl || exit 2
export LAM_NUM_THREADS=1
# Open MPI refuses root, whom containers run as, without these.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for part in commands ranks soak coverage; do
    # shellcheck source=/dev/null
    source "Tests/Reliability/$part.sh"
done
all_tried=0
all_faults=0

config=$work/config.yaml
cat >"$config" <<YAML
seed_everything: 7
model: {lam_model_dim: 32, lam_latent_dim: 8, lam_num_latents: 8, lam_patch_size: 8, lam_enc_blocks: 1, lam_dec_blocks: 1,
  lam_num_heads: 2, vision_encoder: pixels}
data: {root: $goldens/datasets, dataset_mix: [["toto_push_lf_v21", 1.0]], batch_size: 4, resolution: 32, num_workers: 1}
trainer:
  max_epochs: -1
  max_steps: 12
  log_every_n_steps: 1
  num_threads: 1
  callbacks:
    - class_path: lightning.pytorch.callbacks.ModelCheckpoint
      init_args: {dirpath: checkpoints, save_last: true, save_top_k: -1, every_n_train_steps: 2}
  logger:
    - class_path: lightning.pytorch.loggers.TensorBoardLogger
      init_args: {save_dir: logs, name: tiny}
YAML

# The commands. Each runs in a folder of its own and writes to it only; `prepare` makes what it starts from.
prepare() {
    case ${1%-2} in
        predict | merge | weights | policy) cp -r "$work/trained" trained ;;
        segments) cp -r "$goldens/datasets/toto_push_lf_v21" out ;;
        latents) cp -r "$goldens/wan/latents_pth/dataset" out ;;
    esac
}
run() {
    local lam=$lam
    [[ $1 != *-2 ]] || lam=two
    case ${1%-2} in
        convert-v21) "$lam" convert "$goldens/hdf5/aloha_jpeg_padded_episode_0.hdf5" out ;;
        convert-v30) "$lam" convert "$goldens/datasets/toto_push_lf_v21" out --format v3.0 ;;
        predict) "$lam" predict --config "$config" --ckpt_path trained/last.ckpt --output out ;;
        merge) "$lam" predict --config "$config" --ckpt_path trained/last.ckpt --output labels --merge out ;;
        weights) "$lam" convert-checkpoint trained/last.ckpt out.safetensors --overwrite ;;
        policy) "$lam" convert-checkpoint trained/last.ckpt out.pth --overwrite ;;
        segments) "$lam" action-config out --from-tasks ;;
        latents)
            "$lam" extract-latents --ckpt_dir "$goldens/wan/latents_pth/ckpt_dir" --dataset_path out \
                --max_episodes 1 --height 32 --width 32 --frame_stride 8
            ;;
        fit) train ;;
    esac
}

# The program as two processes.
two() { mpirun -q -n 2 --oversubscribe --bind-to none "$program" "$@"; }

# Goes on from the newest checkpoint, or begins.
train() {
    if [[ -e checkpoints/last.ckpt ]]; then
        "$lam" fit --config "$config" --ckpt_path last
    else
        "$lam" fit --config "$config"
    fi
}

# What a command leaves, in one number. Of a training that is the tensors of its last checkpoint.
digest() {
    case ${1%-2} in
        fit)
            "$program" convert-checkpoint checkpoints/last.ckpt tensors.safetensors --overwrite >/dev/null 2>&1
            sha256sum <tensors.safetensors
            rm -f tensors.safetensors
            ;;
        latents) find out -type f ! -name manifest.json -print0 | sort -z | xargs -0 sha256sum | sha256sum ;;
        *) find . -path ./trained -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum ;;
    esac
}

leftovers() { find . \( -name '*.tmp-*' -o -name '*.partial*' -o -name '*.lock' \) -print; }

# In a fresh folder: fails or kills a command at a call, repeats it, and compares.
try() { # name fault call
    local folder=$work/try first again
    rm -rf "$folder" && mkdir "$folder" && cd "$folder" || return
    prepare "$1"
    LD_PRELOAD=$fault FAULT_ROOT=$folder FAULT=$2 FAULT_AT=$3 run "$1" >first 2>&1
    first=$?
    mv first "$work/first"
    if ((first != 0)); then
        run "$1" >again 2>&1
        again=$?
        mv again "$work/again"
        # What was complete may be refused the second time.
        if ((again != 0)) && ! { ((again == 2)) && grep -q "exists" "$work/again"; }; then
            echo "  $1: $2 at call $3: ended with $first, the same again with $again: $(tail -1 "$work/again")"
            return 1
        fi
    fi
    local left
    left=$(leftovers)
    if [[ -n $left ]]; then
        echo "  $1: $2 at call $3: ended with $first; left over: ${left//$'\n'/ }"
        return 1
    fi
    if [[ $(digest "$1") != "$(cat "$work/$1.digest")" ]]; then
        echo "  $1: $2 at call $3: ended with $first; other files than without"
        return 1
    fi
}

report() { # name tried faults
    printf '%-20s tried %6d, faults %d\n' "$1" "$2" "$3"
    all_tried=$((all_tried + $2))
    all_faults=$((all_faults + $3))
}

sweep() { # name [rank]
    local folder=$work/try calls step call tried=0 faults=0
    export FAULT_RANK=${2:-}
    rm -rf "$folder" && mkdir "$folder" && cd "$folder" || return
    rm -f "$work/count" && prepare "$1"
    LD_PRELOAD=$fault FAULT_ROOT=$folder FAULT_COUNT=$work/count run "$1" >"$work/log" 2>&1 ||
        { echo "  $1: fails without a fault: $(tail -1 "$work/log")"; report "$1" 1 1; return; }
    digest "$1" >"$work/$1.digest"
    # The second of two processes may change nothing.
    calls=$(cat "$work/count" 2>/dev/null || echo 0)
    step=1
    [[ $extent == long ]] || step=$(((calls + 3) / 4))
    for kind in KILL EIO ENOSPC; do
        for ((call = step == 1 ? 1 : 1 + RANDOM % step; call <= calls; call += step)); do
            tried=$((tried + 1))
            try "$1" "$kind" "$call" || faults=$((faults + 1))
        done
    done
    report "$1${2:+ rank $2}" "$tried" "$faults"
}

# Kills trainings after a random time, goes on until they end, and compares tensors.
kills() { # count
    local folder=$work/try faults=0 kill round limit
    for ((kill = 1; kill <= $1; kill++)); do
        rm -rf "$folder" && mkdir "$folder" && cd "$folder" || return
        for ((round = 0; round < 200; round++)); do
            limit=$(((RANDOM % (100 + 40 * round)) + 20))
            export -f train
            export lam config
            if timeout -s KILL "$((limit / 1000)).$(printf %03d $((limit % 1000)))" bash -c train >"$work/log" 2>&1; then break; fi
        done
        if [[ -n $(leftovers) || $(digest fit) != "$(cat "$work/fit.digest")" ]]; then
            echo "  kills: training $kill (seed $seed): other tensors, or left over: $(leftovers)"
            faults=$((faults + 1))
        fi
    done
    report kills "$1" "$faults"
}

need_fuzz() { [[ -x $fuzz ]] || { echo "reliability.sh: no program: expected $fuzz; build it first, or set FUZZ" >&2; exit 2; }; }

# Damaged files, read in one process for each kind. It must end by itself, in less than 2 GiB.
inputs() { # count of each kind
    local kind faults
    need_fuzz
    for kind in torch checkpoint safetensors tokenizer spiece parquet hdf5 video picture json yaml metrics hub; do
        faults=0
        if ! (ulimit -d 2097152 && timeout 3600 "$fuzz" "$kind" "$1" "$seed" "$work") >"$work/log" 2>&1; then
            faults=1
            echo "  inputs: $kind, seed $seed: $(tail -1 "$work/log"); kept: $(mkdir -p "$kept" &&
                cp "$work/$kind-$seed"* "$kept" && ls "$kept")"
        fi
        report "$kind" "$1" "$faults"
    done
}

is_wanted() { ((${#wanted[@]} == 0)) || [[ " ${wanted[*]} " == *" $1 "* ]]; }

echo "commit $(git -C "$repository" rev-parse --short HEAD 2>/dev/null || echo unknown), seed $seed, $extent"
mkdir -p "$work/train" && cd "$work/train" || exit
run fit >"$work/log" 2>&1 || { echo "reliability.sh: training fails: $(tail -1 "$work/log")" >&2; exit 2; }
digest fit >"$work/fit.digest"
mkdir "$work/trained" && cp checkpoints/last.ckpt "$work/trained"
for name in convert-v21 convert-v30 predict merge weights policy segments latents fit; do
    ! is_wanted "$name" || sweep "$name"
done
for name in predict-2 latents-2 fit-2; do
    ! is_wanted "$name" || for rank in 0 1; do sweep "$name" "$rank"; done
done
# A sample, or all of it.
many() { if [[ $extent == long ]]; then echo "${COUNT:-$2}"; else echo "${COUNT:-$1}"; fi; }
! is_wanted kills || kills "$(many 5 500)"
! is_wanted inputs || inputs "$(many 300 80000)"
! is_wanted commands || commands "$(many 20 2000)"
! is_wanted ranks || ranks "$(many 3 100)"
! is_wanted soak || soak "$(many 5000 1000000)"
! is_wanted coverage || coverage "$(many 20 600)"
printf '%-20s tried %6d, faults %d\n' all "$all_tried" "$all_faults"
((all_faults == 0))
