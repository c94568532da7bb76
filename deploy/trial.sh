#!/usr/bin/env bash
# Brings up the two authorities of compose.yaml and lets them exchange a request and evidence; ends with a verified bag.
#
#   deploy/trial.sh DIR           DIR must not exist; it keeps the keeper's key, the directory and the bag
#   ROGATORY_IMAGE=rogatory:0.1.0 the image; COMPOSE_PROJECT_NAME=trial names containers and volumes
#
# Afterwards: docker compose -f deploy/compose.yaml -p trial down --volumes
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="${1:?name a folder that does not exist}"
export ROGATORY_IMAGE="${ROGATORY_IMAGE:-rogatory:latest}" COMPOSE_PROJECT_NAME="${COMPOSE_PROJECT_NAME:-trial}"
mkdir "$work"
work="$(cd "$work" && pwd)"

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose+=(-f "$here/compose.yaml")

# What an officer does: first or second person, by their Unix user. The group reaches the socket.
first() { docker exec -i --user 1000:65532 "$(name "$1")" /rogatory "${@:2}"; }
second() { docker exec -i --user 1001:65532 "$(name "$1")" /rogatory "${@:2}"; }
operator() { docker exec -i "$(name "$1")" /rogatory "${@:2}"; }
name() { "${compose[@]}" ps -q "$1"; }
# The keeper of the directory needs no node and no network.
keeper() { docker run --rm -i --network none --user "$(id -u)" -v "$work:/keeper" -w /keeper "$ROGATORY_IMAGE" "$@"; }
# The value of a field in the JSON of standard input.
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" | head -1; }
# Asks for at most a minute until a command succeeds.
await() {
    for _ in $(seq 120); do if "${@:2}" >/dev/null 2>&1; then return 0; fi; sleep 0.5; done
    echo "waited a minute for $1" >&2
    return 1
}
# Whether the log of a node has a record of that event about that request.
logged() { first "$1" custody log --request "$3" --json | grep -q "\"$2\""; }

"${compose[@]}" up -d
for node in xa-moj xb-moj; do
    await "$node to answer" operator "$node" config show
    await "the entry of $node" docker cp "$(name "$node"):/data/directory-entry.json" "$work/$node.json"
done

keeper directory keygen --out keeper.pem >/dev/null
root="$(keeper directory new directory --key keeper.pem --threshold 1 | sed -n 's/^Fingerprint.* //p')"
keeper directory add directory xa-moj.json xb-moj.json >/dev/null
keeper directory sign directory --key keeper.pem >/dev/null
keeper directory pack directory trial.rogatory-directory >/dev/null
for node in xa-moj xb-moj; do
    operator "$node" directory import /dev/stdin --data /data --trust-root "$root" <"$work/trial.rogatory-directory"
done
# A running node sees the new directory by itself.
for node in xa-moj xb-moj; do await "$node to be ready" operator "$node" healthcheck; done
operator xa-moj doctor XB-MOJ

request="$(first xa-moj request new --to XB-MOJ --reference XA-2026-1 --subject "Statement of a witness" \
    --proceeding-authority "Prosecutor of Arcadia" --functions "Investigates crimes" --nature "Criminal investigation" \
    --facts "What happened on the bridge on 3 March 2025." --law "Penal Code, art. 142" --penalty "Ten years" \
    --purpose "To learn who did it" --measure "evidence=The recording of the bridge" --basis "Treaty of 2023" \
    --json | field request_id)"
second xa-moj request approve "$request" >/dev/null
second xa-moj request send "$request" >/dev/null
await "the request in Borealia" first xb-moj request show "$request"

package="$(head -c 3000000 /dev/urandom | first xb-moj package seal --request "$request" - --json | field package_id)"
second xb-moj package send "$package" >/dev/null
await "the evidence in Arcadia" logged xa-moj content.received "$request"
first xa-moj package export "$package" --purpose "Trial of the deployment" --to - >"$work/bag.tar"
keeper verify bag.tar --trust-root "$root"
echo "$request" >"$work/request"
echo "$package" >"$work/package"
echo "$root" >"$work/trust-root"
