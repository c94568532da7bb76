#!/usr/bin/env bash
# Writes the node of the present version under tests/vectors/releases/<version>/. Run once for each release, before it is tagged;
# what lies there is never changed afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
ROGATORY_WRITE_RELEASE=1 cargo test --locked --test cli release::
