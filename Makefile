# Storekeep. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
CARGO ?= cargo
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ARCH := $(shell uname -m)
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))

.DEFAULT_GOAL := help
.PHONY: help run dev build console test e2e bench lint fmt openapi package setup-build setup-demo setup-test

help: ## lists the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup-build setup-demo setup-test: setup-%:
	@scripts/setup $*

console: setup-build
	$(CARGO) run --locked --quiet -p bundler

build: console ## the release binary with the console inside: release/storekeep in Cargo's target directory
	$(CARGO) build --locked --release -p storekeep

# Without a store of your own (STOREKEEP_MAGENTO_ROOT=/path make run) a demo store is made and served.
RUN_SETUP := $(if $(STOREKEEP_MAGENTO_ROOT),setup-build,setup-demo)
run: $(RUN_SETUP) build ## builds and serves; prints the address and the one-time set-up token
	exec $(TARGET)/release/storekeep serve $(if $(STOREKEEP_MAGENTO_ROOT),,--demo)

dev: setup-demo ## the same on the quick profile, for development
	$(CARGO) run --locked --quiet -p bundler -- --dev
	$(CARGO) build --locked -p storekeep
	exec $(TARGET)/debug/storekeep serve $(if $(STOREKEEP_MAGENTO_ROOT),,--demo)

test: setup-test ## every test: all crates, then the browser journeys
	@scripts/test

e2e: setup-test ## the browser journeys alone; make e2e ARGS='-g sign-in' picks some
	$(CARGO) run --locked --quiet -p bundler
	e2e/run $(ARGS)

bench: setup-test ## speed, size and memory against tar, gzip, pigz, mariadb-dump, mydumper and rclone
	scripts/rclone
	$(CARGO) bench --locked -p engine --bench against $(if $(ARGS),-- $(ARGS))

lint: setup-build ## rustfmt, clippy, the architecture test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked -p frontend --target wasm32-unknown-unknown -- -D warnings
	$(CARGO) test --locked --quiet -p storekeep architecture

fmt: ## rustfmt
	$(CARGO) fmt --all

openapi: setup-build ## writes openapi/openapi.json
	$(CARGO) run --locked --quiet -p storekeep -- openapi > openapi/openapi.json.new
	mv openapi/openapi.json.new openapi/openapi.json

package: build ## the binary as a tarball and as a Debian package, in package/ of Cargo's target directory
	scripts/package $(VERSION) $(ARCH) $(TARGET)
