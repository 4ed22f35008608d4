# Strongroom. `make up` builds everything and starts a working cluster; `make test` runs every test.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# FIPS=1 builds with the FIPS module of AWS-LC (docs/how-to/fips-build.md).
ifdef FIPS
export CARGO_TARGET_DIR := $(CURDIR)/target/fips
FEATURES := --features fips
FIPS_PACKAGES := debian-packages-fips.txt
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(VENV)/.synced: pyproject.toml uv.lock
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/pip install --quiet uv
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --frozen --quiet --inexact --compile-bytecode
	@touch $@

.PHONY: venv
venv: $(VENV)/.synced ## Install the Python packages into .venv

.PHONY: build
build: venv ## Build the native module, the PKCS #11 library and install the programs into .venv
	$(BIN)/maturin develop --release --uv --quiet $(FEATURES)
	$(BIN)/python deploy/write-integrity-value.py src/strongroom/_native*.so
	cargo build --release --locked --quiet -p strongroom-pkcs11 $(FEATURES)
	mkdir -p src/strongroom/lib src/strongroom/include
	cp $(TARGET)/release/libstrongroom_pkcs11.so src/strongroom/lib/libstrongroom_pkcs11.so.new
	mv src/strongroom/lib/libstrongroom_pkcs11.so.new src/strongroom/lib/libstrongroom_pkcs11.so
	cp -r include/. src/strongroom/include/
	$(BIN)/python -m compileall -q src/strongroom

.PHONY: tables
tables: venv ## Write the generated forms of tables/*.toml
	$(BIN)/python tables/generate.py

.PHONY: lint
lint: venv ## Formatting, types, lints, import contracts, generated files
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/python tables/generate.py --check
	$(BIN)/mypy
	@PYTHONPATH=src UV_PYTHON_DOWNLOADS=never $(BIN)/uv run --quiet --isolated --frozen --only-group lint lint-imports
	cargo fmt --all --check
	cargo clippy --release --locked --quiet --workspace --all-targets -- -D warnings

.PHONY: packages
packages: ## Install what is missing of deploy/debian-packages.txt (needs root, or prints the command)
	@deploy/install-debian-packages.sh debian-packages.txt $(FIPS_PACKAGES)

.PHONY: test-packages
test-packages: ## The same with what tests and measurements need
	@deploy/install-debian-packages.sh debian-packages.txt debian-packages-tests.txt

.PHONY: up
up: packages build ## Build, start in the background, make the quick-start cluster, sign and verify
	@$(BIN)/strongroom up -d --quickstart

.PHONY: down
down: ## Stop what `make up` started; state stays
	@$(BIN)/strongroom down

.PHONY: test
test: test-packages build ## Lint and every test
	@$(BIN)/python tests/run_suites.py

PROGRAMS = $(filter-out %/test_misuse.py,$(wildcard tests/conformance/test_*.py))
.PHONY: conformance
conformance: test-packages build ## Run every public test vector, long random sequences, all of pkcs11-check, and programs in the profile aws
	@STRONGROOM_ALL_VECTORS=1 $(BIN)/python -m pytest -ra -q --durations=0 tests/conformance/mechanisms
	@STRONGROOM_ALL_VECTORS=1 $(BIN)/python -m pytest -ra -q --durations=0 tests/faults/test_quorum_rules.py tests/integration/test_wrong_commands.py
	@STRONGROOM_ALL_VECTORS=1 $(BIN)/python -m pytest -ra -q -s tests/conformance/pkcs11_check/test_whole.py
	@STRONGROOM_PROFILE=aws $(BIN)/python -m pytest -ra -q $(PROGRAMS)

DURATION := 1h
.PHONY: soak
soak: packages venv ## Fuzz for DURATION (1h; 30m, 8h)
	@$(BIN)/python tests/fuzz/run.py $(DURATION)

.PHONY: bench
bench: test-packages build ## Measure against SoftHSM2 and openssl speed (WORK=NAME: only that), print the figures
	cargo build --release --locked --quiet -p crowd -p p11load
	@$(BIN)/python -m benchmarks $(WORK)
