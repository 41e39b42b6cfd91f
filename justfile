# The tasks of this house; each is one line that works without `just` too.

# Run the service on an embedded database.
run:
    cargo run --release

# Everything that must hold before a change lands.
ci:
    .ci/run

# All tests on both databases.
test:
    ./tests/run

# The tests on SQLite alone: the short loop.
quick:
    cargo test --workspace

# Accept what the code makes now as the contract; then review the difference.
bless:
    BLESS=1 cargo test -p tests contract && BLESS=1 cargo test -p tests contract

# Put the text in order.
fmt:
    cargo fmt --all

# What the compiler's critic says.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# What may be depended on.
supply:
    tests/supply

# A million inputs of each parser.
fuzz:
    fuzz/run

# The documentation of the code.
doc:
    cargo doc --workspace --no-deps --document-private-items --open
