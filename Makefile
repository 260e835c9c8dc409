# Targets a newcomer needs: `make demo` and `make test`. Everything lives in .venv and the user's cache folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# A seed of the fault suite, and how many sessions its faults interrupt in all.
SEED ?= 20261121
COUNT ?= 1000
# One test of it: make faults ONLY='tests/faults/test_kill.py::test_…'
ONLY ?= tests/faults

# The models that recordings are heard with, and whether through a real server, too, and kept.
MODELS ?= moonshine-tiny-en
LIVE ?=
KEEP ?=

# Tests whose results could depend on a processor's rounding.
NUMERIC := tests/unit/audio tests/unit/speech tests/unit/recognition tests/property/test_audio_splits.py tests/property/test_whisper_features.py

# How many stories with power cuts are played, from which seed on.
SEEDS ?= 5000
FIRST ?= 0

# Seconds of each flood against a server, and how many inputs the fuzzer makes.
SECONDS ?= 10
ROUNDS ?= 10000000

PYTHON_CLIENTS := livekit pipecat videosdk
CLIENT_STAMPS := $(PYTHON_CLIENTS:%=.venv-clients/%/installed) .venv-clients/node/installed

# Large packages that a client asks for but never loads in the tests.
LIVEKIT_UNUSED := grpcio
PIPECAT_UNUSED := docopt flatbuffers jiter llvmlite markdown num2words numba onnxruntime openai resampy soundfile

.PHONY: help setup models test-models demo serve clients test kernels conformance conformance-page faults deliveries power-cuts abuse fuzz docs check format bench bench-accuracy bench-languages lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …'; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/server.stamp: requirements/server.txt pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --require-hashes -r requirements/server.txt
	$(PIP) install --quiet --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt requirements/clients.txt $(VENV)/server.stamp
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/clients.txt
	@touch $@

models: $(VENV)/server.stamp ## Fetch the models that the server starts with
	$(BIN)/vivavoce models pull

test-models: models
	$(BIN)/vivavoce models pull speech-samples-languages

setup: $(VENV)/server.stamp models ## Virtual environment, locked dependencies, models

demo: setup ## Stream real speech through a server of its own and show the live transcript
	$(BIN)/vivavoce demo

serve: setup ## Leave a server running on http://127.0.0.1:8300
	$(BIN)/vivavoce serve

clients: $(VENV)/dev.stamp ## The published clients that the tests drive, each apart; what cannot be had is skipped
	@$(MAKE) --no-print-directory --jobs=4 $(CLIENT_STAMPS)

# No stamp is left for a client that this machine cannot have, so the next run tries again.
$(PYTHON_CLIENTS:%=.venv-clients/%/installed): .venv-clients/%/installed: requirements/clients-%.txt tests/clients/install.py | $(VENV)/dev.stamp
	@$(BIN)/python tests/clients/install.py $*

.venv-clients/node/installed: tests/clients/node/package-lock.json tests/clients/install.py | $(VENV)/dev.stamp
	@$(BIN)/python tests/clients/install.py node

test: $(VENV)/dev.stamp test-models clients ## Every test, with a short round of the fault suite
	$(BIN)/python -m pytest

# Forced kernels of numpy's matrix products: those of other processors, which any x86-64 computer of
# the last ten years can run. Elsewhere the names mean nothing, and the tests run as they are.
kernels: $(VENV)/dev.stamp models ## The tests of signal processing with other processors' kernels
	@for kernel in Haswell Zen Sandybridge Prescott; do \
	  OPENBLAS_CORETYPE=$$kernel $(BIN)/python -m pytest --quiet $(NUMERIC) || exit 1; done

conformance: $(VENV)/dev.stamp test-models clients ## Every check of the API contract, as a table
	$(BIN)/python -m pytest tests/conformance --quiet --tb=short --checks

conformance-page: $(VENV)/dev.stamp test-models clients ## The same, written to docs/reference/conformance.md
	$(BIN)/python -m pytest tests/conformance --quiet --tb=short --checks --page docs/reference/conformance.md

faults: $(VENV)/dev.stamp models ## Break real servers under real clients: make faults SEED=1 COUNT=1000
	FAULTS_SEED='$(SEED)' FAULTS_COUNT='$(COUNT)' $(BIN)/python -m pytest '$(ONLY)' --quiet --timeout 3600

deliveries: $(VENV)/dev.stamp models ## Kill the server while its callbacks' receiver fails: make deliveries SEED=1 COUNT=200
	DELIVERIES_SEED='$(SEED)' DELIVERIES_COUNT='$(COUNT)' $(BIN)/python -m pytest tests/integration/test_delivery_kills.py --timeout 7200

power-cuts: $(VENV)/dev.stamp ## Cut the power under a simulated disk: make power-cuts SEEDS=5000
	PYTHONPATH=tests $(BIN)/python -m power --seeds $(SEEDS) --first $(FIRST)

abuse: $(VENV)/dev.stamp models ## Attack a server as strangers do, and a table of it: make abuse SECONDS=10
	ABUSE_SECONDS='$(SECONDS)' $(BIN)/python -m pytest tests/abuse --quiet --tb=short --timeout 900

fuzz: $(VENV)/dev.stamp ## Random bytes for parsers and decoders: make fuzz ROUNDS=10000000 SEED=1
	PYTHONPATH=tests $(BIN)/python -m fuzz --rounds $(ROUNDS) --seed $(SEED)

docs: $(VENV)/dev.stamp ## Write docs/reference from the code
	$(BIN)/python tools/reference.py

check: $(VENV)/dev.stamp ## Lint, format, types, layers, reference
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/reference.py --check

format: $(VENV)/dev.stamp ## Rewrite the sources in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp models ## Every measurement of speed, written to docs/benchmarks.md: make bench QUICK=1
	PYTHONPATH=bench $(BIN)/python -m performance $(if $(QUICK),--quick) $(if $(AUDIO),--audio '$(AUDIO)') $(OPTIONS)

bench-accuracy: $(VENV)/dev.stamp models ## Word errors on recordings, against those kept: make bench-accuracy AUDIO=DIR [MODELS='…'] [LIVE=1] [KEEP=1]
	@test -n '$(AUDIO)' || { echo 'Name a folder of recordings with a manifest.jsonl: make bench-accuracy AUDIO=DIR'; exit 1; }
	PYTHONPATH=bench $(BIN)/python -m accuracy --audio '$(AUDIO)' $(MODELS:%=--model %) $(if $(LIVE),--server) $(if $(KEEP),--keep) $(OPTIONS)

bench-languages: $(VENV)/dev.stamp models ## The same for every language: make bench-languages AUDIO=DIR
	@test -n '$(AUDIO)' || { echo 'Name a folder of recordings with a manifest.jsonl: make bench-languages AUDIO=DIR'; exit 1; }
	PYTHONPATH=bench $(BIN)/python -m accuracy.languages --audio '$(AUDIO)' $(OPTIONS)

lock: ## Renew the hashed lock files (needs uv on the PATH)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  pyproject.toml --extra server requirements/build.in -o requirements/server.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  pyproject.toml --extra server --extra hub --extra sherpa --group dev requirements/build.in -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  --no-deps requirements/clients.in -o requirements/clients.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  $(LIVEKIT_UNUSED:%=--no-emit-package %) requirements/clients-livekit.in -o requirements/clients-livekit.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  $(PIPECAT_UNUSED:%=--no-emit-package %) requirements/clients-pipecat.in -o requirements/clients-pipecat.txt
	uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --upgrade \
	  --no-deps requirements/clients-videosdk.in -o requirements/clients-videosdk.txt
	cd tests/clients/node && npm install --package-lock-only --omit-lockfile-registry-resolved

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-clients tests/clients/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .faults
