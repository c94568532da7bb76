#!/usr/bin/env bash
# Every check of the project, on a fresh machine: Debian, root or sudo, Rust 1.95 with cargo. Installs what is missing
# (the foreign judges by apt and pip, cargo-deny and cargo-fuzz by cargo), runs every stage even after one that failed,
# and ends with the time of each.
#
#   tests/all.sh                  everything, at most 40 minutes cold on two cores
#   tests/all.sh STAGE...         only these: judges format lint test document deny deploy fuzz containers
#   ROGATORY_SOAK=1               more rounds in the property, simulation and crash tests
#   ROGATORY_FUZZ_SECONDS=8       seconds for each fuzz target
#   ROGATORY_ADVISORY_DB=DIR      a snapshot of the RustSec advisory database: a folder with `crates/` in it
set -uo pipefail
cd "$(dirname "$0")/.."

export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
export RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
fuzz_seconds="${ROGATORY_FUZZ_SECONDS:-8}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# apt-get asks for root; the Python environment of the judges stays the caller's.
judges() {
    if test "$(id -u)" != 0; then
        mkdir "$scratch/bin"
        printf '#!/bin/sh\nexec sudo /usr/bin/apt-get "$@"\n' >"$scratch/bin/apt-get"
        chmod +x "$scratch/bin/apt-get"
        PATH="$scratch/bin:$PATH" tests/judges/install.sh
    else
        tests/judges/install.sh
    fi
}

format() {
    cargo fmt --check && (cd fuzz && cargo fmt --check)
}

lint() {
    cargo clippy --locked --all-targets -- -D warnings
}

# The tidy rules (tests/tidy.rs) are tests like the others.
run_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-fail-fast && cargo test --locked --doc
    else
        cargo test --locked --no-fail-fast
    fi
}

document() {
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
}

deny() {
    cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny || return 1
    cargo deny --locked check bans licenses sources || return 1
    if test -z "${ROGATORY_ADVISORY_DB:-}"; then
        echo "advisories: not checked; ROGATORY_ADVISORY_DB names no snapshot of the advisory database"
        return 0
    fi
    advisories
}

# cargo-deny reads only a git clone under a fixed name, with a FETCH_HEAD; it is made from the snapshot here.
advisories() {
    local git=(git -c user.name=check -c user.email=check@localhost -c init.defaultBranch=main)
    local clone="$scratch/db/advisory-db-3157b0e258782691"
    mkdir -p "$scratch/snapshot" "$scratch/db"
    cp -r "$ROGATORY_ADVISORY_DB"/. "$scratch/snapshot" && rm -rf "$scratch/snapshot/.git"
    (cd "$scratch/snapshot" && "${git[@]}" init -q && "${git[@]}" add -A && "${git[@]}" commit -qm snapshot) || return 1
    git clone -q "$scratch/snapshot" "$clone" && git -C "$clone" fetch -q || return 1
    sed "s|^\[advisories\]|&\ndb-path = \"$scratch/db\"|" deny.toml >"$scratch/deny.toml"
    echo "advisories: against the snapshot, whose newest file is of $(find "$ROGATORY_ADVISORY_DB" -name '*.md' -printf '%TF\n' | sort | tail -1)"
    cargo deny --offline --config "$scratch/deny.toml" check advisories
}

# What deploy/ ships, judged by the programs that read it.
deploy() {
    tests/deploy/files.sh
}

# The node in containers: some five minutes, so it runs only when it is named.
containers() {
    cargo build --locked || return 1
    local code=0
    tests/deploy.sh || code=$?
    if test "$code" = 77; then
        echo "containers: NOT tested: there is no Docker engine here"
        return 0
    fi
    return "$code"
}

# No sanitizer: the product forbids unsafe code. The targets count memory and panic beyond their bound (fuzz/src/memory.rs).
fuzz() {
    cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz || return 1
    export RUSTC_BOOTSTRAP=1
    cargo fuzz build --sanitizer none || return 1
    local host failed=0
    host="$(rustc -vV | sed -n 's/^host: //p')"
    export fuzz_seconds host
    cargo fuzz list | xargs -P "$(nproc)" -I{} bash -c '
        mkdir -p "fuzz/corpus/{}" "fuzz/artifacts/{}" "fuzz/seeds/{}"
        if "fuzz/target/$host/release/{}" -max_total_time="$fuzz_seconds" -rss_limit_mb=1024 -timeout=10 -max_len=65536 \
            -artifact_prefix="fuzz/artifacts/{}/" "fuzz/corpus/{}" "fuzz/seeds/{}" >"fuzz/artifacts/{}.log" 2>&1
        then echo "fuzz {}: $(grep -c . <(ls fuzz/seeds/{})) seeds, $(sed -n "s/^Done \([0-9]*\) runs.*/\1/p" "fuzz/artifacts/{}.log") runs"
        else tail -25 "fuzz/artifacts/{}.log"; echo "fuzz {}: FAILED"; exit 1
        fi' || failed=1
    return "$failed"
}

# Seconds that passed, and seconds of a processor: the second does not grow on a busy machine.
TIMEFORMAT='%0R %0U'
stages=("$@")
test "${#stages[@]}" -gt 0 || stages=(judges format lint test document deny deploy fuzz)
report=""
status=0
for stage in "${stages[@]}"; do
    case "$stage" in
        judges | format | lint | document | deny | deploy | fuzz | containers) run="$stage" ;;
        test) run=run_tests ;;
        *) echo "no stage is called $stage; see the head of tests/all.sh" >&2; exit 2 ;;
    esac
    echo "== $stage"
    if { time { (set -e; "$run") 2>&3; }; } 3>&2 2>"$scratch/time"; then verdict=passed; else verdict=FAILED; status=1; fi
    read -r real cpu <"$scratch/time"
    report+="$(printf '%-10s %-7s %6d s %6d s of a core' "$stage" "$verdict" "$real" "${cpu%.*}")"$'\n'
done
printf '\n%s%-10s %-7s %6d s\n' "$report" total "" "$SECONDS"
exit "$status"
