# Every chore has one word. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Not --quiet: what is being downloaded and how large it is are all there is to see for minutes.
PIP := $(BIN)/pip --disable-pip-version-check install --constraint constraints.txt

REMOTION_PACKAGES := remotion/node_modules/.done
REMOTION_BUILD := remotion/dist/.done
STUDIO_PACKAGES := gateway/studio/node_modules/.done

# Tests wait for servers half of the time, those of faults for budgets to be over, hence more files at a time than cores.
# Those of a file share their servers; the order is that of the folders, in which the longest files do not come last.
SEVERAL_FILES = --numprocesses $(FILES_AT_A_TIME) --dist loadfile --no-loadscope-reorder
FILES_AT_A_TIME ?= 3

# CI has neighbours: what fails there among others may be right once it is tried again alone, and both are told.
define pytest
$(BIN)/pytest -o cache_dir=.pytest_cache/$@ $(SEVERAL_FILES) $(1) $(if $(filter true,$(CI)),|| { [ $$? = 1 ] && \
    $(BIN)/pytest -o cache_dir=.pytest_cache/$@ --last-failed --last-failed-no-failures none --maxfail 3 $(1); })
endef

# What depends most on the Python below: processes, databases, settings, text, and one film from end to end.
QUICK_TESTS := tests/services/base tests/services/text tests/orchestrator/captions tests/orchestrator/jobs \
    tests/orchestrator/test_server.py tests/gateway/films \
    tests/gateway/cli/test_make.py::test_without_a_mesh_one_is_started_and_ended

# No others are read: they load torch.
FILES_WITH_FAULTS = $(shell grep --recursive --files-with-matches --include='test_*.py' 'mark\.fault' tests)

# `make check test` holds the house to its rules once.
NOT_AGAIN = $(if $(filter check,$(MAKECMDGOALS)),--ignore tests/house)

MINUTES ?= 3
COUNT ?= 100000

.DEFAULT_GOAL := help
.PHONY: help demo starter setup setup-other check test test-remotion test-studio test-python test-quick test-other faults soak fuzz bench quality bench-gpu studio studio-dist remotion generate clean

help: ## lists these words
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: $(VENV)/.mesh starter ## makes out/demo.mp4 from assets/demo: script, presenter, captions, title, music
	@$(BIN)/vigent make assets/demo/script.txt --footage assets/demo/presenter.mp4 --title-file assets/demo/title.txt --music assets/music/morning-light.m4a --out out/demo.mp4

starter: $(VENV)/.mesh
	@$(BIN)/vigent models pull $@ || echo "Going on without them: the film speaks with the built-in voice. make demo tries again."

setup: $(VENV)/.dev ## makes .venv with everything but GPU extras

check: $(VENV)/.dev $(VENV)-protos/.done ## lint, format, types, protos, generated code; reports known holes in packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf breaking --against tests/house/contracts.binpb
	$(BIN)/pytest -q tests/house
	@if [ -e $(REMOTION_PACKAGES) ] || [ "$$CI" = true ]; then npm --prefix remotion run --silent check; \
	else echo "remotion/ is not checked: run make remotion first."; fi
	@if [ -e $(STUDIO_PACKAGES) ] || [ "$$CI" = true ]; then $(MAKE) --no-print-directory gateway/studio/build/openapi.json && \
	    npm --prefix gateway/studio run --silent check; \
	else echo "gateway/studio/ is not checked: run make studio-dist first."; fi
	@$(BIN)/python -m tests.audit

test: test-remotion test-studio test-python ## every test; those in a browser too where Node and Chromium are or can be had

# Makes within recipes take their jobs from nobody.
define npm_test
@if .ci/node-and-chromium; then MAKEFLAGS= $(MAKE) --no-print-directory $(1) && npm --prefix $(2) test --silent; \
else [ "$$CI" != true ] && echo "Left out: npm test in $(2)/, and what pytest skips for the same reason."; fi
endef

test-remotion: ## those of the Node child that draws overlays
	$(call npm_test,remotion,remotion)

test-studio: $(VENV)/.dev ## those of the studio, in Chromium over a real mesh
	$(call npm_test,$(STUDIO_PACKAGES),gateway/studio)

test-python: $(VENV)/.dev $(VENV)-protos/.done ## those of everything else
	$(call pytest,$(NOT_AGAIN))

test-quick: $(VENV)/.quick ## the tests that depend most on Python; PYTHON=python3.13 VENV=.venv-3.13 for another one
	$(call pytest,$(QUICK_TESTS))

on_other_python = @if other=$$(.ci/other-python $(PYTHON)); then \
    MAKEFLAGS= $(MAKE) --no-print-directory PYTHON="$$other" VENV=.venv-other $(1); fi

setup-other:
	$(call on_other_python,.venv-other/.quick)

test-other: ## the quick ones on the newest other Python of this machine, where there is one
	$(call on_other_python,test-quick)

faults: $(VENV)/.dev ## the tests that provoke faults, alone; docs/faults.md then says how each of them went
	@mkdir -p out
	-$(BIN)/pytest $(SEVERAL_FILES) -m fault --junitxml out/faults.xml $(FILES_WITH_FAULTS)
	$(BIN)/python -m tests.faults.table out/faults.xml

faults: FILES_AT_A_TIME = 4
test-quick: FILES_AT_A_TIME = 2
# These may run beside test-python, so their servers have other ports.
test-quick: export TEST_PORTS_FROM = 7000
soak: export TEST_PORTS_FROM = 8500

soak: $(VENV)/.dev ## jobs while processes are killed, frozen and restarted at random; MINUTES=3, SEED= for the same again
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

fuzz: $(VENV)/.dev ## malformed calls, requests, media, styles, scripts and archives; COUNT=100000, SEED= (that of the day)
	$(BIN)/python -m tests.fuzz --count $(COUNT) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.dev ## all ratios side by side: a table, tests/bench/RESULTS.md and out/bench.json
	$(BIN)/python -m tests.bench

quality: $(VENV)/.dev starter ## what is understood of the starter voice: a table, kept in tests/bench/QUALITY.md
	$(BIN)/python -m tests.bench.quality

bench-gpu: $(VENV)/.dev ## both GPU engines with random weights of the real shapes; says so where no GPU is
	@$(BIN)/python -m tests.bench.gpu

studio: $(VENV)/.mesh ## mesh and gateway on this machine; prints the studio's address and opens it where a desktop is
	$(BIN)/vigent up --open

studio-dist: $(STUDIO_PACKAGES) gateway/studio/build/openapi.json ## builds the studio's page anew into gateway/studio/dist (needs Node)
	npm --prefix gateway/studio run --silent api
	npm --prefix gateway/studio run --silent build

remotion: $(REMOTION_BUILD) ## what the optional Remotion overlay needs: Node, Chromium, npm packages, bundle

generate: $(VENV)-protos/.done ## Python stubs from protos/
	PATH=$(VENV)-protos/bin:$$PATH $(VENV)-protos/bin/python protos/generate.py

clean: ## removes environments and what was made
	rm -rf $(VENV) $(VENV)-* out .vigent remotion/node_modules remotion/dist remotion/build gateway/studio/node_modules gateway/studio/build

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.mesh: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Setting up $(VENV), once: some 75 packages, 900 MB on disk."
	@$(PIP) --editable '.[mesh]'
	@touch $@

# CI loads a third of this once, and compiles it then.
NOT_COMPILED = $(if $(filter true,$(CI)),--no-compile)

$(VENV)/.dev: $(VENV)/.mesh
	@echo "Setting up what developing needs, once: torch is most of it, on Linux with 3 GB of CUDA libraries."
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) $(NOT_COMPILED) --group dev --editable '.[mesh,latentsync,qwen3,whisper]'
	@touch $@

$(VENV)/.quick: $(VENV)/.mesh
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) --group quick --editable '.[mesh,traces]'
	@touch $@

$(VENV)-protos/.done: protos/requirements.txt
	@$(PYTHON) -m venv $(VENV)-protos
	@$(VENV)-protos/bin/pip --disable-pip-version-check install --quiet --requirement protos/requirements.txt
	@touch $@

# Once for both, so that two do not install at the same time.
.PHONY: node-and-chromium
node-and-chromium:
	@.ci/node-and-chromium

$(REMOTION_PACKAGES): remotion/package.json remotion/package-lock.json | node-and-chromium
	@echo "Installing the Node packages of remotion/ (once, about a minute) ..."
	@npm --prefix remotion ci --silent --no-progress
	@touch $@

$(STUDIO_PACKAGES): gateway/studio/package.json gateway/studio/package-lock.json | node-and-chromium
	@echo "Installing the Node packages of gateway/studio/ (once, about a minute) ..."
	@npm --prefix gateway/studio ci --silent --no-progress
	@touch $@

# Always anew: what it is made of is all of the gateway.
.PHONY: gateway/studio/build/openapi.json
gateway/studio/build/openapi.json: $(VENV)/.dev
	@mkdir -p $(@D)
	@$(BIN)/python -m tests.support.openapi > $@

$(REMOTION_BUILD): $(REMOTION_PACKAGES) $(wildcard remotion/*.json remotion/src/* remotion/child/* remotion/bench/* remotion/test/*)
	@echo "Building remotion/ ..."
	@npm --prefix remotion run --silent build
	@touch $@
