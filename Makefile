# Needs Node >= 20.19, npm and GNU make; every target installs and builds what it needs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

BIN := node_modules/.bin
SUITES := .mocharc.json .mocharc.integration.json .mocharc.system.json
DEV := node dist/cmd/dev/main.js
# Folders too: their times tell of files that went away.
SOURCES := $(shell find bench/ cmd pkg \( -type d -o -name '*.ts' -o -name '*.sql' -o -name '*.binpb' \) ! -name '*.test.ts')

.PHONY: .node setup proto build test test-coverage lint fmt check dev-run dev-stop seed test-client bench clean help

setup: node_modules/.stamp ## Install the dependencies

proto: node_modules/.stamp ## Generate pkg/pb from api/proto
	$(BIN)/buf generate
	$(BIN)/buf build --as-file-descriptor-set --exclude-source-info -o pkg/pb/descriptor-set.binpb

build: dist/.stamp ## Compile into dist

test: dist/.stamp ## Run the unit, integration and system tests
	@sh scripts/run-tests.sh $(SUITES)

test-coverage: dist/.stamp ## Run all tests and show which lines of pkg they reach
	@node scripts/coverage.mjs $(SUITES)

lint: node_modules/.stamp ## Look for mistakes, with types
	$(BIN)/oxlint --type-aware

fmt: node_modules/.stamp ## Format everything
	$(BIN)/oxfmt

check: node_modules/.stamp ## Check format, lint, types, contract and generated code; run the unit tests
	@node scripts/check.mjs

dev-run: dist/.stamp ## Run PostgreSQL and all services in the background
	@$(DEV) --background

dev-stop: ## Stop what dev-run started
	@[ -f dist/cmd/dev/main.js ] || $(MAKE) build
	@$(DEV) --stop

seed: dist/.stamp ## Load the demo products into the running services
	@node dist/cmd/seed/main.js

test-client: dist/.stamp ## Show the whole system at work and check it; ARGS="--orders 500 --concurrency 16"
	@node --import ./dist/pkg/observability/register.js dist/cmd/test-client/main.js $(ARGS)

bench: dist/.stamp ## Measure what telemetry costs; ARGS="--rounds 10 --orders 400"
	@node dist/bench/telemetry-cost.js $(ARGS)

clean: ## Stop dev, and remove what was built, measured and stored
	@[ ! -f dist/cmd/dev/main.js ] || $(DEV) --stop
	@node scripts/remove-data.mjs
	rm -rf dist coverage .logs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What sets up writes to the standard error stream: test-client's output is for machines too.
.node:
	@command -v node >/dev/null || { echo 'Node.js is not installed: get version 20.19 or newer from https://nodejs.org' >&2; exit 1; }
	@node scripts/check-node.mjs

node_modules/.stamp: package.json package-lock.json | .node
	npm ci --no-audit --no-fund >&2
	@touch $@

dist/.stamp: node_modules/.stamp tsconfig.json tsconfig.build.json scripts/copy-assets.mjs $(SOURCES) | .node
	rm -rf dist
	$(BIN)/tsc -p tsconfig.build.json >&2
	node scripts/copy-assets.mjs
	@touch $@
