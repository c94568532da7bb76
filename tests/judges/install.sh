#!/bin/sh
# Installs the foreign judges that the tests call: programs that others wrote and that must agree with ours.
# Run it again at any time. ROGATORY_JUDGES_VENV names the Python environment (default target/judges-venv).
set -eu

cd "$(dirname "$0")/../.."
venv="${ROGATORY_JUDGES_VENV:-target/judges-venv}"

missing=""
# The linker that every build here needs; the fuzzer is C++.
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
command -v c++ >/dev/null || missing="$missing g++"
command -v git >/dev/null || missing="$missing git"
command -v jq >/dev/null || missing="$missing jq"
command -v openssl >/dev/null || missing="$missing openssl"
command -v pdftotext >/dev/null || missing="$missing poppler-utils"
command -v qpdf >/dev/null || missing="$missing qpdf"
command -v nft >/dev/null || missing="$missing nftables"
command -v shellcheck >/dev/null || missing="$missing shellcheck"
command -v script >/dev/null || missing="$missing bsdutils"
command -v curl >/dev/null || missing="$missing curl"
command -v go >/dev/null || missing="$missing golang-go"
test -d /usr/share/gocode/src/golang.org/x/mod || missing="$missing golang-golang-x-mod-dev"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if test -n "$missing"; then
    # Intended splitting: one word a package.
    # shellcheck disable=SC2086
    apt-get update -q && apt-get install -q -y --no-install-recommends $missing
fi

test -x "$venv/bin/python" || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    'cryptography>=50' bagit==1.9.0 case-utils==0.18.0 tlog-scales==0.0.3 tuf==7.0.1 securesystemslib==1.6.0 \
    kubernetes-validate==1.37.0
# Only the checker of rules out of the package: the package itself would start a server.
if ! command -v promtool >/dev/null && ! test -x "$venv/bin/promtool"; then
    unpacked="$(mktemp -d)"
    (cd "$unpacked" && apt-get download -q prometheus && dpkg-deb -x prometheus_*.deb .)
    install -m 0755 "$unpacked/usr/bin/promtool" "$venv/bin/promtool"
    rm -rf "$unpacked"
fi
"$venv/bin/python" -c 'import bagit, case_utils, cryptography.cobblestone, tuf; print("judges ready")'
