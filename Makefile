# The targets need Node.js >= 20.19, npm and GNU make. Every target installs and builds what it needs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

# Recipes use the installed Node.js. If it is older than OLDEST_NODE, they use the Node.js that the target .node installs.
OLDEST_NODE := 24
NODE_MAJOR := $(shell node --version 2>/dev/null | cut -d . -f 1 | tr -d v)
ifneq ($(shell [ "$(NODE_MAJOR)" -ge $(OLDEST_NODE) ] 2>/dev/null && echo new),new)
NODE_MAJOR := $(OLDEST_NODE)
NODE_INSTALL := node scripts/node/install.mjs
export PATH := $(CURDIR)/.tools/node/bin:$(PATH)
endif

BIN := node_modules/.bin
SUITES := $(addprefix test/mocha/,unit.json integration.json system.json)
DEV := node dist/cmd/dev/main.js
CERTS := .certs
LAB_TOOLS := node --import tsx test/lab/tools/main.ts
# SOURCES also contains folders: when a file is removed, the time of its folder changes, so make compiles again.
SOURCES := $(shell find bench/ cmd pkg \( -type d -o -name '*.ts' -o -name '*.sql' -o -name '*.binpb' \) ! -name '*.test.ts')

ifeq ($(TLS),on)
dev-run seed test-client audit deploy-docker: dev-certs
dev-run seed test-client audit: export DEV_TLS_DIR := $(CERTS)
dev-run seed test-client audit: export TLS_CERT_FILE := $(CERTS)/test-client/tls.crt
dev-run seed test-client audit: export TLS_KEY_FILE := $(CERTS)/test-client/tls.key
dev-run seed test-client audit: export TLS_CA_FILE := $(CERTS)/test-client/ca.crt
endif

.PHONY: .node .reinstall setup proto build test test-coverage lint fmt check dev-run dev-stop seed test-client audit dev-certs bench profile dashboards \
	check-alerts observability-tools verify-observability deploy-docker undeploy-docker deploy-k8s undeploy-k8s k8s-diff \
	k8s-smoke-test release-k8s rollback-k8s pin deployment-tools verify-deployments verify-containers verify-cluster verify-upgrade \
	test-faults bench-recovery clean help

##@ Use

dev-run: dist/.stamp ## Run PostgreSQL and all services in the background; TLS=on for mutual TLS
	@$(DEV) --background

dev-stop: ## Stop PostgreSQL and the services that dev-run has started
	@[ -f dist/cmd/dev/main.js ] || $(MAKE) build
	@$(DEV) --stop

seed: dist/.stamp ## Load the demo products into the running services
	@node dist/cmd/seed/main.js

test-client: dist/.stamp ## Run the demo scenarios and check them; ARGS="--orders 500 --concurrency 16", TLS=on
	@node --import ./dist/pkg/observability/register.js dist/cmd/test-client/main.js $(ARGS)

audit: dist/.stamp ## Check the invariants of the running services; ARGS="--json", "--reconcile", TLS=on
	@node dist/cmd/audit/main.js $(ARGS)

dev-certs: node_modules/.stamp ## Create or renew development certificates in .certs
	@node --import tsx scripts/dev-certs/main.ts

deploy-docker: .node ## Build the images and run the system in containers; OBSERVABILITY=0, TLS=on
	@node scripts/deploy-docker.mjs deploy

undeploy-docker: .node ## Stop the containers; VOLUMES=1 also removes the data
	@node scripts/deploy-docker.mjs undeploy

deploy-k8s: node_modules/.stamp ## Deploy OVERLAY=dev, staging or production; IMAGE_REGISTRY, IMAGE_TAG
	@node --import tsx scripts/deploy-k8s/main.ts deploy

undeploy-k8s: node_modules/.stamp ## Remove the namespaces of the system from the cluster, data included
	@node --import tsx scripts/deploy-k8s/main.ts undeploy

k8s-diff: node_modules/.stamp ## Show the changes that deploy-k8s would make
	@node --import tsx scripts/deploy-k8s/main.ts diff

k8s-smoke-test: node_modules/.stamp ## Run the scenarios of test-client inside the cluster
	@node --import tsx scripts/deploy-k8s/main.ts smoke-test

release-k8s: node_modules/.stamp ## Deploy, watch, roll back a bad version; SMOKE_TEST=1, WATCH_SECONDS, MAX_ERROR_RATIO
	@node --import tsx scripts/release/main.ts release

rollback-k8s: node_modules/.stamp ## Restore the version TO of the services in the cluster
	@node --import tsx scripts/release/main.ts rollback

##@ Develop

setup: node_modules/.stamp ## Install the dependencies

build: dist/.stamp ## Compile into dist

test: dist/.stamp ## Run the unit, integration and system tests
	@sh scripts/run-tests.sh $(SUITES)

test-coverage: dist/.stamp ## Run all tests and report the line coverage of pkg
	@node scripts/coverage.mjs $(SUITES)

check: node_modules/.stamp ## Check format, lint, types, contract, generated code, layout and spelling; run the unit tests
	@node scripts/check.mjs

lint: node_modules/.stamp ## Lint with types
	$(BIN)/oxlint --type-aware

fmt: node_modules/.stamp ## Format everything
	$(BIN)/oxfmt

proto: node_modules/.stamp ## Generate pkg/pb from api/proto
	$(BIN)/buf generate
	$(BIN)/buf build --as-file-descriptor-set --exclude-source-info -o pkg/pb/descriptor-set.binpb

dashboards: node_modules/.stamp ## Generate Grafana's dashboards from scripts/dashboards
	@node --import tsx scripts/dashboards/write.ts

pin: node_modules/.stamp ## Pin actions to commits and images to digests, as far as they can be resolved
	@node --import tsx scripts/pin/main.ts $(ARGS)

bench: dist/.stamp ## Measure the cost of an order; ARGS="--smoke", "--parts core --baseline main", "--help"
	@node dist/bench/main.js $(ARGS)

profile: dist/.stamp ## Profile the services under load into .profiles, for speedscope; ARGS="--seconds 20"
	@node dist/bench/profile/main.js $(ARGS)

clean: ## Stop the programs of dev-run; remove dist, coverage, logs and databases
	@[ ! -f dist/cmd/dev/main.js ] || $(DEV) --stop
	@node scripts/remove-data.mjs
	rm -rf dist coverage .logs .profiles

help: ## Show this list
	@awk -F ':.*## ' '/^##@ / { print substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Verify

check-alerts: node_modules/.stamp ## Check the alert rules and run their tests
	@$(LAB_TOOLS) prometheus
	@node --import tsx test/lab/check-alerts-main.ts

verify-observability: dist/.stamp ## Run the system with the shipped observability stack and check what the stack shows
	@$(LAB_TOOLS) observability || true
	@$(BIN)/mocha --config test/mocha/observability.json

verify-deployments: node_modules/.stamp ## Check the Dockerfile, compose files, manifests, deployment scripts and workflows
	@$(LAB_TOOLS) $(or $(TOOLS),deployments) || true
	@$(BIN)/mocha --config test/mocha/deployments.json

verify-containers: dist/.stamp ## Build the images and run the compose file in a separate container engine
	@$(LAB_TOOLS) containers || true
	@$(BIN)/mocha --config test/mocha/containers.json

verify-cluster: dist/.stamp ## Deploy to a separate Kubernetes node; check autoscaling, releases and killed pods
	@$(LAB_TOOLS) cluster || true
	@$(BIN)/mocha --config test/mocha/cluster.json

verify-upgrade: dist/.stamp ## Upgrade from the commit FROM to this version under load, and roll back; STORED=1000000 orders
	@node --import tsx test/upgrade/main.ts --from '$(FROM)' --stored '$(or $(STORED),0)'

test-faults: dist/.stamp ## Inject faults for MINUTES=2 with SEED=1 under orders of all kinds, then check all promises
	@node --import tsx test/faults/main.ts --seed '$(or $(SEED),1)' --minutes '$(or $(MINUTES),2)' $(ARGS)

bench-recovery: dist/.stamp ## Measure recovery and overload against their limits; ARGS="--short --only orphans"
	@node dist/bench/recovery/main.js $(ARGS)

observability-tools: node_modules/.stamp ## Find or install Prometheus, Jaeger, the Collector and Loki in .tools
	@$(LAB_TOOLS) observability

deployment-tools: node_modules/.stamp ## Find or install the tools of the other verify targets; TOOLS="kustomize cluster"
	@$(LAB_TOOLS) $(or $(TOOLS),deployments containers cluster)

# Installation and compilation write to standard error, because programs read the standard output of test-client.
.node:
	@command -v node >/dev/null || { echo 'Node.js is not installed: install version $(OLDEST_NODE) or newer (https://nodejs.org)' >&2; exit 1; }
	@$(NODE_INSTALL)

# A change of the major version of Node.js triggers a fresh npm ci.
ifneq ($(shell cat node_modules/.stamp 2>/dev/null),$(NODE_MAJOR))
node_modules/.stamp: .reinstall
endif

# Without --include=dev, npm would omit the compiler if NODE_ENV is `production`.
node_modules/.stamp: package.json package-lock.json | .node
	npm ci --include=dev --no-audit --no-fund >&2
	@echo $(NODE_MAJOR) >$@

dist/.stamp: node_modules/.stamp tsconfig.json tsconfig.build.json scripts/copy-assets.mjs $(SOURCES) | .node
	rm -rf dist
	$(BIN)/tsc -p tsconfig.build.json >&2
	node scripts/copy-assets.mjs
	@touch $@
