# slashdev: `make help` lists the targets. Programs always go to bin/NAME, because a
# program is named after its folder and `go build ./init` would collide with it.

GO           ?= go
LDFLAGS      ?= -s -w
INIT_LDFLAGS ?= $(LDFLAGS) -E _slashdev_entry -checklinkname=0
FUZZTIME     ?= 20s
ARGS         ?=
DEVICE       := ./init ./init/userland ./devmgr
GOBUILD       = CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags='$(LDFLAGS)'
GOBUILD_DEV   = GOOS=linux $(GOBUILD) -tags pid1 -ldflags='slashdev/init=$(INIT_LDFLAGS)'

.PHONY: help setup build run test test-long bench lint fuzz cover deps update-golden clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing and make bin/parts (silent when nothing is)
	@scripts/setup

build: ## compile everything into bin/
	@mkdir -p bin/amd64 bin/arm64
	$(GOBUILD) -o bin/slashdev ./image/slashdev
	GOARCH=amd64 $(GOBUILD_DEV) -o bin/amd64/ $(DEVICE)
	GOARCH=arm64 $(GOBUILD_DEV) -o bin/arm64/ $(DEVICE)

run: setup build ## boot the default appliance in QEMU; ARGS='--machine rpi3' and so on
	@bin/slashdev run $(ARGS)

test: setup build lint ## what must pass before every commit; boots machines
	$(GO) test -count=1 -timeout 40m ./...

test-long: setup build lint ## test, the slow tests, and longer fuzzing
	$(GO) test -count=1 -timeout 3h -tags long ./...
	$(MAKE) fuzz FUZZTIME=5m

bench: setup build ## print the benchmarks beside their floors
	$(GO) run ./qemu/bench
	$(GO) test -count=1 -run '^TestScores$$' -v ./qemu/rig | sed -n 's/.*trial_test.go:[0-9]*: \(.*passes\)/\1/p'

lint: setup ## gofmt, vet, staticcheck, shellcheck
	@test -z "$$(gofmt -l .)" || { echo "run gofmt -w on:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	shellcheck scripts/setup* scripts/fuzz .ci/run

fuzz: ## run every fuzz target for FUZZTIME (20s)
	@scripts/fuzz $(FUZZTIME)

cover: build ## test coverage by function, without the tests that boot
	$(GO) test -short -coverprofile=bin/cover.out ./...
	$(GO) tool cover -func=bin/cover.out

deps: ## rewrite the committed dependency lists (deps.txt); review the diff
	$(GO) test -count=1 -run '^TestDependencyLists$$' . -update

update-golden: ## rewrite golden files; review the diff
	$(GO) test -count=1 $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u) -update

clean: ## remove bin/
	rm -rf bin
