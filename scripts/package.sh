#!/usr/bin/env bash
# Makes a relocatable archive: the program, the libraries that it needs, their licences, manual page, completions.
# Usage: package.sh [--program FILE] [--output FOLDER]
#
# The libraries are those of this machine without the C library, which the other machine has to bring in at least this
# version. Open MPI's launcher and plugins are not among them: the archive is for one process.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=
output=$PWD
while (($# > 0)); do
    case $1 in
    --program) program=$2 ;;
    --output) output=$2 ;;
    *)
        echo "package.sh: $1: expected --program FILE or --output FOLDER" >&2
        exit 2
        ;;
    esac
    shift 2
done
for tool in patchelf ldd; do
    if ! command -v "$tool" >/dev/null; then
        echo "package.sh: $tool: not found; run apt-get install $([[ $tool == ldd ]] && echo libc-bin || echo "$tool")" >&2
        exit 1
    fi
done
if [[ -z $program ]]; then
    (cd "$root" && source scripts/bootstrap.sh && swift build -c release --product lam -Xswiftc -gnone >&2)
    program=$root/.build/release/lam
fi

version=$("$program" --version)
name=lam-$version-linux-$(uname -m)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tree=$stage/$name
mkdir -p "$tree/bin" "$tree/lib" "$tree/licences" "$tree/config"
install -m 755 "$program" "$tree/bin/lam"
strip --strip-debug "$tree/bin/lam"
cp "$root"/config/*.yaml "$tree/config/"
cp "$root/LICENSE" "$root/README.md" "$tree/"

# What the loader itself consists of belongs to the machine.
is_of_the_machine() {
    case $1 in
    ld-linux*.so.* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.* | libutil.so.*) return 0 ;;
    *) return 1 ;;
    esac
}

licence_of() {
    local file=$1 package
    package=$(dpkg-query -S "$(readlink -f "$file")" 2>/dev/null | head -n 1 | cut -d : -f 1 || true)
    if [[ -n $package && -e /usr/share/doc/$package/copyright ]]; then
        cp -L "/usr/share/doc/$package/copyright" "$tree/licences/$package"
    elif [[ $file == */swift/* ]]; then
        cp -L "$(dirname "$(readlink -f "$(command -v swift)")")/../share/swift/LICENSE.txt" "$tree/licences/swift" 2>/dev/null ||
            echo "Swift's runtime, Apache License 2.0 with Runtime Library Exception: https://swift.org/LICENSE.txt" \
                >"$tree/licences/swift"
    fi
}

unresolved=$(ldd "$program" | grep 'not found' || true)
if [[ -n $unresolved ]]; then
    echo "package.sh: $program: expected all of its libraries on this machine, got: $unresolved" >&2
    exit 1
fi
while read -r library file; do
    if is_of_the_machine "$library"; then continue; fi
    install -m 644 "$file" "$tree/lib/$library"
    licence_of "$file"
done < <(ldd "$program" | sed -nE 's/^\s*(\S+) => (\/\S+) .*/\1 \2/p')

# Found beside the program, wherever that is, before the machine's own.
# shellcheck disable=SC2016  # the loader expands $ORIGIN, not this shell
patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$tree/bin/lam"
for library in "$tree"/lib/*; do
    # shellcheck disable=SC2016
    patchelf --force-rpath --set-rpath '$ORIGIN' "$library"
done

"$root/scripts/install-docs.sh" "$tree/bin/lam" "$tree/share"
mkdir -p "$output"
tar -C "$stage" --owner 0 --group 0 --sort name -czf "$output/$name.tar.gz" "$name"
echo "$output/$name.tar.gz: $(du -h "$output/$name.tar.gz" | cut -f 1), $(find "$tree/lib" -type f | wc -l) libraries"
