# The whole interface of this repository: `make` alone says what there is.
# Everything is set up on first use, inside the checkout, from hash-locked files, and reused until a lock changes.

ifeq ($(filter oneshell,$(.FEATURES)),)
$(error GNU make 4 or newer is needed; on macOS: brew install make, then gmake)
endif

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SILENT:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= python3
ARGS   ?=
CASE   ?=
DRIVER ?=
CALLS  ?= 10000

PY    := .venv/bin/python
TOOLS := spec/node_modules/.bin

# An editable install remembers where the checkout stood, so the stamps are named after the place:
# a copied or moved checkout sets itself up anew instead of testing the code it was copied from.
PLACE := $(shell pwd | cksum | cut -d' ' -f1)
LOCKED := .venv/.locked-$(PLACE)
READY := .venv/.ready-$(PLACE)
PEERS := .venv/.peers-$(PLACE)
NODE  := spec/node_modules/.ready
SDK   := node-sdk/node_modules/.ready
DIST  := node-sdk/dist/.built
LANES := tests/runtimes/node_modules/.ready
JUDGES := tests/judges/node_modules/.ready

# Caches live in one folder that can be deleted at any time.
export MYPY_CACHE_DIR := $(CURDIR)/build/cache/mypy
export RUFF_CACHE_DIR := $(CURDIR)/build/cache/ruff
PYTEST := $(PY) -m pytest -o cache_dir="$(CURDIR)/build/cache/pytest"

##@ Use it

.PHONY: help
help: ## this list
	awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	printf '\nOptions: PYTHON=python3.12 (any Python >= 3.11) · ARGS="…" for serve, prism and chaos · CASE="retry/*" DRIVER=python-sync for contract\n'

.PHONY: demo
demo: $(READY) $(DIST) ## start the server, run the quickstart against it over TLS, stop everything
	exec $(PY) examples/run.py demo

.PHONY: examples
examples: $(READY) $(DIST) ## run every example against a server of its own
	exec $(PY) examples/run.py all

.PHONY: serve
serve: $(READY) ## run the reference server (ARGS="--port 9443")
	exec $(PY) -m admin_api_mock $(ARGS)

.PHONY: prism
prism: $(NODE) ## serve the same document as a stateless Prism mock (ARGS="-p 4010")
	exec $(TOOLS)/prism mock $(ARGS) spec/openapi.yaml

##@ Change it

.PHONY: generate
generate: $(READY) ## write everything that follows from spec/openapi.yaml
	cd spec && ../$(PY) -m generate

.PHONY: check
check: $(READY) $(NODE) ## fail if generated files drifted from the document, breaks users of the last release, or does not lint
	echo '==> generated files follow from the document'
	(cd spec && ../$(PY) -m generate --check)
	echo '==> the document breaks nobody who uses the last release'
	(cd spec && ../$(PY) -m compatibility)
	echo '==> the document, and that of the control plane, under Redocly (recommended, strict)'
	# Redocly lists problems on stdout; on stderr it advertises, which is shown only when it fails.
	mkdir -p build
	REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(TOOLS)/redocly lint --config spec/redocly.yaml \
		spec/openapi.yaml mock-server/src/admin_api_mock/control/openapi.yaml 2> build/redocly.log \
		|| { cat build/redocly.log >&2; exit 1; }
	echo '==> the document under Spectral (oas and OWASP)'
	$(TOOLS)/spectral lint --ruleset spec/.spectral.yaml --fail-severity hint --quiet spec/openapi.yaml

.PHONY: format
format: $(READY) ## format the Python code and fix what ruff can fix
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format --quiet .

.PHONY: lock
lock: $(READY) ## resolve requirements/*.in and spec/package.json into their locks again
	for file in dev bench; do
		$(PY) -m uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --custom-compile-command 'make lock' \
			requirements/$$file.in --output-file requirements/$$file.txt
	done
	for folder in spec node-sdk tests/bench tests/judges tests/runtimes; do
		npm install --prefix "$$folder" --package-lock-only
	done

##@ Judge it

.PHONY: test
test: lint check types unit contract resilience judges runtimes ## everything, cheapest first; the first failure stops it

.PHONY: lint
lint: $(READY) # ruff: rules and format
	echo '==> ruff: rules and format'
	$(PY) -m ruff check --quiet .
	$(PY) -m ruff format --check --quiet .

.PHONY: types
types: $(READY) $(NODE) $(DIST) # both strict type checkers of each language; the Node types are proved on what is built
	echo '==> mypy --strict'
	$(PY) -m mypy
	echo '==> pyright, strict'
	$(TOOLS)/pyright --project spec/pyrightconfig.json --pythonpath $(PY)
	echo '==> TypeScript 6 and 7, strict'
	npm run --silent --prefix node-sdk types

.PHONY: unit
unit: $(READY) $(NODE) $(DIST) # the tests of the generator, the SDKs and the server, each with its own configuration
	echo '==> tests of the generator'
	$(PYTEST) -n 2 spec/tests
	echo '==> tests of the Python SDK'
	$(PYTEST) -n 2 python-sdk/tests
	echo '==> tests of the Node SDK'
	npm run --silent --prefix node-sdk unit
	echo '==> the Node package: API report, publint, attw, install from tarball and folder, bundle'
	npm run --silent --prefix node-sdk proofs > build/package.log 2>&1 || { cat build/package.log >&2; exit 1; }
	echo '==> tests of the reference server'
	$(PYTEST) -n 2 mock-server/tests

.PHONY: contract
contract: $(READY) $(DIST) $(JUDGES) ## the contract suite (CASE="retry/*" DRIVER=python-sync)
	echo '==> contract suite'
	$(PYTEST) tests/test_*.py $(if $(CASE),--case '$(CASE)') $(if $(DRIVER),--driver '$(DRIVER)')

.PHONY: resilience
resilience: $(READY) $(DIST) # a short run of chaos and of leaks, the bounds of every call, crowds at one token, the grep for secrets
	echo '==> chaos, bounds, tokens, secrecy'
	$(PYTEST) tests/chaos tests/bounds tests/tokens tests/secrecy

.PHONY: leaks
leaks: $(READY) $(DIST) ## 10 000 calls per flavour that fail, time out or are cancelled; nothing may be left (CALLS=10000)
	BOUNDS_CALLS=$(CALLS) $(PYTEST) tests/bounds/test_leaks.py

.PHONY: chaos
chaos: $(READY) $(DIST) ## 10 000 mutations per SDK under random faults (DRIVER=node ARGS="--seed 7 --chapter 3")
	cd tests && exec ../$(PY) -m chaos $(if $(DRIVER),--driver '$(DRIVER)') $(ARGS)

.PHONY: judges
judges: $(READY) $(NODE) $(DIST) $(JUDGES) # what nobody here wrote, against the SDKs and the reference server
	echo '==> judges: Prism, Authlib, oauth4webapi, oidc-provider, age'
	$(PYTEST) -rs tests/judges

.PHONY: runtimes
runtimes: $(READY) $(SDK) $(LANES) # the packed Node SDK under every runtime that is promised; a missing one is skipped
	echo '==> the Node SDK under Node, Bun, Deno and Chromium'
	$(PYTEST) -rs tests/runtimes

.PHONY: bench
bench: $(READY) $(PEERS) $(NODE) $(DIST) ## measure the budgets against their peers into build/bench.json
	exec $(PY) tests/bench/run.py

# --- set-up, each step redone only when what it depends on has changed

$(LOCKED): requirements/dev.txt
	echo '==> setting up Python in .venv'
	if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
		echo 'Python 3.11 or newer is needed. Name one: make PYTHON=python3.12' >&2
		exit 1
	fi
	if ! "$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null; then
		echo 'This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv' >&2
		exit 1
	fi
	"$(PYTHON)" -m venv --clear .venv
	$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

$(READY): $(LOCKED) python-sdk/pyproject.toml mock-server/pyproject.toml
	echo '==> installing the SDK and the server from this checkout'
	$(PY) -m pip install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation -e ./python-sdk -e ./mock-server
	touch $@

$(PEERS): requirements/bench.txt $(LOCKED)
	echo '==> installing the peers of the benchmarks'
	$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/bench.txt
	touch $@

NODE_IS_NEW_ENOUGH = if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then \
		echo 'Node 20.19 or newer is needed, as `node` on the PATH.' >&2; exit 1; fi

$(NODE): spec/package-lock.json spec/package.json spec/.npmrc
	echo '==> setting up the Node tools in spec/node_modules'
	$(NODE_IS_NEW_ENOUGH)
	npm ci --prefix spec --loglevel=error > /dev/null
	touch $@

$(SDK): node-sdk/package-lock.json node-sdk/package.json node-sdk/.npmrc
	echo '==> setting up the Node SDK'
	$(NODE_IS_NEW_ENOUGH)
	npm ci --prefix node-sdk --loglevel=error > /dev/null
	touch $@

$(LANES): tests/runtimes/package-lock.json tests/runtimes/package.json tests/runtimes/.npmrc
	echo '==> setting up the runtimes'
	npm ci --prefix tests/runtimes --loglevel=error > /dev/null
	touch $@

$(JUDGES): tests/judges/package-lock.json tests/judges/package.json tests/judges/.npmrc
	echo '==> setting up the judges'
	npm ci --prefix tests/judges --loglevel=error > /dev/null
	touch $@

$(DIST): $(SDK) node-sdk/tsconfig.json node-sdk/tsconfig.build.json $(shell find node-sdk/src -name '*.ts')
	echo '==> building the Node SDK'
	npm run --silent --prefix node-sdk build
	mkdir -p examples/node_modules/@admin-api
	ln -sfn ../../../node-sdk examples/node_modules/@admin-api/sdk
	touch $@
