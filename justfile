# The same stages as tests/all.sh, by hand. Without `just`: tests/all.sh STAGE...

# what every change must pass
check:
    tests/all.sh format lint test document deny

# the tests, the tidy rules among them
test *ARGS:
    cargo test --locked {{ARGS}}

# the rules of the house alone
tidy:
    cargo test --locked --test tidy

# install the foreign programs that the tests ask for their verdict
judges:
    tests/judges/install.sh

# everything, as on a fresh machine
all:
    tests/all.sh

# the measurements that SPECIFICATION.md quotes
bench *ARGS:
    cargo bench --locked {{ARGS}}

# the long rounds of the property, simulation and crash tests
soak:
    ROGATORY_SOAK=1 cargo test --locked --release

# every fuzz target for SECONDS each
fuzz SECONDS="60":
    ROGATORY_FUZZ_SECONDS={{SECONDS}} tests/all.sh fuzz

# write the wire vectors anew, after a change of the bytes that was meant
vectors:
    UPDATE_VECTORS=1 cargo test --locked --test wire

# the list of everything that is in the program (CycloneDX), as rogatory.cdx.json
sbom:
    cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked cargo-cyclonedx
    cargo cyclonedx --format json --target x86_64-unknown-linux-gnu

# the release build with the list of its dependencies inside (`cargo audit bin` reads it)
release:
    cargo auditable --version >/dev/null 2>&1 || cargo install --locked cargo-auditable
    cargo auditable build --locked --release

# the release is built twice, in two directories, and must be the same bytes
reproducible PROFILE="release":
    tests/reproducible.sh {{PROFILE}}

# two authorities, a request and its evidence
demo *ARGS:
    cargo run --locked --release -- demo {{ARGS}}

# the image from source, as it is published; its base image is made here if none can be pulled
image TAG="rogatory:0.1.0":
    docker image inspect "$(sed -n 's/^ARG RUST_IMAGE=//p' deploy/Dockerfile)" >/dev/null 2>&1 || docker pull "$(sed -n 's/^ARG RUST_IMAGE=//p' deploy/Dockerfile)" || tests/deploy/base.sh
    docker build --network host -f deploy/Dockerfile --build-arg REVISION="$(git rev-parse HEAD)" -t {{TAG}} .

# the node in containers: exchange, partition, kill, restart, upgrade (target/debug/rogatory, or a PROGRAM, or --image IMAGE)
deploy-test *ARGS:
    tests/deploy/files.sh
    tests/deploy.sh {{ARGS}}
