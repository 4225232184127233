# Short names for the commands of CONTRIBUTING.md. `just --list` shows them.

# The tests that need no server: a few minutes, installs nothing.
quick *FILTER:
    tests/run --quick {{FILTER}}

# All tests, or those whose names hold a word: `just test rabbit::`.
test *FILTER:
    tests/run {{FILTER}}

# The tests of one crate: `just crate graph-file`, `just crate actors simul`.
crate NAME *FILTER:
    cargo nextest run --package euterpe-{{NAME}} {{FILTER}}

# Format and lints.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The documentation of the code, the examples in it, and what the pages name.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
    cargo test --workspace --all-features --doc
    cargo nextest run --all-features --test all docs::

# Replays one seed of the simulator, or runs so many: `just seed 4711`, `just seeds 100000`.
seed SEED:
    EUTERPE_SEED={{SEED}} cargo test --package euterpe-testkit simulate -- --nocapture

seeds COUNT:
    EUTERPE_SEEDS={{COUNT}} cargo test --package euterpe-testkit simulate

# One benchmark: flow, folders, nothing, memory, amqp, python or s3.
bench NAME *ARGS:
    cargo bench --bench {{NAME}} -- {{ARGS}}

# The schemas that editors and other programs read.
schema:
    cargo run --quiet -- schema > config/graph.schema.json.new
    mv config/graph.schema.json.new config/graph.schema.json
    cargo run --quiet -- schema --message > config/message.schema.json.new
    mv config/message.schema.json.new config/message.schema.json

# Everything that must hold before a change lands.
ci:
    .ci/run
