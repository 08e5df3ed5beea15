#!/usr/bin/env bash
# Makes a folder that tells on any machine with a PJRT plugin whether its device computes what it should, and how fast. The
# folder needs neither this repository nor Swift, FFmpeg, HDF5, MPI or a network.
#
#   bash scripts/device-check.sh make FOLDER
#   FOLDER/device-check.sh run [PLUGIN] [--small]      prints a table, and writes device-check.json where it is called
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

make_folder() {
    local folder=$1 program size library limit=$((45 << 20))
    cd "$here/.."
    # shellcheck source=scripts/bootstrap.sh
    source scripts/bootstrap.sh
    swift build -c release --static-swift-stdlib --product DeviceCheck
    program=$(swift build -c release --static-swift-stdlib --show-bin-path)/DeviceCheck
    mkdir -p "$folder/lib"
    # Two thirds of the program are tables of the world's languages, which Foundation brings along and nobody asks.
    cp "$program" "$folder/DeviceCheck"
    strip "$folder/DeviceCheck"
    gzip -9 -f "$folder/DeviceCheck"
    # Libraries beside the system's own: every machine with a driver has the C library.
    ldd "$program" | awk '$3 ~ /^\// {print $3}' | while read -r library; do
        case $(basename "$library") in
        libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.* | ld-linux*) ;;
        *) cp "$library" "$folder/lib/" ;;
        esac
    done
    cp "$here/device-check.sh" "$folder/"
    size=$(du -sb "$folder" | cut -f 1)
    if ((size > limit)); then
        echo "device-check.sh: $folder: expected at most $limit bytes, got $size" >&2
        return 1
    fi
    echo "device-check.sh: $folder: $((size >> 20)) MiB"
}

find_plugin() {
    local root file
    for root in "${XDG_CACHE_HOME:-$HOME/.cache}"/lam/pjrt/* "${VIRTUAL_ENV:-/nowhere}"/lib/python3*/site-packages \
        "$HOME"/.local/lib/python3*/site-packages /usr/local/lib/python3*/{dist,site}-packages \
        /usr/lib/python3*/dist-packages; do
        for file in jax_plugins/xla_cuda13/xla_cuda_plugin.so jax_plugins/xla_cuda12/xla_cuda_plugin.so libtpu/libtpu.so; do
            if [[ -f $root/$file ]]; then
                echo "$root/$file"
                return 0
            fi
        done
    done
    echo "device-check.sh: expected a PJRT plugin of a GPU or TPU, found none; give its path" >&2
    return 1
}

run_check() {
    local plugin="" option options=()
    for option in "$@"; do
        case $option in
        --*) options+=("$option") ;;
        *) plugin=$option ;;
        esac
    done
    if [[ -z $plugin ]]; then plugin=${LAM_PJRT_PLUGIN:-$(find_plugin)}; fi
    local work
    work=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder is this one
    trap "rm -rf '$work'" EXIT
    gunzip -c "$here/DeviceCheck.gz" >"$work/DeviceCheck"
    chmod +x "$work/DeviceCheck"
    LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
        "$work/DeviceCheck" "$plugin" "${options[@]}" --json device-check.json
}

case ${1:-} in
make) make_folder "${2:?the folder to make}" ;;
run) shift && run_check "$@" ;;
*)
    echo "usage: bash scripts/device-check.sh make FOLDER | run [PLUGIN] [--small]" >&2
    exit 2
    ;;
esac
