# make test is the README's second command; .ci/run calls it and nothing else.
SHELL := /bin/bash
# The program and its tests are pure Go: nobody needs a C compiler to build them.
export CGO_ENABLED := 0
GO ?= go
TESTFLAGS ?=

.PHONY: run test race check supply notices lint generate assets assets-check bench fuzz e2e existing release clean

run: ## start the demonstration
	$(GO) run ./cmd/web demo

test: ## run all tests, the browser's too
	@./.ci/tools chromium curl python3 node nginx postgresql systemd-analyze
	$(GO) vet ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	@said=$$($(GO) tool templ generate 2>&1) || { echo "$$said"; exit 1; }
	git diff --exit-code -- '*_templ.go'
	@./.ci/assets
	@./.ci/lint
	$(GO) test -timeout 20m $(TESTFLAGS) ./...
	$(GO) test -count=1 -v -run '^TestExamples$$' ./e2e
	@[ -n "$$SLUIS_TEST_SQLSERVER_DSN" ] || echo "Not run here: the store's suite on SQL Server (SLUIS_TEST_SQLSERVER_DSN is not set)."

race: ## the same under the race detector, without the browser; it alone needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 30m $$($(GO) list ./... | grep -v /e2e)

check: test race supply ## everything that should hold before a change lands

supply: ## known vulnerabilities, gosec, and whether the modules are those of go.sum
	@./.ci/supply

notices: ## the licences of all that is linked into the program
	SLUIS_TEST_NOTICES=write $(GO) test -count=1 -run '^TestNotices$$' ./cmd/web

lint: ## linters and formatters
	@./.ci/lint

generate: ## templ files to Go
	$(GO) tool templ generate
	$(GO) tool templ fmt web

assets: ## style sheet, script and fonts to web/static/dist (needs node)
	cd web && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

assets-check: ## fails where web/static/dist is not what its sources make
	@./.ci/assets

bench: ## the whole program beside the floor under it, what other users notice, a slow TTP: each side by side in one run
	$(GO) test -run '^$$' -bench Delivery -benchtime 1x -timeout 2h ./bench
	$(GO) test -run '^$$' -bench LogCost -benchtime 1x -timeout 30m ./internal/store
	$(GO) test -run '^$$' -bench OtherUser -benchtime 1x -timeout 30m ./e2e
	$(GO) test -run '^$$' -bench Latency -benchtime 1x ./internal/importer
	$(GO) test -run '^$$' -bench 'Identities|Unchanged' -benchtime 2x ./internal/importer
	$(GO) test -run '^$$' -bench . -benchtime 2x ./internal/ttpsandbox ./web/templates

fuzz: ## every reader, FUZZTIME each (default 60s)
	@for target in $$(grep -rho --include=*_test.go 'func Fuzz[A-Za-z]*' internal | sed 's/func //'); do \
	  dir=$$(dirname $$(grep -rl --include=*_test.go "func $$target(" internal)); \
	  echo "== $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $${FUZZTIME:-60s} -fuzzminimizetime 10x ./$$dir || exit 1; \
	done

existing: ## the conversion of an old table of 100,000 rows, through 30 kills and an outage
	SLUIS_TEST_EXISTING_ROWS=$${ROWS:-100000} SLUIS_TEST_EXISTING_KILLS=$${KILLS:-30} $(GO) test -count=1 -v -timeout 60m -run TestConversion ./e2e

e2e: ## the browser and whole-program tests alone
	@./.ci/tools chromium curl python3 node nginx postgresql
	$(GO) test -count=1 -v ./e2e

release: ## dist: the program for three systems, built twice and compared, with sums, notices and bill of materials
	deploy/release.sh

clean:
	rm -rf bin dist data web/node_modules
