.DEFAULT_GOAL := help
SHELL := bash

LINT := $(or $(wildcard $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/edgepurge-ci/bin/golangci-lint),golangci-lint)
FUZZTIME ?= 20s

.PHONY: help build test race node lint fmt fuzz bench demo torture ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/edgepurge
	CGO_ENABLED=0 go build -trimpath -o bin/edgepurge ./cmd/edgepurge

test: ## run all tests; make race adds the race detector, which needs a C compiler
	go test ./...

race: ## run all tests in random order under the race detector
	go test -race -shuffle=on ./...

node: ## run Tencent's Node.js SDK and NATS' client, from npm, against edgepurge
	go test -tags node -count=1 -v ./e2e/node

lint: ## vet and lint; golangci-lint comes with the first make ci
	go vet ./...
	$(LINT) run --build-tags node,slow,thorough

fmt: ## format
	$(LINT) fmt

fuzz: ## run every fuzz target for FUZZTIME (20s)
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
	  for name in $$(cat $$dir/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do \
	    echo "$$dir $$name"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$dir || exit 1; \
	  done; \
	done

bench: ## run the Go benchmarks, then measure edgepurge end to end: BENCH takes flags of e2e/bench
	go test -run '^$$' -bench . -benchmem ./...
	go run ./e2e/bench $(BENCH)

demo: ## run everything in one process and purge 2,006 URLs
	go run ./cmd/edgepurge demo

torture: ## kill, stop and cut real processes for DURATION (60s), as SEED (1) tells; NODES=1 or 3 NATS servers
	go run ./e2e/torture -seed $(or $(SEED),1) -duration $(or $(DURATION),60s) -nodes $(or $(NODES),0)

ci: ## what CI runs
	.ci/run

clean: ## remove what was built
	rm -rf bin .cache e2e/node/node_modules
