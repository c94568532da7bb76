#!/usr/bin/env bash
# What deploy/ ships, judged by the programs that read it: Kubernetes schemas, promtool, systemd, nft, compose. A judge that is not
# installed is named, and nothing is claimed for it. Seconds; needs no Docker.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
venv="${ROGATORY_JUDGES_VENV:-target/judges-venv}"
case "$venv" in /*) PATH="$PATH:$venv/bin" ;; *) PATH="$PATH:$PWD/$venv/bin" ;; esac
failed=0
judge() {
    local what="$1"
    shift
    if "$@" >"$work/said" 2>&1; then echo "ok    $what"; else echo "FAIL  $what"; cat "$work/said"; failed=1; fi
}
missing() { echo "----  $1: not checked, there is no $2 here"; }
# Called through `judge`.
# shellcheck disable=SC2317
refuses() { ! "$@"; }

manifest=deploy/kubernetes/rogatory.yaml
if test -x "$venv/bin/kubernetes-validate"; then
    # Strict: a name that no schema knows is an error. The second makes sure that the judge judges.
    judge "$manifest against the schemas" "$venv/bin/kubernetes-validate" --strict "$manifest"
    sed 's/runAsNonRoot: true/runAsNonRoot: maybe/' "$manifest" >"$work/broken.yaml"
    judge "a broken manifest is refused" refuses "$venv/bin/kubernetes-validate" --strict "$work/broken.yaml"
else
    missing "$manifest" kubernetes-validate
fi

if command -v promtool >/dev/null; then
    judge "alerts" promtool check rules deploy/prometheus/alerts.yaml
    judge "alerts fire and are silent" promtool test rules deploy/prometheus/alerts_test.yaml
    # Each question of the dashboard as a rule: promtool knows PromQL. The variable of the dashboard is a pattern to it.
    jq -r '"groups: [{name: dashboard, rules: [" + ([.panels[].targets[].expr | sub("\\$instance"; ".*")
        | "{record: dashboard:question, expr: " + (. | @json) + "}"] | join(", ")) + "]}]"' deploy/grafana/rogatory.json >"$work/dashboard.yaml"
    judge "the dashboard asks in PromQL" promtool check rules "$work/dashboard.yaml"
else
    missing "alerts and dashboard" promtool
fi

if command -v systemd-analyze >/dev/null; then
    # The program of the unit is not installed where it is tested.
    sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' deploy/rogatory.service >"$work/rogatory.service"
    judge "the unit" systemd-analyze verify "$work/rogatory.service"
    judge "the unit leaves little open" systemd-analyze security --offline=true --threshold=20 "$work/rogatory.service"
else
    missing "the unit" systemd-analyze
fi

if command -v nft >/dev/null && unshare -n true 2>/dev/null; then
    # The user of the node is not on the machine where it is tested.
    sed 's/skuid rogatory/skuid nobody/' deploy/nftables.conf >"$work/nftables.conf"
    judge "the firewall" unshare -n nft -c -f "$work/nftables.conf"
else
    missing "the firewall" "nft, or no right to a network namespace,"
fi

if docker compose version >/dev/null 2>&1; then
    judge "compose.yaml" docker compose -f deploy/compose.yaml config -q
elif command -v docker-compose >/dev/null; then
    judge "compose.yaml" docker-compose -f deploy/compose.yaml config -q
else
    missing "compose.yaml" "docker compose"
fi

if command -v shellcheck >/dev/null; then
    judge "the scripts" shellcheck deploy/*.sh tests/deploy.sh tests/deploy/*.sh
else
    missing "the scripts" shellcheck
fi
exit "$failed"
