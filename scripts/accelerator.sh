#!/usr/bin/env bash
# Fetches a PJRT plugin, through which lam computes on a GPU or TPU, and the libraries that it needs: wheels of the Python
# package index, whose files are unpacked. No Python is needed, then or later.
#
#   bash scripts/accelerator.sh [--yes] cuda13|cuda12|tpu|cpu
#
# They go to ~/.cache/lam/pjrt/<name> (XDG_CACHE_HOME counts). PIP_INDEX_URL names another index; LAM_WHEELS a folder that has
# the wheels already. --yes: nothing is asked.
set -euo pipefail

# File, sha256, bytes, and what it is, with its licence.
lam_wheels() {
    case $1 in
    cuda13) cat <<'WHEELS' ;;
jax_cuda13_pjrt-0.12.0.1-py3-none-manylinux_2_27_x86_64.whl 5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90 134922808 XLA's plugin, Apache-2.0
nvidia_cublas-13.10.0.20-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84 444289903 NVIDIA's licence
nvidia_cudnn_cu13-9.28.1.4-py3-none-manylinux_2_27_x86_64.whl a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec 516817937 NVIDIA's licence
nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d 2504024 NVIDIA's licence
nvidia_nvjitlink-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl 280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb 46642491 NVIDIA's licence
nvidia_cuda_nvrtc-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl 86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc 58185930 NVIDIA's licence
nvidia_nvvm-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070 75141406 NVIDIA's licence
nvidia_nccl_cu13-2.32.3-py3-none-manylinux_2_27_x86_64.whl 1459723080ac889d73a26edfa3e04383a7928ab31ac8f0ec43b3ea9548b04ff3 305100071 BSD-3-Clause
WHEELS
    cuda12) cat <<'WHEELS' ;;
jax_cuda12_pjrt-0.12.0.1-py3-none-manylinux_2_27_x86_64.whl 5ec28e06198d094031c37590b4ea753ae8cde4879ab4b60baf40f0dffb673286 191846358 XLA's plugin, Apache-2.0
nvidia_cublas_cu12-12.9.3.13-py3-none-manylinux_2_27_x86_64.whl d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72 581217458 NVIDIA's licence
nvidia_cudnn_cu12-9.28.0.42-py3-none-manylinux_2_27_x86_64.whl 9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375 716538495 NVIDIA's licence
nvidia_cuda_runtime_cu12-12.9.79-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl 25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3 3493179 NVIDIA's licence
nvidia_nvjitlink_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9 39748338 NVIDIA's licence
nvidia_cuda_nvrtc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl 210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4 89568129 NVIDIA's licence
nvidia_cuda_nvcc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl 5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0 40546229 NVIDIA's licence
nvidia_nccl_cu12-2.32.3-py3-none-manylinux_2_27_x86_64.whl bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c 351526311 BSD-3-Clause
WHEELS
    tpu) cat <<'WHEELS' ;;
libtpu-0.0.52-cp315-cp315t-manylinux_2_31_x86_64.whl 167554bafdbff2f4a65ce5acda131eb6770821b49d242d99ea1bbb2b604be29a 137065439 Google's licence
WHEELS
    cpu) cat <<'WHEELS' ;;
fastatomstruct_xla_cpu-2026.6.23-py3-none-manylinux_2_27_x86_64.whl 88b1c430b341b4bea40a37420311c9c75db6e22b46d2ff95b6986577bee6afe9 63200622 XLA's plugin for CPUs, Apache-2.0
WHEELS
    *) return 1 ;;
    esac
}

# Where the index says that a wheel is. The page has one link for each file.
lam_wheel_url() {
    local file=$1 index=${PIP_INDEX_URL:-https://pypi.org/simple} package link page
    package=$(sed -E 's/-[0-9].*//; s/_/-/g' <<<"$file")
    page=${index%/}/$package/
    link=$(curl -fsSL --retry 3 "$page" | grep -oE "href=\"[^\"]*${file}[^\"]*\"" | head -n 1 | sed -E 's/^href="//; s/[#"].*//')
    if [[ -z $link ]]; then
        echo "accelerator.sh: $page: expected a link to $file, got none; name another index with PIP_INDEX_URL" >&2
        return 1
    fi
    case $link in
    http*) echo "$link" ;;
    /*) echo "$(grep -oE '^https?://[^/]+' <<<"$index")$link" ;;
    *) echo "$page$link" ;;
    esac
}

lam_fetch_wheel() {
    local file=$1 digest=$2 folder=$3 got
    if [[ -n ${LAM_WHEELS:-} && -f $LAM_WHEELS/$file ]]; then
        cp "$LAM_WHEELS/$file" "$folder/$file"
    else
        local url
        url=$(lam_wheel_url "$file")
        curl -fL --retry 3 --progress-bar -o "$folder/$file" "$url"
    fi
    got=$(sha256sum "$folder/$file" | cut -d ' ' -f 1)
    if [[ $got != "$digest" ]]; then
        echo "accelerator.sh: $file: expected the sha256 $digest, got $got; fetch it again" >&2
        return 1
    fi
}

lam_main() {
    local yes="" name="" argument
    for argument in "$@"; do
        case $argument in
        --yes) yes=1 ;;
        *) name=$argument ;;
        esac
    done
    local wheels
    if ! wheels=$(lam_wheels "${name:-none}"); then
        echo "usage: bash scripts/accelerator.sh [--yes] cuda13|cuda12|tpu|cpu" >&2
        return 2
    fi
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/lam/pjrt
    local target=$cache/$name marker file digest size what total=0
    marker=$(sha256sum <<<"$wheels" | cut -d ' ' -f 1)
    if [[ -f $target/complete && $(<"$target/complete") == "$marker" ]]; then
        echo "accelerator.sh: $target is there already"
        return 0
    fi
    for argument in curl unzip sha256sum; do
        if ! command -v "$argument" >/dev/null; then
            echo "accelerator.sh: expected $argument on PATH, got none; install it" >&2
            return 1
        fi
    done
    echo "accelerator.sh: to $target:"
    while read -r file digest size what; do
        total=$((total + size))
        printf '  %6d MB  %s (%s)\n' $((size / 1000000)) "${file%%-py3*}" "$what"
    done <<<"$wheels"
    # Unpacked libraries are about four times as large as the CPU's wheel and twice as large as the others.
    local disk=$((total * ($([[ $name == cpu ]] && echo 5 || echo 3)) / 1000000))
    echo "  $((total / 1000000)) MB to fetch, up to $disk MB of disk meanwhile"
    mkdir -p "$cache"
    local free
    free=$(df -Pm "$cache" | awk 'NR == 2 {print $4}')
    if ((free < disk)); then
        echo "accelerator.sh: $cache: expected $disk MB of free disk, got $free; set XDG_CACHE_HOME to another disk" >&2
        return 1
    fi
    if [[ -z $yes && -t 0 ]]; then
        read -r -p "Fetch them under these licences? [Y/n] " argument
        if [[ $argument == [nN]* ]]; then return 1; fi
    fi
    local work
    work=$(mktemp -d "$cache/.$name.XXXXXX")
    # shellcheck disable=SC2064  # the folder is this one
    trap "rm -rf '$work'" EXIT
    while read -r file digest size what; do
        lam_fetch_wheel "$file" "$digest" "$work"
        unzip -q -o "$work/$file" -d "$work/site"
        rm "$work/$file"
    done <<<"$wheels"
    echo "$marker" >"$work/site/complete"
    rm -rf "$target"
    mv "$work/site" "$target"
    echo "accelerator.sh: $target is complete"
}

lam_main "$@"
