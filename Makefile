# `make demo` and `make test` do all their set-up on a fresh machine with Python 3.11 or newer. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
DEMO_HOME ?= .fiscus-demo
export UV_NO_PROGRESS := 1
unexport PYTHONDONTWRITEBYTECODE  # what was compiled is kept: every start of `fiscus` compiles a thousand modules without

.DEFAULT_GOAL := help
.PHONY: help demo test docs peers spark sail azure promises lint format bench lock clean
APART := docs tidy promises peers spark azure  # each has a target of its own, and the gate runs them all

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

demo: $(VENV)/.run  ## Build a simulated company, run the loop on it, show what was found, serve it (DEMO_SERVE=0: do not)
	$(BIN)/fiscus demo --home $(DEMO_HOME) $(if $(filter 0,$(DEMO_SERVE)),--no-serve)

test: $(VENV)/.dev  ## The tests, against real components (FISCUS_THOROUGH=1: with what is left to the gate)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=tests/,$(APART)) $(PYTEST_ARGS)

docs: $(VENV)/.dev  ## Every command and every example in the docs, run as a reader would
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/docs $(PYTEST_ARGS)

peers: $(VENV)/.dev $(VENV)/.litellm  ## Other people's programs that ask Fiscus: the LiteLLM proxy, a real Envoy
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/peers $(PYTEST_ARGS)

spark: $(VENV)/.spark  ## The same questions on DuckDB and on a Spark cluster of this machine: a master and two workers (needs Java 17)
	FISCUS_THOROUGH=$(if $(FISCUS_QUICK),,1) $(BIN)/python -m pytest -q -p no:xdist tests/spark $(PYTEST_ARGS)

sail: $(VENV)/.sail  ## The same questions on DuckDB and on Sail, which speaks Spark Connect without Java; its known differences are marked
	FISCUS_TEST_ENGINE=sail $(VENV)/sail/bin/python -m pytest -q -p no:xdist tests/spark $(PYTEST_ARGS)

azure: $(VENV)/.azurite  ## The lake and its sources in Azurite, Microsoft's emulator of Blob Storage (370 npm packages, 190 MB)
	$(BIN)/python -m pytest -q -p no:xdist tests/azure $(PYTEST_ARGS)

promises: $(VENV)/.dev  ## The promises and their proof as a table ([ONLY=P8,P9] [TRIALS=n] [SEED=n])
	$(BIN)/python -m tools.promises $(if $(ONLY),--only $(ONLY)) $(if $(TRIALS),--trials $(TRIALS)) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/.dev  ## Format, lint, types, import contracts, dependencies, house rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/python -m pytest -q -p no:xdist tests/tidy

format: $(VENV)/.dev  ## Format the code in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev $(VENV)/.litellm  ## Benchmarks as ratios, quick
	$(BIN)/python -m bench.loop --quick
	$(BIN)/python -m bench.policies --quick
	$(BIN)/python -m bench.allocation --quick
	$(BIN)/python -m bench.scale --quick
	$(BIN)/python -m bench.gateway --quick
	$(BIN)/python -m bench.overshoot --quick

lock: $(VENV)/.uv  ## Renew the locks: hashes, no addresses
	sh tools/lock.sh $(BIN)/uv

clean:  ## Remove what the set-up and the demo made
	rm -rf $(VENV) $(DEMO_HOME)

$(VENV)/.uv: requirements-bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fiscus needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-bootstrap.lock
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements.lock pyproject.toml package-lock.json tools/build_assets.py
	$(UV) --require-hashes -r requirements.lock
	$(UV) --no-deps --no-build-isolation -e .
	$(BIN)/python tools/build_assets.py
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(UV) --require-hashes -r requirements-dev.lock
	FISCUS_DEV=1 $(BIN)/python tools/build_assets.py
	@touch $@

$(VENV)/.spark: $(VENV)/.dev requirements-spark.lock
	@java -version >/dev/null 2>&1 || { echo "Spark needs Java 17 or newer: apt-get install openjdk-17-jre-headless, or set PATH"; exit 2; }
	$(UV) --require-hashes -r requirements-spark.lock
	@touch $@

$(VENV)/.sail: $(VENV)/.dev requirements-sail.lock  # an environment of its own: its client and PySpark are both the module pyspark
	$(BIN)/uv venv --quiet --python $(BIN)/python --allow-existing $(VENV)/sail
	$(BIN)/uv pip install --quiet --python $(VENV)/sail/bin/python --require-hashes -r requirements-sail.lock
	$(BIN)/uv pip install --quiet --python $(VENV)/sail/bin/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.azurite: $(VENV)/.dev tests/azure/package-lock.json
	cd tests/azure && PATH="$(abspath $(BIN)):$$PATH" npm ci --ignore-scripts --silent
	@touch $@

$(VENV)/.litellm: $(VENV)/.uv requirements-litellm.lock
	$(BIN)/uv venv --quiet --python $(BIN)/python --allow-existing $(VENV)/litellm
	$(BIN)/uv pip install --quiet --python $(VENV)/litellm/bin/python --require-hashes -r requirements-litellm.lock
	@touch $@
