#!/usr/bin/env bash
# Makes the base image that deploy/Dockerfile asks for where no registry can be reached: Debian by debootstrap, with the Rust
# of this machine. Needs root and debootstrap. Does nothing if the image is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
name="$(sed -n 's/^ARG RUST_IMAGE=//p' deploy/Dockerfile)"
if docker image inspect "$name" >/dev/null 2>&1; then echo "$name is there"; exit 0; fi
root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=gcc,libc6-dev,ca-certificates bookworm "$root" >&2
mkdir -p "$root/usr/local/cargo"
cp -aL "$(rustc --print sysroot)" "$root/usr/local/rust"
rm -rf "$root/usr/local/rust/share" "$root"/var/cache/apt/*
# A machine behind a proxy that signs for registries has its own list of those whom it trusts.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
tar -C "$root" -c . | docker import \
    -c 'ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENV CARGO_HOME=/usr/local/cargo' - "$name"
