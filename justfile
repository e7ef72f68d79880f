# Everything here is a plain command; `just` only saves typing.

default: check

# What CI runs, without the client suites.
check: fmt lint test doc

fmt:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets -- -D warnings

test:
    cargo test --workspace

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# The demo: an emulated Entra, a sample MCP server and the gateway in one process.
demo *args:
    cargo run --release -- demo {{args}}

# Real MCP clients from npm and PyPI (installs them on first use).
clients *names:
    tests/clients/install.sh && tests/clients/run.sh {{names}}

# Microsoft's own client libraries against the emulator (installs them on first use).
msal *libraries:
    tests/msal/run.sh {{libraries}}

# The MCP conformance suite's authorization scenarios, and broken clients.
conformance:
    tests/conformance/run.sh

# The suite's server scenarios, and real servers with real clients, through the gateway and past it.
dataplane:
    tests/dataplane/run.sh

# What `entragate setup --emit` prints, run with the Azure CLI and read by other parsers (installs them on first use).
setup-as-code:
    tests/setup/run.sh

# Two gateways behind nginx with Redis (installs both when root).
replicas:
    tests/replicas/run.sh

# Every page in headless Chromium (installs it on first use when root).
pages:
    tests/pages/run.sh

# The binary as it is released: with a profile of its own calls (installs LLVM's tools on first use when root).
release:
    release/build.sh

# The gateway beside its peers (installs them on first use when root).
bench:
    benches/peers/run.sh

# Licences, bans and sources; needs `cargo install cargo-deny`.
deny:
    cargo deny check

# Regenerates the reference pages after a change of keys or checks.
docs:
    UPDATE_DOCS=1 cargo test --workspace

# Everything, as on a clean machine.
ci:
    bash .ci/run
