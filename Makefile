# `make env` installs everything; `make demo` and `make test` do that first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PCLUSTER_VENV := .venv-pcluster
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# No command here reaches the real AWS by accident.
export AWS_EC2_METADATA_DISABLED := true
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start hundreds of processes: without compiled modules each would compile ours again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help env versions wheel demo test check lint lock bom checkov fuzz bench bench-upload bench-advise bench-jobs bench-routes bench-submit bench-proof bench-scale faults clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

env: $(VENV)/.ready $(PCLUSTER_VENV)/.ready node_modules/.ready ## install everything, in this folder only

$(VENV)/.ready: requirements.txt pyproject.toml local_aws/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "GoToCloud needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --editable . --editable local_aws
	@touch $@

# ParallelCluster pins an old CDK; it can never share an environment with ours.
$(PCLUSTER_VENV)/.ready: requirements-pcluster.txt
	@echo "Setting up $(PCLUSTER_VENV) ..."
	@test -x $(PCLUSTER_VENV)/bin/python || $(PYTHON) -m venv $(PCLUSTER_VENV)
	@$(PCLUSTER_VENV)/bin/pip install --quiet --require-hashes -r requirements-pcluster.txt
	@touch $@

# Older versions that GoToCloud works with: for their tests only, so `make env` leaves them out.
versions: $(patsubst requirements-pcluster-%.txt,$(PCLUSTER_VENV)-%/.ready,$(wildcard requirements-pcluster-*.txt)) ## install the older ParallelClusters, too (a minute each)

$(PCLUSTER_VENV)-%/.ready: requirements-pcluster-%.txt
	@echo "Setting up $(@D) ..."
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --require-hashes -r $<
	@touch $@

# npm comes from the virtual environment, so this needs no Node on the machine.
node_modules/.ready: package.json package-lock.json $(VENV)/.ready
	@echo "Setting up the CDK command line ..."
	@npm ci --loglevel=error --no-fund --no-audit
	@ln -sf ../../node_modules/.bin/cdk $(BIN)/cdk
	@touch $@

# setuptools would also pack what an earlier build left in build/lib.
wheel: env ## build the file that scientists install: build/wheel/gotocloud-*.whl
	@rm -rf build/lib build/wheel
	@pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel .
	@rm -rf build/lib
	@ls build/wheel/*.whl

demo: env ## deploy the example platform and launch a cluster, on a local AWS
	@gotocloud rehearse demo

# One more than there are cores: the tests of Slurm wait for its clock most of the time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

# Where everything is required, the older versions are, too.
test: env $(if $(GOTOCLOUD_REQUIRE_EVERYTHING),versions) ## run every test that this machine can run
	@pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

check: env lint test ## what CI runs: lint, types, tests

lint: env
	@ruff check .
	@ruff format --check .
	@mypy
	@shellcheck gotocloud/node/*.sh .ci/run

lock: ## write the lock files from the pyproject.toml files
	@$(BIN)/pip-compile --quiet --extra infra --extra advice --extra rehearsal --extra dev --all-build-deps \
	  --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --strip-extras --no-header -o requirements.txt pyproject.toml local_aws/pyproject.toml
	@$(BIN)/pip-compile --quiet --allow-unsafe \
	  --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --strip-extras --no-header -c requirements.txt \
	  -o requirements-scientists.txt pyproject.toml
	@for file in requirements-*.in; do $(BIN)/pip-compile --quiet --allow-unsafe \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --strip-extras --no-header -o "$${file%.in}.txt" "$$file"; done

fuzz: env ## feed 20,000 damaged inputs to everything that is read
	@python -m benchmarks.fuzz

bom: env versions .venv-checkov/.ready ## write the bill of materials: build/gotocloud.cdx.json
	@python -m bill_of_materials build/gotocloud.cdx.json

# checkov pins older packages than ours: an environment of its own.
.venv-checkov/.ready: requirements-checkov.txt
	@echo "Setting up $(@D) ..."
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --require-hashes -r $<
	@touch $@

checkov: env .venv-checkov/.ready ## checkov over every stack of three platforms (two minutes)
	@rm -rf build/checkov
	@python -m tests.security.assemblies build/checkov
	@.venv-checkov/bin/checkov --framework cloudformation --directory build/checkov --compact --quiet --skip-download

bench: env ## measure start-up and synthesis, as ratios
	@python benchmarks/run.py

bench-upload: env ## measure uploads against s5cmd (10 minutes, 20 GB of disk)
	@python benchmarks/upload.py

bench-advise: env ## rank a million candidates, as a ratio to a plain loop
	@python benchmarks/advise.py

bench-jobs: env ## list 1,000 jobs of a real Slurm (needs root, slurm-wlm)
	@python benchmarks/jobs.py

bench-routes: env ## route and check 10,000 generated RELION jobs
	@python -m benchmarks.routes

bench-proof: env ## time and memory of a pause's proof up to a million files; for ten million: python benchmarks/proof.py --only-compare 10000000
	@python benchmarks/proof.py --docs docs/pausing.md

bench-scale: env ## time, memory and template sizes of a platform of 1,000 groups
	@python -m benchmarks.scale

bench-submit: env ## submit through gotocloud against sbatch (needs root, slurm-wlm)
	@python benchmarks/submit.py

faults: env ## disturb every command, and leave every state by what is suggested (an hour)
	@python -W ignore -m benchmarks.faults --tries 3 --near --states 100 --table docs/faults.md

clean: ## remove everything that was built and installed here
	rm -rf build cdk.out $(VENV) $(PCLUSTER_VENV) $(PCLUSTER_VENV)-* .venv-checkov node_modules *.egg-info
