#!/usr/bin/env bash
# Builds the program twice, from two copies of the committed tree in two directories, and compares the bytes. Paths are mapped to
# one name, so that where it was built does not show. The profile is the first argument; `release` is what counts.
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${1:-release}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
registry="${CARGO_HOME:-$HOME/.cargo}"
digests=()
for name in one a-longer-name-than-the-other; do
    mkdir -p "$scratch/$name"
    git archive HEAD | tar -x -C "$scratch/$name"
    (
        cd "$scratch/$name"
        export RUSTFLAGS="--remap-path-prefix=$scratch/$name=/build --remap-path-prefix=$registry=/cargo"
        export SOURCE_DATE_EPOCH=0
        nice -n 19 cargo build --locked --profile "$profile" --bin rogatory
    )
    folder="$profile"
    test "$profile" != dev || folder=debug
    digests+=("$(sha256sum "$scratch/$name/target/$folder/rogatory" | cut -d" " -f1)")
    rm -rf "$scratch/$name"
done
printf "%s\n" "${digests[@]}"
test "${digests[0]}" = "${digests[1]}"
