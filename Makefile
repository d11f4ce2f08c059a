# Needs Node >= 20.19, npm and GNU make; every target installs and builds what it needs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

BIN := node_modules/.bin
SUITES := .mocharc.json .mocharc.integration.json .mocharc.system.json
DEV := node dist/cmd/dev/main.js
CERTS := .certs
# Folders too: their times tell of files that went away.
SOURCES := $(shell find bench/ cmd pkg \( -type d -o -name '*.ts' -o -name '*.sql' -o -name '*.binpb' \) ! -name '*.test.ts')

ifeq ($(TLS),on)
dev-run seed test-client deploy-docker: dev-certs
dev-run seed test-client: export DEV_TLS_DIR := $(CERTS)
dev-run seed test-client: export TLS_CERT_FILE := $(CERTS)/test-client/tls.crt
dev-run seed test-client: export TLS_KEY_FILE := $(CERTS)/test-client/tls.key
dev-run seed test-client: export TLS_CA_FILE := $(CERTS)/test-client/ca.crt
endif

.PHONY: .node setup proto build test test-coverage lint fmt check dev-run dev-stop seed test-client dev-certs bench sizing dashboards \
	check-alerts observability-tools verify-observability deploy-docker undeploy-docker deploy-k8s undeploy-k8s k8s-diff \
	k8s-smoke-test release-k8s rollback-k8s pin deployment-tools verify-deployments verify-containers verify-cluster \
	clean help

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

dev-run: dist/.stamp ## Run PostgreSQL and all services in the background; TLS=on for mutual TLS
	@$(DEV) --background

dev-stop: ## Stop what dev-run started
	@[ -f dist/cmd/dev/main.js ] || $(MAKE) build
	@$(DEV) --stop

seed: dist/.stamp ## Load the demo products into the running services
	@node dist/cmd/seed/main.js

test-client: dist/.stamp ## Show the whole system at work and check it; ARGS="--orders 500 --concurrency 16", TLS=on
	@node --import ./dist/pkg/observability/register.js dist/cmd/test-client/main.js $(ARGS)

dev-certs: node_modules/.stamp ## Make certificates for development in .certs, or renew them
	@node --import tsx scripts/dev-certs/main.ts

bench: dist/.stamp ## Measure what telemetry costs; ARGS="--rounds 10 --orders 400"
	@node dist/bench/telemetry-cost.js $(ARGS)

sizing: dist/.stamp ## Measure what one replica of each service can do; ARGS="--orders 4000 --concurrency 32"
	@node dist/bench/sizing.js $(ARGS)

dashboards: node_modules/.stamp ## Write Grafana's dashboards from scripts/dashboards
	@node --import tsx scripts/dashboards/write.ts

check-alerts: node_modules/.stamp ## Check the alert rules, and run their tests
	@node --import tsx scripts/observability-tools/main.ts prometheus
	@node --import tsx scripts/observability-tools/check-alerts-main.ts

observability-tools: node_modules/.stamp ## Find Prometheus, Jaeger, the Collector and Loki, or install them into .tools
	@node --import tsx scripts/observability-tools/main.ts

verify-observability: dist/.stamp ## Run the system with the stack that ships, and look at what it shows
	@node --import tsx scripts/observability-tools/main.ts || true
	@$(BIN)/mocha --config .mocharc.observability.json

deploy-docker: .node ## Build the images and run the whole system in containers; OBSERVABILITY=0, TLS=on
	@node scripts/deploy-docker.mjs deploy

undeploy-docker: .node ## Stop what deploy-docker started; VOLUMES=1 removes what is stored, too
	@node scripts/deploy-docker.mjs undeploy

deploy-k8s: node_modules/.stamp ## Bring a cluster to OVERLAY=dev, staging or production; IMAGE_REGISTRY, IMAGE_TAG
	@node --import tsx scripts/deploy-k8s/main.ts deploy

undeploy-k8s: node_modules/.stamp ## Remove everything from the cluster, data included
	@node --import tsx scripts/deploy-k8s/main.ts undeploy

k8s-diff: node_modules/.stamp ## Show what deploy-k8s would change
	@node --import tsx scripts/deploy-k8s/main.ts diff

k8s-smoke-test: node_modules/.stamp ## Play the scenarios of test-client inside the cluster
	@node --import tsx scripts/deploy-k8s/main.ts smoke-test

release-k8s: node_modules/.stamp ## Deploy OVERLAY, watch it, roll back when it is bad; SMOKE_TEST=1, WATCH_SECONDS, MAX_ERROR_RATIO
	@node --import tsx scripts/release/main.ts release

rollback-k8s: node_modules/.stamp ## Bring the services in the cluster back to the version TO
	@node --import tsx scripts/release/main.ts rollback

pin: node_modules/.stamp ## Turn tags of actions into commits and of images into digests, as far as they can be looked up
	@node --import tsx scripts/pin/main.ts $(ARGS)

deployment-tools: node_modules/.stamp ## Find what the verify targets need, or install it into .tools; TOOLS="kustomize cluster"
	@node --import tsx scripts/deployment-tools/main.ts $(TOOLS)

verify-deployments: node_modules/.stamp ## Check images, compose files and manifests, as far as their tools can be had
	@node --import tsx scripts/deployment-tools/main.ts $(or $(TOOLS),deployments)
	@$(BIN)/mocha --config .mocharc.deployments.json

verify-containers: dist/.stamp ## Build the images, run the compose file in a container engine of its own, and try it
	@node --import tsx scripts/observability-tools/main.ts || true
	@node --import tsx scripts/deployment-tools/main.ts containers
	@$(BIN)/mocha --config .mocharc.containers.json

verify-cluster: dist/.stamp ## Deploy to a Kubernetes node of its own, whose pods run: autoscaling, rollouts and deaths under load
	@node --import tsx scripts/observability-tools/main.ts || true
	@node --import tsx scripts/deployment-tools/main.ts cluster
	@$(BIN)/mocha --config .mocharc.cluster.json

clean: ## Stop dev, and remove what was built, measured and stored
	@[ ! -f dist/cmd/dev/main.js ] || $(DEV) --stop
	@node scripts/remove-data.mjs
	rm -rf dist coverage .logs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
