# The verbs of the project. Each verb's comment is what `make` prints of it.
# All of them ask nothing and need no terminal, so that a machine can run them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps build demo demo-gir test test-system bench lint format docs install clean

# Where `install` puts things: systemd reads units, users, paths and catalogs below both /usr and /usr/local.
PREFIX ?= /usr/local
DESTDIR ?=

# A module may import only what its target names: the floors of Package.swift hold for every import.
FLOORS := --explicit-target-dependency-import-check error
# What ships carries its own Swift runtime; Debian's libraries stay shared.
RELEASE := --configuration release --static-swift-stdlib $(FLOORS)
# One test at a time: many wait for real processes, and what waits must not starve what measures.
TESTS := --disable-xctest --no-parallel
SWIFT_CODE := Package.swift Sources Tests examples

help:
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

deps: ## install what Debian has to give (as root or with sudo); nothing happens when all is there
	@.ci/deps

build: deps ## build takeup and the recorder to play with, as they ship
	swift build $(RELEASE) --product takeup
	swift build $(RELEASE) --product recorder

demo: build ## show the main job on real parts: a recorder, two agents, a mux worker, three volumes
	@examples/demo/demo

demo-gir: build ## show the main job at a site with Genesys Interaction Recording, by its own muxer.cfg
	@examples/gir/demo

# What failed is told again at the end, so that the last lines of a long run name it; the runner's closing line is last.
test: deps ## build and pass all tests: units, conformance and the quick core of the system tests
	swift build --build-tests $(FLOORS)
	@mkdir -p .build
	@swift test --skip-build $(TESTS) 2>&1 | tee .build/test.log || \
		{ grep -aE '^✘|^↳' .build/test.log | grep -avE 'Test run with|Testing Library|Target Platform' | tail -n 200; \
		grep -aE 'Test run with [0-9]+ tests?' .build/test.log | tail -n 1; exit 1; }
	@grep -aE 'Test run with [0-9]+ tests?' .build/test.log | tail -n 1

# Real NFS among them, where user-mode-linux, nfs-kernel-server, rpcbind, busybox-static and gcc are installed.
test-system: deps ## the long proofs as well: many recordings, kills at random, outages
	swift build --build-tests $(FLOORS)
	TAKEUP_LONG_TESTS=1 swift test --skip-build $(TESTS) --filter SystemTests

# What is measured, and with which words: `make bench BENCH="delay --seconds 20"`. Figures go to .build/bench/NAME.json.
BENCH ?= delay
bench: deps ## measure the built program beside a peer, and check the bars that it promises (BENCH=delay)
	swift build $(RELEASE) --product takeup
	swift build $(RELEASE) --product bench
	.build/release/bench $(BENCH)

lint: deps ## check format, floors, unit files, scripts and that nothing built is tracked
	@.ci/lint $(SWIFT_CODE)

format: ## write the code as the formatter wants it
	swift format --in-place --parallel --recursive $(SWIFT_CODE)

docs: ## check that every link between the documents leads somewhere
	@.ci/docs

install: ## install the built program, units, users, paths, catalog and example settings (DESTDIR, PREFIX)
	@.ci/install "$(DESTDIR)" "$(PREFIX)"

clean: ## remove what was built
	rm -rf .build .build-*
