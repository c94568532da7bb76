#!/usr/bin/env bash
# The node as operators deploy it, with a real Docker engine: image, two authorities in networks of their own, exchange,
# partition, kill, restart, upgrade with a transfer under way; and the bag at the end. About two minutes.
#
#   tests/deploy.sh PROGRAM [PREVIOUS]   PROGRAM is the `rogatory` to put into the image (default target/debug/rogatory);
#                                        PREVIOUS the one that is upgraded from (default: the same program, another image)
#   tests/deploy.sh --image IMAGE [PREVIOUS-IMAGE]   images that are there already, e.g. those of `just image`
#
# Exit 0: passed; 1: failed; 77: there is no Docker engine, and nothing was tested.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! docker info >/dev/null 2>&1; then
    echo "deploy: there is no Docker engine here; nothing was tested" >&2
    exit 77
fi
export DOCKER_BUILDKIT=0
work="$(mktemp -d)"
export COMPOSE_PROJECT_NAME="rogatory-test-$$"
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose+=(-f deploy/compose.yaml)
made=()
clean() {
    local code=$?
    if test "$code" != 0; then "${compose[@]}" logs --tail 15 2>/dev/null || true; fi
    "${compose[@]}" down --volumes --timeout 5 >"$work/down" 2>&1 || cat "$work/down"
    test "${#made[@]}" = 0 || docker rmi -f "${made[@]}" >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$code"
}
trap clean EXIT

step() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
fail() { echo "deploy: $*" >&2; exit 1; }

# The image of deploy/Dockerfile around a program that is built already: its last stage, with the libraries that a program
# which is not static needs.
image_of() {
    local program="$1" tag="$2" context="$work/context" library
    rm -rf "$context"
    mkdir -p "$context/image/etc/ssl/certs" "$context/image/data" "$context/image/lib" "$context/image/lib64"
    chmod 0750 "$context/image/data"
    cp "$program" "$context/image/rogatory"
    strip "$context/image/rogatory" 2>/dev/null || true
    if ldd "$program" >/dev/null 2>&1; then
        ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$context/image$(dirname "$library")"
            cp -L "$library" "$context/image$library"
        done
    fi
    sed -e '/^ARG RUST_IMAGE/d' -e '/^FROM .* AS build$/,/^$/d' -e 's/--from=build //' -e 's|^\(COPY.*\) /image/|\1 image/|' \
        -e '/^COPY image\/rogatory /i COPY image/lib/ /lib/\nCOPY image/lib64/ /lib64/' deploy/Dockerfile >"$context/Dockerfile"
    docker build -q -t "$tag" --build-arg VERSION="$tag" "$context" >/dev/null
    made+=("$tag")
}

if test "${1:-}" = --image; then
    new="${2:?name an image}" old="${3:-$2}"
else
    program="${1:-target/debug/rogatory}"
    test -x "$program" || fail "there is no program $program; build it first (cargo build)"
    new="rogatory-test:new-$$" old="rogatory-test:old-$$"
    image_of "${2:-$program}" "$old"
    image_of "$program" "$new"
    step "images made"
fi

# What a stranger finds in the image.
docker run --rm --network none "$new" --version >/dev/null
test "$(docker image inspect -f '{{.Config.User}}' "$new")" = 65532:65532 || fail "the image runs as root"
! docker run --rm --network none --entrypoint /bin/sh "$new" -c true 2>/dev/null || fail "there is a shell in the image"
refused="$(docker run --rm --network none "$new" 2>&1)" && fail "a container without its variables started"
case "$refused" in
    *$'\n'*) fail "without variables it said more than a sentence: $refused" ;;
    *"ROGATORY_AUTHORITY is not set"*) ;;
    *) fail "without variables it said: $refused" ;;
esac
step "the image is small ($(docker image inspect -f '{{.Size}}' "$new") bytes), has no shell, no root, and says what it lacks"

trial="$work/trial"
ROGATORY_IMAGE="$old" deploy/trial.sh "$trial" >"$work/trial.log" 2>&1 || { cat "$work/trial.log"; fail "the trial failed"; }
step "two authorities made themselves, found a directory, and exchanged a request and evidence"

# An officer's command in a node: node, person, words. The JSON of it goes through `jq`.
person() { docker exec -i --user "$2:65532" "$("${compose[@]}" ps -q "$1")" /rogatory "${@:3}"; }
log() { person "$1" 1000 custody log --json; }
# Asks for at most two minutes until a command succeeds.
await() {
    for _ in $(seq 240); do if "${@:2}" >/dev/null 2>&1; then return 0; fi; sleep 0.5; done
    fail "waited two minutes for $1"
}
has() { log "$1" | jq -e --arg event "$2" --arg id "$3" '[.entries[] | select(.event == $event and .message_id == $id)] | length > 0'; }
delivered() {
    log "$1" | jq -e --arg id "$2" '[.entries[] | select(.event == "message.delivered" and .message_id == $id
        and .stage == "content-consignment")] | length > 0'
}
ready() { docker exec "$("${compose[@]}" ps -q "$1")" /rogatory healthcheck; }
# A request from Arcadia; prints the message's id.
ask() {
    local id
    id="$(person xa-moj 1000 request new --to XB-MOJ --reference "$1" --subject "$1" --proceeding-authority P --functions F \
        --nature N --facts F --law L --penalty P --purpose P --measure evidence=M --basis B --json | jq -r .request_id)"
    person xa-moj 1001 request approve "$id" >/dev/null
    person xa-moj 1001 request send "$id" --json | jq -r .message_id
}
between="${COMPOSE_PROJECT_NAME}_between"
messages=()

docker network disconnect "$between" "$("${compose[@]}" ps -q xb-moj)"
messages+=("$(ask partition)")
person xa-moj 65532 doctor XB-MOJ >"$work/doctor" && fail "the doctor sees no partition: $(cat "$work/doctor")"
grep -q -- '->' "$work/doctor" || fail "the doctor of a partition does not say what to do next"
docker network connect --alias xb-moj "$between" "$("${compose[@]}" ps -q xb-moj)"
await "what waited behind the partition" delivered xa-moj "${messages[0]}"
step "a partition: what was sent meanwhile arrived when it ended"

docker kill "$("${compose[@]}" ps -q xb-moj)" >/dev/null
messages+=("$(ask killed)")
"${compose[@]}" start xb-moj >/dev/null 2>&1
await "what waited for a killed node" delivered xa-moj "${messages[1]}"
"${compose[@]}" restart --timeout 30 xa-moj >/dev/null 2>&1
await "XA-MOJ to be ready again" ready xa-moj
messages+=("$(ask restarted)")
await "a message after a restart" delivered xa-moj "${messages[2]}"
step "a killed node and a restarted one: everything arrived"

# The upgrade must hit a transfer: a larger one is tried if it was over too soon.
export ROGATORY_IMAGE="$new"
request="$(cat "$trial/request")" hit=no
for mib in 192 512 2048; do
    package="$(head -c "${mib}M" /dev/urandom | person xb-moj 1000 package seal --request "$request" - --json | jq -r .package_id)"
    letter="$(person xb-moj 1001 package send "$package" --json | jq -r .message_id)"
    await "the letter of the package" has xa-moj message.received "$letter"
    "${compose[@]}" up -d --timeout 30 --force-recreate >"$work/up" 2>&1 || { cat "$work/up"; fail "the upgrade failed"; }
    await "the rest of the package" has xa-moj content.received "$letter"
    # The start of the new program must stand between the letter and the last byte of its files.
    hit="$(log xa-moj | jq -r --arg id "$letter" '
        ([.entries[] | select(.message_id == $id and .event == "message.received") | .index] | first) as $from
        | ([.entries[] | select(.message_id == $id and .event == "content.received") | .index] | first) as $to
        | if any(.entries[]; .event == "node.started" and .index > $from and .index < $to) then "yes" else "no" end')"
    if test "$hit" = yes; then break; fi
done
test "$hit" = yes || fail "no transfer was slow enough to be hit by the upgrade"
for node in xa-moj xb-moj; do
    await "$node to be ready" ready "$node"
    running="$(docker inspect -f '{{.Config.Image}}' "$("${compose[@]}" ps -q "$node")")"
    test "$running" = "$new" || fail "$node runs $running"
done
messages+=("$(ask upgraded)")
await "a message after the upgrade" delivered xa-moj "${messages[3]}"
step "both nodes upgraded with $mib MiB under way; the transfer went on"

for message in "${messages[@]}"; do
    came="$(log xb-moj | jq --arg id "$message" '[.entries[] | select(.event == "message.received" and .message_id == $id)] | length')"
    test "$came" = 1 || fail "a message arrived $came times"
done
for node in xa-moj xb-moj; do
    person "$node" 65532 custody fsck --data /data >"$work/fsck" || { cat "$work/fsck"; fail "$node is not sound"; }
done
person xa-moj 1000 package export "$package" --purpose "Test of the deployment" --to - >"$trial/second.tar"
docker run --rm --network none --user "$(id -u)" -v "$trial:/bag:ro" "$new" \
    verify /bag/second.tar --trust-root "$(cat "$trial/trust-root")" >"$work/verdict" || { cat "$work/verdict"; fail "the bag does not verify"; }
step "each message once, both logs sound, the bag verifies: $(head -1 "$work/verdict")"
