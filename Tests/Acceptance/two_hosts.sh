#!/usr/bin/env bash
# Trains on two "hosts" over TCP: network namespaces with addresses and host names of their own. Cuts the link in the
# middle of the run, expects both ranks to end in time with one line that says why, and goes on from the checkpoint.
# Usage: two_hosts.sh PROGRAM        (root; exits with 77 where namespaces are not allowed)
set -euo pipefail
program=$(realpath "${1:?usage: two_hosts.sh PROGRAM}")
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

skip() {
    echo "two_hosts.sh: skipped: $1"
    exit 77
}
if ((EUID != 0)); then skip "network namespaces need root"; fi
if ! command -v ip >/dev/null; then skip "no ip command; install iproute2"; fi
a=lam-a-$$
b=lam-b-$$
ip netns add "$a" 2>/dev/null || skip "this machine allows no network namespaces"
folder=$(mktemp -d)
cleanup() {
    for namespace in "$a" "$b"; do
        ip netns pids "$namespace" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
        ip netns del "$namespace" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT
ip netns add "$b"
ip link add "v$$" netns "$a" type veth peer name "v$$" netns "$b" 2>/dev/null ||
    skip "this machine allows no virtual network"
unshare --uts true 2>/dev/null || skip "this machine allows no host names of one's own"
ip -n "$a" address add 10.77.0.1/24 dev "v$$"
ip -n "$b" address add 10.77.0.2/24 dev "v$$"
for namespace in "$a" "$b"; do
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link set "v$$" up
done

cd "$folder"
# What mpirun takes for ssh: the only other host is the second namespace.
cat >remote <<REMOTE
#!/usr/bin/env bash
shift
exec ip netns exec $b unshare --uts bash -c 'hostname host-b; exec sh -c "\$*"' bash "\$@"
REMOTE
chmod +x remote
printf '10.77.0.1 slots=1\n10.77.0.2 slots=1\n' >hosts
cat >config.yaml <<CONFIG
seed_everything: 7
model: {lam_model_dim: 32, lam_latent_dim: 8, lam_num_latents: 8, lam_patch_size: 8, lam_enc_blocks: 1,
  lam_dec_blocks: 1, lam_num_heads: 2, vision_encoder: pixels, restart_every_n_steps: 1000}
data: {root: $repository/datasets, dataset_mix: [[quickstart_push_v30, 1.0]], batch_size: 4, resolution: 32}
trainer:
  devices: 1
  num_nodes: 2
  max_epochs: -1
  max_steps: 1000000
  log_every_n_steps: 20
  timeout: 5
  callbacks:
    - class_path: lightning.pytorch.callbacks.ModelCheckpoint
      init_args: {dirpath: checkpoints, save_last: true, every_n_train_steps: 20}
  logger: false
CONFIG
# Addresses instead of whatever networks the machine has besides; TCP, as between real hosts.
options="--mca plm_rsh_agent $folder/remote --mca oob_tcp_if_include 10.77.0.0/24"
options+=" --mca btl self,tcp --mca btl_tcp_if_include 10.77.0.0/24"

launch() {
    ip netns exec "$a" unshare --uts env HOSTFILE="$folder/hosts" MPIRUN_OPTIONS="$options" OMP_NUM_THREADS=1 \
        bash -c 'hostname host-a; exec "$@"' bash "$repository/scripts/launch.sh" 0 "$program" fit --config config.yaml "$@"
}
fail() {
    echo "two_hosts.sh: failed: $1" >&2
    sed 's/^/  | /' log >&2
    exit 1
}

launch >log 2>&1 &
run=$!
for ((i = 0; i < 600; i++)); do
    if [[ -e checkpoints/last.ckpt ]] || ! kill -0 $run 2>/dev/null; then break; fi
    sleep 0.1
done
if [[ ! -e checkpoints/last.ckpt ]]; then fail "expected a checkpoint, got none within 60 s"; fi
grep -q '2 ranks on 2 hosts' log || fail "expected two hosts"
echo "two hosts train: $(grep -o 'loss [0-9.]*' log | tail -n 1)"

ip -n "$a" link set "v$$" down
start=$SECONDS
status=0
# 5 s of timeout, and as long again for mpirun's own search for the lost host.
(sleep 60 && kill -KILL $run 2>/dev/null) &
guard=$!
wait $run || status=$?
kill $guard 2>/dev/null || true
seconds=$((SECONDS - start))
if ((status == 0 || seconds > 45)); then fail "cut link: expected a failure within 45 s, got status $status after $seconds s"; fi
# The second host's rank ends by itself. MPI's daemon there stays until it can reach the first host again.
living() { ip netns pids "$b" | xargs -r ps -o comm= -p 2>/dev/null | grep -cx lam || true; }
for ((i = 0; i < 200; i++)); do
    if (($(living) == 0)); then break; fi
    sleep 0.1
done
if (($(living) > 0)); then fail "cut link: the second host's rank lives on"; fi
if (($(grep -c 'error: ' log) != 1)); then fail "cut link: expected one line that says why"; fi
echo "cut link: status $status after $seconds s: $(grep 'error: ' log)"

ip -n "$a" link set "v$$" up
# Each side forgets only after a while that the other was out of reach: wait until a connection is refused, not lost.
reaches() { ip netns exec "$1" bash -c "exec 3<>/dev/tcp/$2/9" 2>&1 | grep -q refused; }
for ((i = 0; i < 100; i++)); do
    if reaches "$a" 10.77.0.2 && reaches "$b" 10.77.0.1; then break; fi
    sleep 0.2
done
launch --ckpt_path last --trainer.max_time 00:00:00:03 >log 2>&1 || fail "expected to go on from the checkpoint"
from=$(sed -n 's/.*resumed from .* at step \([0-9]*\)$/\1/p' log)
to=$(sed -n 's/^\([0-9]*\) steps in .*/\1/p' log)
if ((${from:-0} < 20 || ${to:-0} <= ${from:-0})); then fail "expected to go on from the checkpoint"; fi
echo "went on from step $from to $to"
